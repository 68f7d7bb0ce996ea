using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Tests.Runs;
using SkiaSharp;

namespace AutoProg.Ort.Tests.Diffusion;

public sealed class SampleImagesTests : InTemporaryFolder
{
    [Fact]
    public void Values_are_rounded_to_bytes_as_the_reference_does()
    {
        float[] sample = [-1, 1, -1.5f, 7, 0, float.NaN, 0.5f, -0.5f, 0.0039f, 0.00393f, 1, -0.999f];
        var rgb = new byte[12];
        SampleImages.ToRgb(sample, rgb);
        Assert.Equal(new byte[] { 0, 128, 128, 255, 0, 128, 0, 191, 255, 255, 64, 0 }, rgb);
    }

    [Fact]
    public void A_grid_is_padded_and_filled_row_by_row()
    {
        // Three samples of 2 x 3 pixels, each of one grey.
        float[] samples = [.. Enumerable.Repeat(1f, 18), .. Enumerable.Repeat(0f, 18), .. Enumerable.Repeat(-0.5f, 18)];
        using var grid = SampleImages.Grid(samples, height: 2, width: 3, columns: 2);
        Assert.Equal((2 + (2 * 5), 2 + (2 * 4)), (grid.Width, grid.Height));
        var pixels = grid.Pixels.ToArray();
        Assert.Equal([0, 255, 128, 64, 0], new[] { (1, 2), (2, 2), (7, 3), (4, 7), (7, 7) }.Select(at => (int)pixels[((at.Item2 * grid.Width) + at.Item1) * 3]));
        Assert.Equal(3 * 18, pixels.Count(static b => b > 0));
    }

    [Fact]
    public void A_grid_is_no_wider_than_its_samples()
    {
        using var grid = SampleImages.Grid(new float[12], height: 2, width: 2, columns: 8, padding: 0);
        Assert.Equal((2, 2), (grid.Width, grid.Height));
    }

    [Fact]
    public void Pictures_can_be_read_back_pixel_by_pixel()
    {
        float[] sample = [-1, -0.5f, 0, 0.5f, 1, 0.25f, -0.25f, 0.75f, -0.75f, 0, 1, -1];
        using var image = SampleImages.ToImage(sample, 2, 2);
        SampleImages.WritePng(At("sample.png"), image);
        using var read = SKBitmap.Decode(At("sample.png"));
        Assert.Equal((2, 2), (read.Width, read.Height));
        for (var i = 0; i < 4; i++)
        {
            var colour = read.GetPixel(i % 2, i / 2);
            var expected = image.Pixels.Slice(i * 3, 3);
            Assert.Equal((expected[0], expected[1], expected[2]), (colour.Red, colour.Green, colour.Blue));
        }
    }

    [Fact]
    public void Latents_are_no_pictures()
    {
        Assert.StartsWith("A sample of 16 elements does not fit 12 bytes of RGB", Assert.Throws<ArgumentException>(() => SampleImages.ToImage(new float[16], 2, 2)).Message, StringComparison.Ordinal);
        Assert.StartsWith("16 elements are no samples of 3 x 2 x 2; decode latents first.", Assert.Throws<ArgumentException>(() => SampleImages.Grid(new float[16], 2, 2, 4)).Message, StringComparison.Ordinal);
    }
}
