namespace AutoProg.Ort.Data.Augmentation;

/// <summary>(value / 255 - mean) / std per channel, from interleaved bytes to planes of floats.</summary>
internal sealed class Normalization
{
    private readonly float[][] tables;

    /// <summary>Prepares one table per channel.</summary>
    /// <param name="mean">Three channel means on the scale 0 to 1.</param>
    /// <param name="std">Three positive channel standard deviations.</param>
    /// <exception cref="ArgumentException">There are not three values each, or a deviation is not positive.</exception>
    public Normalization(IReadOnlyList<double> mean, IReadOnlyList<double> std)
    {
        if (mean.Count != 3 || std.Count != 3 || std.Any(value => !(value > 0)))
        {
            throw new ArgumentException($"data.mean = [{string.Join(", ", mean)}] and data.std = [{string.Join(", ", std)}]; expected three numbers each, std above 0.", nameof(std));
        }

        tables = [.. Enumerable.Range(0, 3).Select(c => Enumerable.Range(0, 256).Select(value => (float)(((value / 255.0) - mean[c]) / std[c])).ToArray())];
        Fill = new Rgb(Byte(mean[0]), Byte(mean[1]), Byte(mean[2]));
    }

    /// <summary>The mean as a colour: what augmentation fills in; (124, 116, 104) for ImageNet's mean.</summary>
    public Rgb Fill { get; }

    /// <summary>Writes [3, height, width].</summary>
    public void Apply(Canvas canvas, Span<float> target)
    {
        ReadOnlySpan<byte> pixels = canvas.Pixels;
        var plane = canvas.Width * canvas.Height;
        for (var channel = 0; channel < 3; channel++)
        {
            var table = tables[channel];
            var output = target.Slice(channel * plane, plane);
            for (int i = 0, from = channel; i < output.Length; i++, from += 3)
            {
                output[i] = table[pixels[from]];
            }
        }
    }

    private static byte Byte(double mean) => (byte)Math.Clamp(Math.Round(255 * mean), 0, 255);
}
