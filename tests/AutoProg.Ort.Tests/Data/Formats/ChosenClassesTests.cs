using AutoProg.Ort.Data;
using AutoProg.Ort.Data.Formats;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Tests.Data.Formats;

public sealed class ChosenClassesTests
{
    private static readonly DataRecipe Builtin = new() { TrainSamples = 40, ValSamples = 20 };

    [Fact]
    public void Classes_are_numbered_in_the_order_of_the_recipe_and_keep_their_images()
    {
        var all = new BuiltinShapes(40, seed: 1, training: true);
        var chosen = new ChosenClasses(all, [all.ClassNames[7], all.ClassNames[2]]);

        Assert.Equal(8, chosen.Count);
        Assert.Equal([all.ClassNames[7], all.ClassNames[2]], chosen.ClassNames);
        for (var i = 0; i < chosen.Count; i++)
        {
            using var image = chosen.Load(i, 16);
            var original = Enumerable.Range(0, all.Count).Single(k => all.Describe(k) == chosen.Describe(i));
            using var same = all.Load(original, 16);
            Assert.Equal(all.ClassNames[all.LabelOf(original)], chosen.ClassNames[chosen.LabelOf(i)]);
            Assert.True(image.Pixels.SequenceEqual(same.Pixels));
        }
    }

    [Fact]
    public void A_recipe_chooses_for_training_and_evaluation()
    {
        var (train, val) = ImageDatasets.Open(Builtin with { Classes = ["ring-rows", "disc-rows"] }, seed: 1);
        Assert.Equal((8, 4), (train.Count, val.Count));
        Assert.Equal(["ring-rows", "disc-rows"], val.ClassNames);
    }

    [Theory]
    [InlineData("disc-row", "data.classes names 'disc-row', which is no class of 'builtin/train'; it has disc-rows,")]
    [InlineData("disc-rows", "data.classes [disc-rows, disc-rows] names a class twice.")]
    public void What_cannot_be_chosen_is_named(string name, string problem) => Assert.StartsWith(
        problem,
        Assert.Throws<DataException>(() => ImageDatasets.Open(Builtin with { Classes = [name, "disc-rows"] }, seed: 1)).Message,
        StringComparison.Ordinal);
}
