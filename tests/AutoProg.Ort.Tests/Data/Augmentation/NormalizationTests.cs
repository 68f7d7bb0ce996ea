using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Tests.Data.Augmentation;

public class NormalizationTests
{
    [Fact]
    public void Channels_become_planes_on_the_scale_of_their_deviation()
    {
        var normalization = new Normalization([0.5, 0, 1], [0.5, 1, 2]);
        var target = new float[6];
        normalization.Apply(Canvases.Of(2, 1, [0, 51, 255, 255, 102, 0]), target);
        Assert.Equal([-1f, 1f, 0.2f, 0.4f, 0f, -0.5f], target);
    }

    [Fact]
    public void The_fill_colour_of_imagenet_is_the_published_one()
    {
        var recipe = new DataRecipe();
        Assert.Equal(new Rgb(124, 116, 104), new Normalization(recipe.Mean, recipe.Std).Fill);
    }

    [Fact]
    public void Unusable_statistics_are_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new Normalization([0.5, 0.5], [1, 1, 0]));
        Assert.StartsWith("data.mean = [0.5, 0.5] and data.std = [1, 1, 0]; expected three numbers each, std above 0.", error.Message, StringComparison.Ordinal);
    }
}
