using AutoProg.Ort.Data;
using SkiaSharp;

namespace AutoProg.Ort.Diffusion;

/// <summary>Samples of a network that works on images, -1 to 1, as images of 8 bits.</summary>
public static class SampleImages
{
    private const int Channels = 3;

    /// <summary>round((x + 1) 127.5), cut off at both ends; what is not a number becomes black.</summary>
    /// <param name="sample">[3, h, w], -1 to 1.</param>
    /// <param name="rgb">[h, w, 3].</param>
    /// <exception cref="ArgumentException">The lengths differ, or are not those of RGB images.</exception>
    public static void ToRgb(ReadOnlySpan<float> sample, Span<byte> rgb)
    {
        if (sample.Length != rgb.Length || sample.Length % Channels != 0)
        {
            throw new ArgumentException($"A sample of {sample.Length} elements does not fit {rgb.Length} bytes of RGB; a sample must have {Channels} channels. Decode latents first.", nameof(sample));
        }

        var plane = sample.Length / Channels;
        for (var channel = 0; channel < Channels; channel++)
        {
            var values = sample.Slice(channel * plane, plane);
            for (int i = 0, to = channel; i < values.Length; i++, to += Channels)
            {
                rgb[to] = (byte)Math.Clamp((127.5f * values[i]) + 128f, 0f, 255f);
            }
        }
    }

    /// <summary>A sample as an image.</summary>
    /// <param name="sample">[3, height, width], -1 to 1.</param>
    /// <param name="height">Rows.</param>
    /// <param name="width">Columns.</param>
    /// <returns>The caller disposes it.</returns>
    /// <exception cref="ArgumentException">The length is not that of such an image.</exception>
    public static RgbImage ToImage(ReadOnlySpan<float> sample, int height, int width)
    {
        var image = RgbImage.Rent(width, height);
        try
        {
            ToRgb(sample, image.Pixels);
            return image;
        }
        catch
        {
            image.Dispose();
            throw;
        }
    }

    /// <summary>Samples row by row on black.</summary>
    /// <param name="samples">[count, 3, height, width], -1 to 1.</param>
    /// <param name="height">Rows of a sample.</param>
    /// <param name="width">Columns of a sample.</param>
    /// <param name="columns">Samples beside each other; fewer where there are not so many.</param>
    /// <param name="padding">Pixels around and between samples.</param>
    /// <returns>The caller disposes it.</returns>
    /// <exception cref="ArgumentException">There is no sample, the length is no multiple of a sample's, or the grid exceeds <see cref="RgbImage.MaxPixels"/>.</exception>
    public static RgbImage Grid(ReadOnlySpan<float> samples, int height, int width, int columns, int padding = 2)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        ArgumentOutOfRangeException.ThrowIfNegative(padding);
        var size = checked(Channels * height * width);
        if (samples.Length == 0 || samples.Length % size != 0)
        {
            throw new ArgumentException($"{samples.Length} elements are no samples of {Channels} x {height} x {width}; decode latents first.", nameof(samples));
        }

        var count = samples.Length / size;
        columns = Math.Min(columns, count);
        var rows = (count + columns - 1) / columns;
        var grid = RgbImage.Rent(checked((columns * (width + padding)) + padding), checked((rows * (height + padding)) + padding));
        grid.Pixels.Clear();
        var pixels = new byte[size];
        for (var i = 0; i < count; i++)
        {
            ToRgb(samples.Slice(i * size, size), pixels);
            var (top, left) = ((i / columns * (height + padding)) + padding, (i % columns * (width + padding)) + padding);
            for (var y = 0; y < height; y++)
            {
                pixels.AsSpan(y * width * Channels, width * Channels).CopyTo(grid.Pixels[((((top + y) * grid.Width) + left) * Channels)..]);
            }
        }

        return grid;
    }

    /// <summary>Writes an image as PNG.</summary>
    /// <param name="path">Replaced if it exists.</param>
    /// <param name="image">Stays the caller's.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void WritePng(string path, RgbImage image)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        File.WriteAllBytes(path, ToPng(image));
    }

    /// <summary>An image as a PNG file.</summary>
    /// <param name="image">Stays the caller's.</param>
    public static byte[] ToPng(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var rgba = new byte[checked(image.Width * image.Height * 4)];
        var rgb = image.Pixels;
        for (int from = 0, to = 0; from < rgb.Length; from += Channels, to += 4)
        {
            rgb.Slice(from, Channels).CopyTo(rgba.AsSpan(to));
            rgba[to + 3] = byte.MaxValue;
        }

        using var picture = SKImage.FromPixelCopy(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque), rgba);
        using var data = picture.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
