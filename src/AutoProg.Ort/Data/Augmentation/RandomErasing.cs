using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Data.Augmentation;

/// <summary>
/// Random erasing (Zhong et al., 2017) in timm's pixel mode: boxes of 2 % to 1/3 of the area (shared by the boxes), aspect ratio 0.3 to 3.33,
/// filled with standard normal values, after normalisation.
/// </summary>
internal static class RandomErasing
{
    private const int Attempts = 10;
    private const double MinArea = 0.02;
    private const double MaxArea = 1.0 / 3;
    private const double MinAspect = 0.3;

    /// <summary>Erases with a probability.</summary>
    /// <param name="image">[3, side, side].</param>
    /// <param name="side">Pixels per side.</param>
    /// <param name="probability">0 to 1.</param>
    /// <param name="maxCount">Largest number of boxes, at least 1.</param>
    /// <param name="random">Source.</param>
    public static void Apply(Span<float> image, int side, double probability, int maxCount, ref CounterRandom random)
    {
        if (!random.NextBool(probability))
        {
            return;
        }

        var count = 1 + random.NextInt(maxCount);
        var logAspect = Math.Log(1 / MinAspect);
        for (var i = 0; i < count; i++)
        {
            for (var attempt = 0; attempt < Attempts; attempt++)
            {
                var area = random.Uniform(MinArea, MaxArea) * side * side / count;
                var aspect = Math.Exp(random.Uniform(-logAspect, logAspect));
                var height = (int)Math.Round(Math.Sqrt(area * aspect));
                var width = (int)Math.Round(Math.Sqrt(area / aspect));
                if (width < side && height < side)
                {
                    Erase(image, side, new Box(random.NextInt(side - width + 1), random.NextInt(side - height + 1), width, height), ref random);
                    break;
                }
            }
        }
    }

    private static void Erase(Span<float> image, int side, Box box, ref CounterRandom random)
    {
        for (var channel = 0; channel < 3; channel++)
        {
            for (var row = 0; row < box.Height; row++)
            {
                FillNormal(image.Slice((((channel * side) + box.Top + row) * side) + box.Left, box.Width), ref random);
            }
        }
    }

    /// <summary>Box-Muller with both values of a pair, in single precision: this is the inner loop of large images.</summary>
    private static void FillNormal(Span<float> values, ref CounterRandom random)
    {
        for (var i = 0; i < values.Length; i += 2)
        {
            // 24 bits, away from 0 so that the logarithm stays finite.
            var radius = MathF.Sqrt(-2 * MathF.Log(((random.NextUInt32() >> 8) + 0.5f) / (1 << 24)));
            var (sin, cos) = MathF.SinCos(2 * MathF.PI * (random.NextUInt32() >> 8) / (1 << 24));
            values[i] = radius * cos;
            if (i + 1 < values.Length)
            {
                values[i + 1] = radius * sin;
            }
        }
    }
}
