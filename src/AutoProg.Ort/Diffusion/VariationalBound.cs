using AutoProg.Graphs;

namespace AutoProg.Ort.Diffusion;

/// <summary>
/// A term of the variational bound per sample, in bits per element: KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)), and at t = 0 the negative log-likelihood of x_0
/// under p, discretised to 8-bit images.
/// </summary>
/// <remarks>
/// With x_t = sqrt(abar) x_0 + sqrt(1 - abar) noise, both means are known up to the error e of the predicted noise, so x_t itself does not occur:
/// the predicted x_0 is off by r e with r = sqrt(1 / abar_t - 1).
/// </remarks>
internal static class VariationalBound
{
    // Half the distance of neighbouring grey values, and where the outermost ones begin, with x_0 in -1..1.
    private const double HalfBin = 1.0 / 255;
    private const double Edge = 0.999;

    private const double LeastProbability = 1e-12;

    // exp(80) is a number in float32, and a probability of exp(-80) is below the least.
    private const double LargestExponent = 80;

    /// <summary>The term of each sample.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="schedule">Noise schedule.</param>
    /// <param name="timestep">t, int64 [batch].</param>
    /// <param name="error">e, the noise minus the predicted noise, [batch, channels, r, r].</param>
    /// <param name="range">Where the log variance lies between its bounds: -1 at the posterior's, 1 at log beta; [batch, channels, r, r].</param>
    /// <param name="clean">x_0, [batch, channels, r, r].</param>
    /// <returns>[batch].</returns>
    public static Value Of(GraphBuilder b, NoiseSchedule schedule, Value timestep, Value error, Value range, Value clean)
    {
        // delta = log variance of p minus that of q.
        var width = At(b, timestep, schedule, t => Math.Log(schedule.Betas[t]) - schedule.PosteriorLogVarianceClipped[t]);
        var delta = b.Mul(b.Add(b.Scale(range, 0.5), b.ScalarLike(range, 0.5)), width);
        var isFirst = b.Equal(timestep, b.Constant(Tensor.FromLongs(Shape.Scalar, [0])));
        var bound = b.Where(isFirst, DiffusionLoss.Mean(b, Decoder(b, schedule, isFirst, error, delta, clean)), DiffusionLoss.Mean(b, Kl(b, schedule, timestep, error, delta)));
        return b.Scale(bound, 1 / Math.Log(2));
    }

    /// <summary>KL of two normal distributions, (delta - 1 + exp(-delta) (1 + k e^2)) / 2, with k e^2 the squared distance of the means in variances of q.</summary>
    private static Value Kl(GraphBuilder b, NoiseSchedule schedule, Value timestep, Value error, Value delta)
    {
        var k = At(b, timestep, schedule, t =>
            Math.Pow(schedule.PosteriorMeanCoef1[t] * schedule.SqrtRecipm1AlphasCumprod[t], 2) * Math.Exp(-schedule.PosteriorLogVarianceClipped[t]));
        var one = b.ScalarLike(delta, 1);
        var distance = b.Add(b.Mul(b.Mul(error, error), k), one);
        return b.Scale(b.Add(b.Sub(delta, one), b.Mul(b.Exp(b.Neg(delta)), distance)), 0.5);
    }

    /// <summary>
    /// -log P(x_0), P the mass of p within half a grey value of x_0; the outermost values get the rest of the line. At t = 0 the mean of p is the predicted x_0.
    /// Other samples go through as if they were predicted exactly, so that nothing overflows.
    /// </summary>
    private static Value Decoder(GraphBuilder b, NoiseSchedule schedule, Value isFirst, Value error, Value delta, Value clean)
    {
        var (first, zero) = (b.Reshape(isFirst, [isFirst.Shape[0], 1, 1, 1]), b.ScalarLike(error, 0));
        var distance = b.Where(first, b.Scale(error, -schedule.SqrtRecipm1AlphasCumprod[0]), zero); // x_0 minus the mean
        var inverseStd = b.Exp(b.Scale(b.Add(b.Where(first, delta, zero), b.ScalarLike(delta, schedule.PosteriorLogVarianceClipped[0])), -0.5));

        // The normal distribution is symmetric: differences are taken on its left side, where they do not cancel, and its right end is its left end mirrored.
        var isLowest = b.Less(clean, b.ScalarLike(clean, -Edge));
        var isHighest = b.Greater(clean, b.ScalarLike(clean, Edge));
        var mirrored = b.Neg(distance);
        var place = b.Where(isLowest, distance, b.Where(isHighest, mirrored, b.Neg(b.Abs(distance))));
        var halfBin = b.ScalarLike(place, HalfBin);
        var below = Distribution(b, b.Mul(b.Sub(place, halfBin), inverseStd));
        var mass = b.Sub(Distribution(b, b.Mul(b.Add(place, halfBin), inverseStd)), b.Where(b.Or(isLowest, isHighest), zero, below));
        return b.Neg(b.Log(b.Clip(mass, b.ScalarLike(mass, LeastProbability), null)));
    }

    /// <summary>The normal distribution function in the reference's approximation, (1 + tanh u) / 2 = 1 / (1 + exp(-2 u)) with u = sqrt(2/pi) (x + 0.044715 x^3).</summary>
    private static Value Distribution(GraphBuilder b, Value x)
    {
        var a = -2 * Math.Sqrt(2 / Math.PI);
        var exponent = b.Mul(x, b.Add(b.Scale(b.Mul(x, x), 0.044715 * a), b.ScalarLike(x, a)));
        return b.Reciprocal(b.Add(b.Exp(b.Clip(exponent, null, b.ScalarLike(x, LargestExponent))), b.ScalarLike(x, 1)));
    }

    /// <summary>A coefficient of each sample's timestep, [batch, 1, 1, 1].</summary>
    private static Value At(GraphBuilder b, Value timestep, NoiseSchedule schedule, Func<int, double> coefficient)
    {
        var table = Tensor.FromDoubles(ElementType.Float, [schedule.Steps], [.. Enumerable.Range(0, schedule.Steps).Select(coefficient)]);
        return b.Reshape(b.Gather(b.Constant(table), timestep), [timestep.Shape[0], 1, 1, 1]);
    }
}
