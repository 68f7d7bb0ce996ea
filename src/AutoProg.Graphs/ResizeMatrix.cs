namespace AutoProg.Graphs;

/// <summary>How an image is interpolated.</summary>
public enum ResizeMode
{
    /// <summary>Between the two nearest pixels (PyTorch's bilinear).</summary>
    Linear,

    /// <summary>Keys' cubic convolution with a = -0.75 over the four nearest pixels (PyTorch's bicubic).</summary>
    Cubic,

    /// <summary>The nearest pixel.</summary>
    Nearest,
}

/// <summary>
/// Interpolation along one axis as a matrix, with PyTorch's semantics: half-pixel centres (<c>align_corners=False</c>), the border repeated, no antialiasing.
/// </summary>
public static class ResizeMatrix
{
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
    public static double[] Of(long input, long output, ResizeMode mode, double? scale = null) => Of(input, output, new ResizeSampling(mode), scale);

    /// <summary>The matrix of one axis, with other conventions than PyTorch's.</summary>
    internal static double[] Of(long input, long output, ResizeSampling sampling, double? scale = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(input);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(output);
        var ratio = scale ?? (double)output / input;
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(ratio, nameof(scale));
        var matrix = new double[checked(output * input)];
        for (var i = 0L; i < output; i++)
        {
            foreach (var (place, weight) in sampling.Read(i, input, output, ratio))
            {
                matrix[(i * input) + Math.Clamp(place, 0, input - 1)] += weight;
            }
        }

        return matrix;
    }
}
