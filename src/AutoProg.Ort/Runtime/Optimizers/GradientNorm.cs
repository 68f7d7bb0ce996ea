using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace AutoProg.Ort.Runtime.Optimizers;

/// <summary>The L2 norm of a gradient and what clipping makes of it.</summary>
internal static class GradientNorm
{
    /// <summary>
    /// Sum of squares in double precision, always over eight lanes, so that every machine adds in the same order.
    /// No finite float32 overflows it: the result is finite exactly if every element is.
    /// </summary>
    public static double SumOfSquares(ReadOnlySpan<float> values)
    {
        var (low, high) = (Vector512<double>.Zero, Vector512<double>.Zero);
        var vectors = MemoryMarshal.Cast<float, Vector512<float>>(values);
        foreach (var vector in vectors)
        {
            var (lower, upper) = Vector512.Widen(vector);
            low = Vector512.FusedMultiplyAdd(lower, lower, low);
            high = Vector512.FusedMultiplyAdd(upper, upper, high);
        }

        var lanes = low + high;
        var sum = 0.0;
        for (var lane = 0; lane < Vector512<double>.Count; lane++)
            sum += lanes[lane];

        foreach (var value in values[(vectors.Length * Vector512<float>.Count)..])
            sum += (double)value * value;

        return sum;
    }

    /// <summary>The factor that clips a gradient to a norm, as PyTorch's <c>clip_grad_norm_</c>: max / (norm + 1e-6), at most 1.</summary>
    /// <param name="norm">The gradient's norm; not finite gives NaN or 0, so look at it first.</param>
    /// <param name="maximum">Norm to clip to, positive.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maximum"/> is not positive.</exception>
    public static double ClipFactor(double norm, double maximum)
    {
        if (!(maximum > 0))
            throw new ArgumentOutOfRangeException(nameof(maximum), maximum, string.Create(CultureInfo.InvariantCulture, $"Clipping to norm {maximum} leaves nothing to learn from; use a positive norm, or null for no clipping."));

        return Math.Min(1, maximum / (norm + 1e-6));
    }
}
