namespace AutoProg.Ort.Data.Augmentation;

/// <summary>A fill colour.</summary>
internal readonly record struct Rgb(byte Red, byte Green, byte Blue);

/// <summary>
/// Rotation, shear and translation at constant size. As Pillow's <c>transform</c>: output pixel centres are mapped into the input, bicubic
/// interpolation there has a = -1 (unlike Pillow's resizing), neighbours beyond the border repeat it, and centres beyond the border take the fill colour.
/// Each tells where its result lies in what the canvas held before.
/// </summary>
internal static class AffineTransform
{
    /// <summary>Counter-clockwise about the centre.</summary>
    public static ImagePlacement Rotate(Canvas canvas, double degrees, Rgb fill)
    {
        var (sin, cos) = Math.SinCos(-degrees * Math.PI / 180);
        var (cx, cy) = (canvas.Width / 2.0, canvas.Height / 2.0);
        return Apply(canvas, (cos, sin, cx - (cos * cx) - (sin * cy), -sin, cos, cy + (sin * cx) - (cos * cy)), fill);
    }

    /// <summary>Row y is read <paramref name="factor"/> * y further right.</summary>
    public static ImagePlacement ShearX(Canvas canvas, double factor, Rgb fill) => Apply(canvas, (1, factor, 0, 0, 1, 0), fill);

    /// <summary>Column x is read <paramref name="factor"/> * x further down.</summary>
    public static ImagePlacement ShearY(Canvas canvas, double factor, Rgb fill) => Apply(canvas, (1, 0, 0, factor, 1, 0), fill);

    /// <summary>Everything is read <paramref name="share"/> of the width further right.</summary>
    public static ImagePlacement TranslateX(Canvas canvas, double share, Rgb fill) => Apply(canvas, (1, 0, share * canvas.Width, 0, 1, 0), fill);

    /// <summary>Everything is read <paramref name="share"/> of the height further down.</summary>
    public static ImagePlacement TranslateY(Canvas canvas, double share, Rgb fill) => Apply(canvas, (1, 0, 0, 0, 1, share * canvas.Height), fill);

    /// <summary>Input x = A * x + B * y + C and input y = D * x + E * y + F of pixel centres.</summary>
    private static ImagePlacement Apply(Canvas canvas, (double A, double B, double C, double D, double E, double F) map, Rgb fill)
    {
        var (width, height) = (canvas.Width, canvas.Height);
        ReadOnlySpan<byte> source = canvas.Pixels;
        var target = canvas.Spare;
        Span<float> weightsX = stackalloc float[4];
        Span<float> weightsY = stackalloc float[4];
        Span<int> columns = stackalloc int[4];
        var to = 0;
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++, to += 3)
            {
                var inputX = (map.A * (x + 0.5)) + (map.B * (y + 0.5)) + map.C;
                var inputY = (map.D * (x + 0.5)) + (map.E * (y + 0.5)) + map.F;
                if (inputX < 0 || inputY < 0 || inputX >= width || inputY >= height)
                {
                    (target[to], target[to + 1], target[to + 2]) = (fill.Red, fill.Green, fill.Blue);
                    continue;
                }

                var left = Taps(inputX - 0.5, weightsX);
                var top = Taps(inputY - 0.5, weightsY);
                for (var k = 0; k < 4; k++)
                {
                    columns[k] = Math.Clamp(left + k, 0, width - 1) * 3;
                }

                Interpolate(source, top, width, height, columns, weightsX, weightsY, target.Slice(to, 3));
            }
        }

        canvas.Swap();
        return new(map.A, map.B * height / width, map.C / width, map.D * width / height, map.E, map.F / height);
    }

    private static void Interpolate(
        ReadOnlySpan<byte> source, int top, int width, int height, ReadOnlySpan<int> columns, ReadOnlySpan<float> weightsX, ReadOnlySpan<float> weightsY, Span<byte> pixel)
    {
        var (red, green, blue) = (0f, 0f, 0f);
        for (var j = 0; j < 4; j++)
        {
            var weightY = weightsY[j];
            if (weightY == 0)
            {
                continue; // three of four rows when the map leaves y alone
            }

            var row = source.Slice(Math.Clamp(top + j, 0, height - 1) * width * 3, width * 3);
            for (var k = 0; k < 4; k++)
            {
                var weight = weightY * weightsX[k];
                var at = columns[k];
                red += weight * row[at];
                green += weight * row[at + 1];
                blue += weight * row[at + 2];
            }
        }

        pixel[0] = Round(red);
        pixel[1] = Round(green);
        pixel[2] = Round(blue);
    }

    private static byte Round(float value) => (byte)Math.Clamp(value + 0.5f, 0f, 255f);

    /// <summary>Weights of the four neighbours of a place; returns the first neighbour.</summary>
    private static int Taps(double place, Span<float> weights)
    {
        var floor = Math.Floor(place);
        var d = (float)(place - floor);
        weights[0] = d * (-1 + (d * (2 - d)));
        weights[1] = 1 + (d * d * (d - 2));
        weights[2] = d * (1 + (d * (1 - d)));
        weights[3] = d * d * (d - 1);
        return (int)floor - 1;
    }
}
