namespace AutoProg.Ort.Data.Augmentation;

/// <summary>
/// Pillow's <c>ImageEnhance</c>: degenerate + factor * (image - degenerate), cut to 0..255. Factor 1 is the image, 0 the degenerate image,
/// above 1 goes beyond the image.
/// </summary>
internal static class Enhancements
{
    /// <summary>Saturation; degenerate is the grey image.</summary>
    public static void Color(Canvas canvas, double factor)
    {
        var pixels = canvas.Pixels;
        for (var i = 0; i < pixels.Length; i += 3)
        {
            var grey = Grey(pixels[i], pixels[i + 1], pixels[i + 2]);
            pixels[i] = Blend(grey, pixels[i], (float)factor);
            pixels[i + 1] = Blend(grey, pixels[i + 1], (float)factor);
            pixels[i + 2] = Blend(grey, pixels[i + 2], (float)factor);
        }
    }

    /// <summary>Contrast; degenerate is the mean grey value.</summary>
    public static void Contrast(Canvas canvas, double factor)
    {
        var pixels = canvas.Pixels;
        var sum = 0L;
        for (var i = 0; i < pixels.Length; i += 3)
        {
            sum += Grey(pixels[i], pixels[i + 1], pixels[i + 2]);
        }

        BlendAll(pixels, (int)(((double)sum / (canvas.Width * canvas.Height)) + 0.5), factor);
    }

    /// <summary>Brightness; degenerate is black.</summary>
    public static void Brightness(Canvas canvas, double factor) => BlendAll(canvas.Pixels, 0, factor);

    /// <summary>Sharpness; degenerate is smoothed with [1 1 1; 1 5 1; 1 1 1] / 13. The border stays as it is.</summary>
    public static void Sharpness(Canvas canvas, double factor)
    {
        ReadOnlySpan<byte> source = canvas.Pixels;
        var target = canvas.Spare;
        source.CopyTo(target);
        var rowBytes = canvas.Width * 3;
        for (var y = 1; y < canvas.Height - 1; y++)
        {
            var above = source.Slice((y - 1) * rowBytes, rowBytes);
            var row = source.Slice(y * rowBytes, rowBytes);
            var below = source.Slice((y + 1) * rowBytes, rowBytes);
            var output = target.Slice(y * rowBytes, rowBytes);
            for (var i = 3; i < rowBytes - 3; i++)
            {
                var sum = above[i - 3] + above[i] + above[i + 3] + row[i - 3] + (5 * row[i]) + row[i + 3] + below[i - 3] + below[i] + below[i + 3];
                output[i] = Blend((int)((sum / 13f) + 0.5f), row[i], (float)factor);
            }
        }

        canvas.Swap();
    }

    private static void BlendAll(Span<byte> pixels, int degenerate, double factor)
    {
        Span<byte> table = stackalloc byte[256];
        for (var value = 0; value < 256; value++)
        {
            table[value] = Blend(degenerate, value, (float)factor);
        }

        foreach (ref var value in pixels)
        {
            value = table[value];
        }
    }

    /// <summary>ITU-R 601 luma in 16-bit fixed point.</summary>
    private static int Grey(int red, int green, int blue) => ((red * 19595) + (green * 38470) + (blue * 7471) + 0x8000) >> 16;

    private static byte Blend(int degenerate, int value, float factor) => (byte)Math.Clamp(degenerate + (factor * (value - degenerate)), 0f, 255f);
}
