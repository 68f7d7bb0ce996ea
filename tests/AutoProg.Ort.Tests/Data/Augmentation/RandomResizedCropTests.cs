using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Randomness;
using FsCheck.Xunit;

namespace AutoProg.Ort.Tests.Data.Augmentation;

public class RandomResizedCropTests
{
    [Property]
    public void The_box_lies_inside_the_image(int seed, byte width, byte height)
    {
        var (w, h) = (width + 1, height + 1);
        var box = Draw(seed).BoxIn(w, h);
        Assert.InRange(box.Left, 0, w - box.Width);
        Assert.InRange(box.Top, 0, h - box.Height);
        Assert.True(box.Width > 0 && box.Height > 0);
    }

    [Fact]
    public void Area_and_aspect_ratio_keep_their_bounds_and_spread_over_them()
    {
        var (areas, ratios) = (new List<double>(), new List<double>());
        for (var seed = 0; seed < 4000; seed++)
        {
            var box = Draw(seed).BoxIn(1000, 1000);
            areas.Add(box.Width * box.Height / 1e6);
            ratios.Add(Math.Log((double)box.Width / box.Height));
        }

        // Rounding a side of at least 240 pixels moves area and ratio by less than 0.5 %.
        Assert.InRange(areas.Min(), 0.079, 0.1);
        Assert.InRange(areas.Max(), 0.95, 1);
        Assert.InRange(Math.Exp(ratios.Min()), 0.745, 0.76);
        Assert.InRange(Math.Exp(ratios.Max()), 1.31, 1.34);

        // An area above 3/4 fits with probability -ln(area) / ln(4/3), which makes the mean 0.478 (0.54 without rejections); three standard errors are 0.012.
        Assert.InRange(areas.Average(), 0.466, 0.49);
        Assert.InRange(ratios.Average(), -0.01, 0.01);
    }

    [Fact]
    public void Places_reach_all_borders()
    {
        var boxes = Enumerable.Range(0, 2000).Select(seed => Draw(seed).BoxIn(20, 20)).ToList();
        Assert.Contains(boxes, box => box.Left == 0 && box.Width < 15);
        Assert.Contains(boxes, box => box.Left + box.Width == 20 && box.Width < 15);
        Assert.Contains(boxes, box => box.Top == 0 && box.Height < 15);
        Assert.Contains(boxes, box => box.Top + box.Height == 20 && box.Height < 15);
    }

    [Theory]
    [InlineData(1000, 10, 493, 0, 13, 10)]
    [InlineData(10, 1000, 0, 493, 10, 13)]
    [InlineData(10, 10, 0, 0, 10, 10)]
    public void When_no_attempt_fits_the_largest_allowed_box_is_taken_from_the_centre(int width, int height, int left, int top, int boxWidth, int boxHeight)
    {
        var random = new CounterRandom(1, RandomPurpose.Augmentation);
        var crop = RandomResizedCrop.Draw((1, 1), (0.75, 4.0 / 3), ref random);
        Assert.Equal(new Box(left, top, boxWidth, boxHeight), crop.BoxIn(width, height));
    }

    [Property]
    public void The_side_asked_for_is_enough_to_fill_the_crop(int seed, byte resolutionDraw, byte aspectDraw)
    {
        var resolution = (resolutionDraw % 100) + 28;
        var crop = Draw(seed);
        var side = crop.MinimumSide(resolution);
        var box = crop.BoxIn(side, (int)(side * (1 + (aspectDraw / 256.0))));
        Assert.True(Math.Min(box.Width, box.Height) >= resolution - 1, $"{box} of an image with sides from {side}, for {resolution} pixels");
    }

    [Fact]
    public void A_full_crop_asks_for_the_resolution_alone()
    {
        var random = new CounterRandom(1, RandomPurpose.Augmentation);
        Assert.Equal(32, RandomResizedCrop.Draw((1, 1), (1, 1), ref random).MinimumSide(32));
    }

    private static RandomResizedCrop Draw(long seed)
    {
        var random = new CounterRandom(seed, RandomPurpose.Augmentation);
        return RandomResizedCrop.Draw((0.08, 1), (0.75, 4.0 / 3), ref random);
    }
}
