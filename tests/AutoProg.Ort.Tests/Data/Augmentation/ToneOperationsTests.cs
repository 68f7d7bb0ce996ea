using AutoProg.Ort.Data.Augmentation;

namespace AutoProg.Ort.Tests.Data.Augmentation;

public class ToneOperationsTests
{
    [Fact]
    public void Auto_contrast_stretches_each_channel_to_the_full_range()
    {
        var canvas = Canvases.Of(3, 1, [50, 0, 7, 100, 100, 7, 150, 255, 7]);
        ToneOperations.AutoContrast(canvas);
        Assert.Equal([0, 0, 7, 127, 100, 7, 255, 255, 7], canvas.Pixels.ToArray());
    }

    [Fact]
    public void Equalize_spreads_an_uneven_histogram()
    {
        // 510 pixels 100, 255 pixels 101, 255 pixels 102: step = (1020 - 255) / 255 = 3, so 1/3 -> 0, (1 + 510) / 3 = 170, (1 + 765) / 3 = 255.
        int[] values = [.. Enumerable.Repeat(100, 510), .. Enumerable.Repeat(101, 255), .. Enumerable.Repeat(102, 255)];
        var canvas = Canvases.Grey(1020, 1, values);
        ToneOperations.Equalize(canvas);
        Assert.Equal([0, 170, 255], canvas.Values().Distinct());
    }

    [Fact]
    public void Equalize_leaves_a_plain_image()
    {
        var canvas = Canvases.Grey(600, 1, [.. Enumerable.Repeat(77, 600)]);
        ToneOperations.Equalize(canvas);
        Assert.All(canvas.Values(), value => Assert.Equal(77, value));
    }

    [Fact]
    public void Invert_mirrors_the_range()
    {
        var canvas = Canvases.Grey(3, 1, 0, 100, 255);
        ToneOperations.Invert(canvas);
        Assert.Equal([255, 155, 0], canvas.Values());
    }

    [Theory]
    [InlineData(8, 255, 171)]
    [InlineData(4, 240, 160)]
    [InlineData(1, 128, 128)]
    [InlineData(0, 0, 0)]
    public void Posterize_keeps_the_highest_bits(int bits, int first, int second)
    {
        var canvas = Canvases.Grey(2, 1, 255, 0b10101011);
        ToneOperations.Posterize(canvas, bits);
        Assert.Equal([first, second], canvas.Values());
    }

    [Theory]
    [InlineData(256, 10, 128, 255)]
    [InlineData(128, 10, 127, 0)]
    [InlineData(26, 10, 127, 0)]
    [InlineData(0, 245, 127, 0)]
    public void Solarize_inverts_from_the_threshold_on(int threshold, int first, int second, int third)
    {
        var canvas = Canvases.Grey(3, 1, 10, 128, 255);
        ToneOperations.Solarize(canvas, threshold);
        Assert.Equal([first, second, third], canvas.Values());
    }

    [Fact]
    public void Solarize_add_brightens_the_dark_half()
    {
        var canvas = Canvases.Grey(4, 1, 0, 127, 128, 255);
        ToneOperations.SolarizeAdd(canvas, 128);
        Assert.Equal([128, 255, 128, 255], canvas.Values());
    }
}
