using AutoProg.Ort.Data;
using AutoProg.Ort.Data.Augmentation;

namespace AutoProg.Ort.Tests.Data.Augmentation;

public class EvaluationCropTests
{
    [Theory]
    [InlineData(224, 0.875, 512)]
    [InlineData(288, 0.875, 658)]
    [InlineData(224, 0.96, 466)]
    [InlineData(32, 1, 64)]
    public void Twice_the_resized_side_is_asked_for(int resolution, double cropPct, int side) =>
        Assert.Equal(side, EvaluationCrop.MinimumSide(resolution, cropPct));

    [Theory]
    [InlineData(8, 4, 2)]
    [InlineData(4, 8, 0)]
    public void The_middle_of_the_longer_side_is_kept(int width, int height, int firstColumn)
    {
        // Crop share 1 and resolution 4: nothing is resampled, so the values are those of the source.
        var canvas = new Canvas();
        EvaluationCrop.Apply(Columns(width, height), 4, 1, canvas);
        Assert.Equal((4, 4), (canvas.Width, canvas.Height));
        Assert.Equal([firstColumn, firstColumn + 1, firstColumn + 2, firstColumn + 3], canvas.Values()[..4]);
    }

    [Fact]
    public void Half_a_pixel_of_margin_goes_to_the_even_side_as_in_python()
    {
        var canvas = new Canvas();
        EvaluationCrop.Apply(Columns(7, 4), 4, 1, canvas); // (7 - 4) / 2 = 1.5 -> 2
        Assert.Equal([2, 3, 4, 5], canvas.Values()[..4]);
        EvaluationCrop.Apply(Columns(9, 4), 4, 1, canvas); // 2.5 -> 2
        Assert.Equal([2, 3, 4, 5], canvas.Values()[..4]);
    }

    [Fact]
    public void The_strangest_shape_does_not_overflow()
    {
        var canvas = new Canvas();
        EvaluationCrop.Apply(new RgbImage(100_000_000, 1, new byte[300_000_000]), 32, 0.875, canvas);
        Assert.All(canvas.Values(), value => Assert.Equal(0, value));
    }

    private static RgbImage Columns(int width, int height) =>
        new(width, height, [.. Enumerable.Range(0, width * height * 3).Select(i => (byte)(i / 3 % width))]);
}
