namespace AutoProg.Ort.Data.Augmentation;

/// <summary>Operations that replace each value by a function of it alone, as Pillow's <c>ImageOps</c> defines them. All work in place.</summary>
internal static class ToneOperations
{
    /// <summary>Stretches each channel so that its darkest value becomes 0 and its brightest 255.</summary>
    public static void AutoContrast(Canvas canvas)
    {
        Span<int> histogram = stackalloc int[256];
        Span<byte> table = stackalloc byte[256];
        for (var channel = 0; channel < 3; channel++)
        {
            Count(canvas.Pixels, channel, histogram);
            var low = histogram.IndexOfAnyExcept(0);
            var high = histogram.LastIndexOfAnyExcept(0);
            if (high <= low)
            {
                continue;
            }

            var scale = 255.0 / (high - low);
            var offset = -low * scale;
            for (var value = 0; value < 256; value++)
            {
                table[value] = (byte)Math.Clamp((int)((value * scale) + offset), 0, 255);
            }

            Replace(canvas.Pixels, channel, table);
        }
    }

    /// <summary>Makes the histogram of each channel as flat as a table allows.</summary>
    public static void Equalize(Canvas canvas)
    {
        Span<int> histogram = stackalloc int[256];
        Span<byte> table = stackalloc byte[256];
        for (var channel = 0; channel < 3; channel++)
        {
            Count(canvas.Pixels, channel, histogram);
            var step = ((canvas.Width * canvas.Height) - histogram[histogram.LastIndexOfAnyExcept(0)]) / 255;
            if (step == 0)
            {
                continue;
            }

            var sum = step / 2;
            for (var value = 0; value < 256; value++)
            {
                table[value] = (byte)Math.Min(sum / step, 255);
                sum += histogram[value];
            }

            Replace(canvas.Pixels, channel, table);
        }
    }

    /// <summary>255 - value.</summary>
    public static void Invert(Canvas canvas) => Solarize(canvas, 0);

    /// <summary>Keeps the highest <paramref name="bits"/> bits, 0 to 8.</summary>
    public static void Posterize(Canvas canvas, int bits)
    {
        var mask = (byte)(0xFF00 >> bits);
        foreach (ref var value in canvas.Pixels)
        {
            value &= mask;
        }
    }

    /// <summary>Inverts values from <paramref name="threshold"/> on, 0 to 256.</summary>
    public static void Solarize(Canvas canvas, int threshold)
    {
        foreach (ref var value in canvas.Pixels)
        {
            value = value < threshold ? value : (byte)(255 - value);
        }
    }

    /// <summary>Adds <paramref name="addend"/> to values below 128.</summary>
    public static void SolarizeAdd(Canvas canvas, int addend)
    {
        foreach (ref var value in canvas.Pixels)
        {
            value = value < 128 ? (byte)Math.Min(255, value + addend) : value;
        }
    }

    private static void Count(ReadOnlySpan<byte> pixels, int channel, Span<int> histogram)
    {
        histogram.Clear();
        for (var i = channel; i < pixels.Length; i += 3)
        {
            histogram[pixels[i]]++;
        }
    }

    private static void Replace(Span<byte> pixels, int channel, ReadOnlySpan<byte> table)
    {
        for (var i = channel; i < pixels.Length; i += 3)
        {
            pixels[i] = table[pixels[i]];
        }
    }
}
