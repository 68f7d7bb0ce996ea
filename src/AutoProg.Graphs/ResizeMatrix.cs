namespace AutoProg.Graphs;

/// <summary>How an image is interpolated.</summary>
public enum ResizeMode
{
    /// <summary>Between the two nearest pixels (PyTorch's bilinear).</summary>
    Linear,

    /// <summary>Keys' cubic convolution with a = -0.75 over the four nearest pixels (PyTorch's bicubic).</summary>
    Cubic,
}

/// <summary>
/// Interpolation along one axis as a matrix, with PyTorch's semantics: half-pixel centres (<c>align_corners=False</c>), the border repeated, no antialiasing.
/// </summary>
public static class ResizeMatrix
{
    private const double A = -0.75;

    /// <summary>The matrix of one axis.</summary>
    /// <param name="input">Old size, at least 1.</param>
    /// <param name="output">New size, at least 1.</param>
    /// <param name="mode">Interpolation.</param>
    /// <param name="scale">
    /// Ratio of new to old coordinates: element i lies at (i + 1/2) / scale - 1/2. The ratio of the sizes if left out; given, it is what
    /// <c>interpolate(scale_factor=..., recompute_scale_factor=False)</c> uses.
    /// </param>
    /// <returns>[output, input], row-major; each row sums to 1.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A size or the ratio is not positive.</exception>
    public static double[] Of(long input, long output, ResizeMode mode, double? scale = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(input);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(output);
        var ratio = scale ?? (double)output / input;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ratio, nameof(scale));
        var matrix = new double[checked(output * input)];
        for (var i = 0L; i < output; i++)
        {
            var centre = ((i + 0.5) / ratio) - 0.5;
            var at = mode == ResizeMode.Linear ? Math.Max(0, centre) : centre;
            var left = (long)Math.Floor(at);
            var t = at - left;
            double[] weights = mode == ResizeMode.Linear ? [0, 1 - t, t, 0] : [Far(t + 1), Near(t), Near(1 - t), Far(2 - t)];
            for (var k = 0; k < weights.Length; k++)
            {
                matrix[(i * input) + Math.Clamp(left - 1 + k, 0, input - 1)] += weights[k];
            }
        }

        return matrix;
    }

    /// <summary>Keys' kernel within 1 of the centre: (a + 2) t^3 - (a + 3) t^2 + 1.</summary>
    private static double Near(double t) => (((((A + 2) * t) - (A + 3)) * t) * t) + 1;

    /// <summary>Keys' kernel from 1 to 2: a t^3 - 5 a t^2 + 8 a t - 4 a.</summary>
    private static double Far(double t) => (((((A * t) - (5 * A)) * t) + (8 * A)) * t) - (4 * A);
}
