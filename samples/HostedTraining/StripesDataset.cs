using AutoProg.Ort.Data;
using AutoProg.Ort.Randomness;

namespace HostedTraining;

/// <summary>Stripes in four directions with random period, phase, colour and noise: a data set without files.</summary>
/// <param name="name">For log lines.</param>
/// <param name="count">Number of images.</param>
/// <param name="seed">Different seeds give different images.</param>
internal sealed class StripesDataset(string name, int count, long seed) : IImageDataset
{
    private const int Side = 40;

    /// <inheritdoc />
    public string Name => name;

    /// <inheritdoc />
    public int Count => count;

    /// <inheritdoc />
    public IReadOnlyList<string> ClassNames { get; } = ["horizontal", "rising", "vertical", "falling"];

    /// <inheritdoc />
    public int LabelOf(int index) => index % ClassNames.Count;

    /// <inheritdoc />
    public string Describe(int index) => $"{name}, image {index}";

    /// <summary>Draws an image from its index alone, since loaders call from several threads and in any order.</summary>
    /// <inheritdoc />
    public RgbImage Load(int index, int minimumSide)
    {
        var random = new CounterRandom(seed, RandomPurpose.BuiltinData, index: index);
        var (sin, cos) = Math.SinCos((LabelOf(index) * Math.PI / 4) + random.Uniform(-0.2, 0.2));
        var (frequency, phase, noise) = (2 * Math.PI / random.Uniform(6, 12), random.Uniform(0, 2 * Math.PI), random.Uniform(0, 60));
        double[] color = [random.Uniform(40, 120), random.Uniform(40, 120), random.Uniform(40, 120)];
        var image = RgbImage.Rent(Side, Side);
        var pixels = image.Pixels;
        for (var i = 0; i < pixels.Length; i++)
        {
            var (x, y) = (i / 3 % Side, i / 3 / Side);
            var wave = Math.Sin((frequency * ((x * sin) + (y * cos))) + phase);
            pixels[i] = (byte)Math.Clamp(128 + (color[i % 3] * wave) + (noise * random.NextNormal()), 0, 255);
        }

        return image;
    }
}
