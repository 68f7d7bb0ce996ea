using System.Buffers;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Data.Formats;

/// <summary>Outlines of the objects in a generated image.</summary>
internal enum SceneShape
{
    Disc,
    Ring,
    Square,
    Triangle,
    Cross,
}

/// <summary>What a generated image shows, independent of its resolution. Lengths are fractions of the image's side, colours 0 to 255.</summary>
internal sealed class Scene
{
    private const int ClutterCount = 4;

    // Constant power per area, as if light were counted: an image that is generated larger and scaled down is as noisy as one generated small.
    private const float NoiseAmplitudePerPixel = 16f / 32;
    private const float MaxNoiseAmplitude = 64;
    private const float TextureContrast = 70;

    private readonly Colour background;
    private readonly float shadeX, shadeY;
    private readonly SceneObject[] objects;

    private Scene(Colour background, float shadeX, float shadeY, SceneObject[] objects)
    {
        this.background = background;
        this.shadeX = shadeX;
        this.shadeY = shadeY;
        this.objects = objects;
    }

    /// <summary>Draws a scene of class <paramref name="label"/> = 2 * shape + texture.</summary>
    public static Scene Draw(int label, ref CounterRandom random)
    {
        var shape = (SceneShape)(label / 2);
        var other = (SceneShape)(((int)shape + 1 + random.NextInt(4)) % 5);

        // The two centres lie on opposite sides of the middle, in a random direction, and move a little on their own.
        var (sin, cos) = Math.SinCos(random.Uniform(0, 2 * Math.PI));
        var (texture, otherTexture) = label % 2 == 0 ? (SceneTexture.Rows, SceneTexture.Columns) : (SceneTexture.Columns, SceneTexture.Rows);
        var painted = new SceneObject[ClutterCount + 2];
        for (var i = 0; i < ClutterCount; i++)
        {
            painted[i] = SceneObject.Draw(
                (SceneShape)random.NextInt(5), random.Uniform(0, 1), random.Uniform(0, 1), random.Uniform(0.03, 0.06), SceneTexture.Plain, ref random);
        }

        var target = SceneObject.Draw(
            shape, 0.5 + (0.13 * cos) + random.Uniform(-0.04, 0.04), 0.5 + (0.13 * sin) + random.Uniform(-0.04, 0.04), random.Uniform(0.24, 0.32), texture, ref random);
        var distractor = SceneObject.Draw(
            other, 0.5 - (0.3 * cos) + random.Uniform(-0.04, 0.04), 0.5 - (0.3 * sin) + random.Uniform(-0.04, 0.04), random.Uniform(0.12, 0.16), otherTexture, ref random);
        (painted[ClutterCount], painted[ClutterCount + 1]) = (target, distractor);
        return new Scene(Colour.Draw(40, 140, ref random), (float)random.Uniform(-40, 40), (float)random.Uniform(-40, 40), painted);
    }

    /// <summary>Draws a bright shape before a dark background, and nothing else.</summary>
    public static Scene DrawPlain(SceneShape shape, ref CounterRandom random)
    {
        var item = SceneObject.Draw(shape, random.Uniform(0.42, 0.58), random.Uniform(0.42, 0.58), random.Uniform(0.26, 0.34), SceneTexture.Plain, ref random);
        return new Scene(Colour.Draw(10, 70, ref random), 0, 0, [item]);
    }

    /// <summary>Paints the scene.</summary>
    /// <param name="pixels">Side * side * 3 bytes, RGB.</param>
    /// <param name="side">Pixels per side.</param>
    public void Render(Span<byte> pixels, int side)
    {
        var canvas = ArrayPool<float>.Shared.Rent(pixels.Length);
        Paint(canvas, side);
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = (byte)(canvas[i] + 0.5f);
        }

        ArrayPool<float>.Shared.Return(canvas);
    }

    /// <summary>Paints the scene with noise.</summary>
    /// <param name="pixels">Side * side * 3 bytes, RGB.</param>
    /// <param name="side">Pixels per side.</param>
    /// <param name="random">Source of the noise.</param>
    public void Render(Span<byte> pixels, int side, ref CounterRandom random)
    {
        var count = pixels.Length;
        var canvas = ArrayPool<float>.Shared.Rent(count);
        Paint(canvas, side);

        // Four bytes of one word make four noise values; uniform noise is as good as any here.
        var amplitude = Math.Min(NoiseAmplitudePerPixel * side, MaxNoiseAmplitude);
        for (var i = 0; i < count; i += 4)
        {
            var word = random.NextUInt32();
            for (var k = i; k < Math.Min(i + 4, count); k++, word >>= 8)
            {
                pixels[k] = (byte)Math.Clamp(canvas[k] + (amplitude * (((word & 255) / 127.5f) - 1)) + 0.5f, 0f, 255f);
            }
        }

        ArrayPool<float>.Shared.Return(canvas);
    }

    private void Paint(Span<float> canvas, int side)
    {
        PaintBackground(canvas, side);
        foreach (var item in objects)
        {
            item.Paint(canvas, side, TextureContrast);
        }
    }

    private void PaintBackground(Span<float> canvas, int side)
    {
        var step = 1f / side;
        for (var y = 0; y < side; y++)
        {
            for (var x = 0; x < side; x++)
            {
                var shade = (shadeX * (((x + 0.5f) * step) - 0.5f)) + (shadeY * (((y + 0.5f) * step) - 0.5f));
                var at = ((y * side) + x) * 3;
                canvas[at] = background.Red + shade;
                canvas[at + 1] = background.Green + shade;
                canvas[at + 2] = background.Blue + shade;
            }
        }
    }
}

/// <summary>A colour, each channel 0 to 255.</summary>
internal readonly record struct Colour(float Red, float Green, float Blue)
{
    /// <summary>Each channel uniform between two bounds.</summary>
    public static Colour Draw(double low, double high, ref CounterRandom random) =>
        new((float)random.Uniform(low, high), (float)random.Uniform(low, high), (float)random.Uniform(low, high));
}
