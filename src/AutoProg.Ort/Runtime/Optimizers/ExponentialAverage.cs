using System.Numerics;
using System.Runtime.InteropServices;

namespace AutoProg.Ort.Runtime.Optimizers;

/// <summary>The momentum network (eq. 3): <c>w_ema = m w_ema + (1 - m) w</c>.</summary>
internal static class ExponentialAverage
{
    /// <summary>
    /// One step, computed as <c>w_ema + (1 - m) (w - w_ema)</c>: with m and 1 - m both rounded to float32 the average of a resting weight would settle
    /// 1e-4 beside it at m = 0.9999.
    /// </summary>
    /// <param name="average">w_ema.</param>
    /// <param name="weights">w, of the same length.</param>
    /// <param name="decay">m.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static void Apply(Span<float> average, ReadOnlySpan<float> weights, double decay)
    {
        if (weights.Length != average.Length)
            throw new ArgumentException($"{weights.Length} weights cannot move an average of {average.Length} elements; both must be one range.", nameof(weights));

        var rate = (float)(1 - decay);
        var rates = new Vector<float>(rate);
        var averages = MemoryMarshal.Cast<float, Vector<float>>(average);
        var ws = MemoryMarshal.Cast<float, Vector<float>>(weights)[..averages.Length];
        for (var i = 0; i < averages.Length; i++)
            averages[i] = Vector.FusedMultiplyAdd(rates, ws[i] - averages[i], averages[i]);

        for (var i = averages.Length * Vector<float>.Count; i < average.Length; i++)
            average[i] = MathF.FusedMultiplyAdd(rate, weights[i] - average[i], average[i]);
    }
}
