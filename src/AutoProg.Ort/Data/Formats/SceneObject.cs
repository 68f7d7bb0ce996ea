using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Data.Formats;

/// <summary>Surface of an object in a generated image.</summary>
internal enum SceneTexture
{
    Plain,
    Rows,
    Columns,
}

/// <summary>An object of a generated image: a rotated outline with a colour and perhaps a texture.</summary>
internal readonly record struct SceneObject(
    SceneShape Shape, float CentreX, float CentreY, float Radius, float Sin, float Cos, Colour Colour, SceneTexture Texture, float Wavelength, float Phase)
{
    private const double MaxTilt = 12 * Math.PI / 180;

    /// <summary>Draws what is not given: tilt, a bright colour, wavelength (1/9 to 1/7 of the side) and phase of the texture.</summary>
    public static SceneObject Draw(SceneShape shape, double x, double y, double radius, SceneTexture texture, ref CounterRandom random)
    {
        var (sin, cos) = Math.SinCos(random.Uniform(-MaxTilt, MaxTilt));
        var colour = Colour.Draw(110, 210, ref random);
        var wavelength = 1 / random.Uniform(7, 9);
        return new SceneObject(
            shape, (float)x, (float)y, (float)radius, (float)sin, (float)cos, colour, texture, (float)wavelength, (float)random.Uniform(0, 2 * Math.PI));
    }

    /// <summary>Blends the object over the canvas; edges are one pixel soft.</summary>
    public void Paint(Span<float> canvas, int side, float contrast)
    {
        // A lens with linear falling contrast: 1 at frequency 0, 0 at half a wave per pixel.
        var amplitude = contrast * Math.Max(0, 1 - (2 / (Wavelength * side)));
        var frequency = 2 * MathF.PI / Wavelength;
        var reach = Radius * 1.42f;
        var (left, right) = (Pixel(CentreX - reach, side), Pixel(CentreX + reach, side));
        var (top, bottom) = (Pixel(CentreY - reach, side), Pixel(CentreY + reach, side));
        for (var y = top; y <= bottom; y++)
        {
            for (var x = left; x <= right; x++)
            {
                var (dx, dy) = (((x + 0.5f) / side) - CentreX, ((y + 0.5f) / side) - CentreY);
                var (u, v) = ((dx * Cos) + (dy * Sin), (dy * Cos) - (dx * Sin));
                var coverage = Math.Clamp(0.5f - (Distance(u, v) * side), 0, 1);
                if (coverage == 0)
                {
                    continue;
                }

                var wave = Texture switch
                {
                    SceneTexture.Rows => amplitude * MathF.Sin((v * frequency) + Phase),
                    SceneTexture.Columns => amplitude * MathF.Sin((u * frequency) + Phase),
                    _ => 0,
                };
                var at = ((y * side) + x) * 3;
                canvas[at] += coverage * (Colour.Red + wave - canvas[at]);
                canvas[at + 1] += coverage * (Colour.Green + wave - canvas[at + 1]);
                canvas[at + 2] += coverage * (Colour.Blue + wave - canvas[at + 2]);
            }
        }
    }

    private static int Pixel(float place, int side) => Math.Clamp((int)(place * side), 0, side - 1);

    /// <summary>Signed distance from the outline, negative inside; the outlines have about the same area.</summary>
    private float Distance(float u, float v)
    {
        var (absU, absV) = (Math.Abs(u), Math.Abs(v));
        switch (Shape)
        {
            case SceneShape.Disc:
                return MathF.Sqrt((u * u) + (v * v)) - (Radius * 0.95f);
            case SceneShape.Ring:
                return Math.Abs(MathF.Sqrt((u * u) + (v * v)) - (Radius * 0.8f)) - (Radius * 0.3f);
            case SceneShape.Square:
                return Math.Max(absU, absV) - (Radius * 0.85f);
            case SceneShape.Triangle:
                // Equilateral, centre of gravity at the origin: three half planes at the same distance.
                return Math.Max(v, (0.8660254f * absU) - (0.5f * v)) - (Radius * 0.7f);
            default:
                return Math.Max(Math.Min(absU, absV) - (Radius * 0.38f), Math.Max(absU, absV) - (Radius * 1.15f));
        }
    }
}
