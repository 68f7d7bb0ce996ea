using AutoProg.Ort.Data.Augmentation;

namespace AutoProg.Ort.Tests.Data.Augmentation;

public class EnhancementsTests
{
    [Fact]
    public void Factor_one_leaves_every_pixel()
    {
        var expected = Canvases.Busy(8).Pixels.ToArray();
        foreach (Action<Canvas, double> enhance in new Action<Canvas, double>[] { Enhancements.Color, Enhancements.Contrast, Enhancements.Brightness, Enhancements.Sharpness })
        {
            var canvas = Canvases.Busy(8);
            enhance(canvas, 1);
            Assert.Equal(expected, canvas.Pixels.ToArray());
        }
    }

    [Fact]
    public void Without_colour_the_luma_remains()
    {
        // 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2
        var canvas = Canvases.Of(1, 1, [200, 100, 50]);
        Enhancements.Color(canvas, 0);
        Assert.Equal([124, 124, 124], canvas.Pixels.ToArray());

        canvas = Canvases.Of(1, 1, [200, 100, 50]);
        Enhancements.Color(canvas, 1.5);
        Assert.Equal([238, 88, 13], canvas.Pixels.ToArray());
    }

    [Fact]
    public void Contrast_moves_values_from_the_mean()
    {
        var canvas = Canvases.Grey(2, 1, 50, 150);
        Enhancements.Contrast(canvas, 0.5);
        Assert.Equal([75, 125], canvas.Values());
        Enhancements.Contrast(canvas, 0);
        Assert.Equal([100, 100], canvas.Values());
    }

    [Fact]
    public void Brightness_multiplies_and_cuts_at_white()
    {
        var canvas = Canvases.Grey(3, 1, 0, 100, 200);
        Enhancements.Brightness(canvas, 1.5);
        Assert.Equal([0, 150, 255], canvas.Values());
    }

    [Fact]
    public void Sharpness_below_one_smooths_the_inside_and_keeps_the_border()
    {
        var canvas = Canvases.Grey(3, 3, 0, 0, 0, 0, 130, 0, 0, 0, 0);
        Enhancements.Sharpness(canvas, 0);
        Assert.Equal([0, 0, 0, 0, 50, 0, 0, 0, 0], canvas.Values()); // 5 * 130 / 13

        canvas = Canvases.Grey(3, 3, 0, 0, 0, 0, 130, 0, 0, 0, 0);
        Enhancements.Sharpness(canvas, 2);
        Assert.Equal(210, canvas.Values()[4]); // 50 + 2 * 80
    }
}
