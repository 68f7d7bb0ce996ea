using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Tests.Data.Augmentation;

public class MixingTests
{
    private static readonly AugmentationRecipe Both = new() { Mixup = 0.8, Cutmix = 1, MixupProb = 1, MixupSwitchProb = 0.5 };

    [Fact]
    public void Batches_switch_between_mixup_and_cutmix()
    {
        var draws = Draws(Both);
        Assert.InRange(draws.Count(draw => draw.Pasted is not null) / (double)draws.Count, 0.47, 0.53);
        Assert.All(Draws(Both with { Cutmix = 0 }), draw => Assert.Null(draw.Pasted));
        Assert.All(Draws(Both with { Mixup = 0 }), draw => Assert.NotNull(draw.Pasted));
        Assert.All(Draws(Both with { Mixup = 0, Cutmix = 0 }), draw => Assert.Equal(Mixing.None, draw));
    }

    [Fact]
    public void Batches_are_mixed_with_the_given_probability()
    {
        var draws = Draws(Both with { MixupProb = 0.3 });
        Assert.InRange(draws.Count(draw => draw != Mixing.None) / (double)draws.Count, 0.27, 0.33);
    }

    [Fact]
    public void Mixup_follows_the_beta_distribution()
    {
        var lambdas = Draws(Both with { Cutmix = 0 }).Select(draw => draw.Lambda).ToList();
        var mean = lambdas.Average();
        Assert.InRange(mean, 0.48, 0.52);

        // Variance of Beta(a, a) is 1 / (4 (2 a + 1)) = 0.0962 for a = 0.8.
        Assert.InRange(lambdas.Average(lambda => (lambda - mean) * (lambda - mean)), 0.09, 0.102);
    }

    [Fact]
    public void Cutmix_counts_the_area_that_is_left()
    {
        var draws = Draws(Both with { Mixup = 0 });
        Assert.All(draws, draw =>
        {
            var box = draw.Pasted!.Value;
            Assert.Equal(1 - (box.Width * box.Height / 1024.0), draw.Lambda, 1e-12);
            Assert.True(box.Left >= 0 && box.Top >= 0 && box.Left + box.Width <= 32 && box.Top + box.Height <= 32);
        });

        // Uniform lambda without cutting at the borders would average 0.5; the cut boxes leave more of the image.
        Assert.InRange(draws.Average(draw => draw.Lambda), 0.6, 0.75);
    }

    [Fact]
    public void Mixup_blends_each_image_with_its_mirror_in_the_batch()
    {
        var images = Batch(3);
        new Mixing(0.75, null).Apply(images, 3, 4);
        Assert.All(images[..48], value => Assert.Equal(0.5f, value));
        Assert.All(images[48..96], value => Assert.Equal(1f, value));
        Assert.All(images[96..], value => Assert.Equal(1.5f, value));
    }

    [Fact]
    public void Cutmix_exchanges_the_box_in_all_channels()
    {
        var images = Batch(2);
        new Mixing(0.75, new Box(1, 2, 2, 1)).Apply(images, 2, 4);
        for (var i = 0; i < 48; i++)
        {
            var inside = i % 16 is 9 or 10;
            Assert.Equal(inside ? 1 : 0, images[i]);
            Assert.Equal(inside ? 0 : 1, images[48 + i]);
        }
    }

    /// <summary>Image i of 4 x 4 pixels holds the value i.</summary>
    private static float[] Batch(int count) => [.. Enumerable.Range(0, count * 48).Select(i => (float)(i / 48))];

    private static List<Mixing> Draws(AugmentationRecipe recipe) =>
        [.. Enumerable.Range(0, 4000).Select(batch => Mixing.Draw(recipe, 32, new CounterRandom(1, RandomPurpose.Mixing, 0, batch)))];
}
