using System.Globalization;

namespace AutoProg.Ort.Diffusion;

/// <summary>How the noise grows over the timesteps.</summary>
public enum BetaSchedule
{
    /// <summary>beta rises linearly from 1e-4 to 0.02 (Ho et al., NeurIPS 2020); with other than 1000 steps both ends are scaled by 1000 / steps.</summary>
    Linear,

    /// <summary>The cumulative product of alpha follows a squared cosine (Nichol and Dhariwal, ICML 2021), beta at most 0.999.</summary>
    Cosine,
}

/// <summary>
/// The tables of a Gaussian diffusion process, one entry per timestep t, in float64: q(x_t | x_0) = N(sqrt(abar_t) x_0, (1 - abar_t) I).
/// A respaced schedule has fewer timesteps; <see cref="TimestepMap"/> tells which of the network's timesteps they are.
/// </summary>
internal sealed class NoiseSchedule
{
    private const double LargestBeta = 0.999;
    private const double CosineOffset = 0.008;

    private NoiseSchedule(double[] betas, IReadOnlyList<int> timestepMap)
    {
        Betas = betas;
        TimestepMap = timestepMap;
        var product = 1.0;
        double[] cumulative = [.. betas.Select(beta => product *= 1 - beta)];
        double[] previous = [1, .. cumulative[..^1]];
        AlphasCumprod = cumulative;
        AlphasCumprodPrev = previous;
        AlphasCumprodNext = [.. cumulative[1..], 0];
        SqrtAlphasCumprod = [.. cumulative.Select(Math.Sqrt)];
        SqrtOneMinusAlphasCumprod = [.. cumulative.Select(static a => Math.Sqrt(1 - a))];
        LogOneMinusAlphasCumprod = [.. cumulative.Select(static a => Math.Log(1 - a))];
        SqrtRecipAlphasCumprod = [.. cumulative.Select(static a => Math.Sqrt(1 / a))];
        SqrtRecipm1AlphasCumprod = [.. cumulative.Select(static a => Math.Sqrt((1 / a) - 1))];
        double[] variance = [.. betas.Select((beta, t) => beta * (1 - previous[t]) / (1 - cumulative[t]))];
        PosteriorVariance = variance;

        // At t = 0 the posterior has no variance; its logarithm is taken from the next step.
        PosteriorLogVarianceClipped = [.. variance.Select((v, t) => Math.Log(t > 0 || variance.Length == 1 ? v : variance[1]))];
        PosteriorMeanCoef1 = [.. betas.Select((beta, t) => beta * Math.Sqrt(previous[t]) / (1 - cumulative[t]))];
        PosteriorMeanCoef2 = [.. betas.Select((beta, t) => (1 - previous[t]) * Math.Sqrt(1 - beta) / (1 - cumulative[t]))];
    }

    /// <summary>Number of timesteps.</summary>
    public int Steps => Betas.Count;

    /// <summary>beta_t, the variance added in step t.</summary>
    public IReadOnlyList<double> Betas { get; }

    /// <summary>abar_t, the product of 1 - beta up to and including t.</summary>
    public IReadOnlyList<double> AlphasCumprod { get; }

    /// <summary>abar of the step before; 1 at t = 0.</summary>
    public IReadOnlyList<double> AlphasCumprodPrev { get; }

    /// <summary>abar of the step after; 0 at the last.</summary>
    public IReadOnlyList<double> AlphasCumprodNext { get; }

    /// <summary>sqrt(abar_t): what is left of x_0 in x_t.</summary>
    public IReadOnlyList<double> SqrtAlphasCumprod { get; }

    /// <summary>sqrt(1 - abar_t): the noise in x_t.</summary>
    public IReadOnlyList<double> SqrtOneMinusAlphasCumprod { get; }

    /// <summary>log(1 - abar_t).</summary>
    public IReadOnlyList<double> LogOneMinusAlphasCumprod { get; }

    /// <summary>sqrt(1 / abar_t): x_0 = this x_t - <see cref="SqrtRecipm1AlphasCumprod"/> eps.</summary>
    public IReadOnlyList<double> SqrtRecipAlphasCumprod { get; }

    /// <summary>sqrt(1 / abar_t - 1).</summary>
    public IReadOnlyList<double> SqrtRecipm1AlphasCumprod { get; }

    /// <summary>Variance of q(x_{t-1} | x_t, x_0).</summary>
    public IReadOnlyList<double> PosteriorVariance { get; }

    /// <summary>Its logarithm, where t = 0 takes the value of t = 1.</summary>
    public IReadOnlyList<double> PosteriorLogVarianceClipped { get; }

    /// <summary>Weight of x_0 in the mean of q(x_{t-1} | x_t, x_0).</summary>
    public IReadOnlyList<double> PosteriorMeanCoef1 { get; }

    /// <summary>Weight of x_t in it.</summary>
    public IReadOnlyList<double> PosteriorMeanCoef2 { get; }

    /// <summary>The timestep that the network sees at each step of this schedule, ascending.</summary>
    public IReadOnlyList<int> TimestepMap { get; }

    /// <summary>The complete schedule.</summary>
    /// <param name="kind">Curve.</param>
    /// <param name="steps">Number of timesteps T, 2 to 100,000.</param>
    public static NoiseSchedule Create(BetaSchedule kind, int steps = 1000)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(steps, 100_000);
        var betas = kind == BetaSchedule.Linear ? LinearBetas(steps) : CosineBetas(steps);
        return new NoiseSchedule(betas, [.. Enumerable.Range(0, steps)]);
    }

    /// <summary>The same process seen at fewer timesteps, whose abar are those of the complete schedule.</summary>
    /// <param name="respacing">
    /// <c>50</c>: that many steps, evenly spread; <c>10,15,20</c>: as many in each of equal sections; <c>ddim50</c>: a fixed integer stride that gives exactly
    /// that many; empty keeps all.
    /// </param>
    /// <exception cref="ArgumentException">The text is none of these, or asks for more steps than there are.</exception>
    public NoiseSchedule Respace(string respacing)
    {
        var kept = RespacedTimesteps(Steps, respacing);
        var betas = new double[kept.Count];
        var last = 1.0;
        for (var i = 0; i < kept.Count; i++)
        {
            betas[i] = 1 - (AlphasCumprod[kept[i]] / last);
            last = AlphasCumprod[kept[i]];
        }

        return new NoiseSchedule(betas, [.. kept.Select(t => TimestepMap[t])]);
    }

    /// <summary>Which timesteps a respacing keeps, ascending.</summary>
    /// <param name="steps">Timesteps of the complete schedule.</param>
    /// <param name="respacing">As for <see cref="Respace"/>.</param>
    /// <exception cref="ArgumentException">The text is no respacing of so many steps.</exception>
    public static IReadOnlyList<int> RespacedTimesteps(int steps, string respacing)
    {
        ArgumentNullException.ThrowIfNull(respacing);
        if (respacing.Length == 0)
        {
            return [.. Enumerable.Range(0, steps)];
        }

        if (respacing.StartsWith("ddim", StringComparison.Ordinal))
        {
            return Stride(steps, Count(respacing[4..]));
        }

        int[] counts = [.. respacing.Split(',').Select(Count)];
        var (kept, first) = (new List<int>(), 0);
        for (var section = 0; section < counts.Length; section++)
        {
            var length = (steps / counts.Length) + (section < steps % counts.Length ? 1 : 0);
            if (counts[section] > length)
            {
                throw new ArgumentException($"Respacing '{respacing}' asks for {counts[section]} steps in a section of {length}; ask for fewer.", nameof(respacing));
            }

            var stride = counts[section] <= 1 ? 1 : (length - 1) / (double)(counts[section] - 1);
            kept.AddRange(Enumerable.Range(0, counts[section]).Select(i => first + (int)Math.Round(Accumulated(stride, i), MidpointRounding.ToEven)));
            first += length;
        }

        return kept;

        int Count(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= 100_000
            ? count
            : throw new ArgumentException($"'{respacing}' is no respacing; write a number of steps such as 50, one per section such as 10,15,20, or ddim50.", nameof(respacing));
    }

    private static int[] Stride(int steps, int count)
    {
        for (var stride = 1; stride < steps; stride++)
        {
            if ((steps + stride - 1) / stride == count)
            {
                return [.. Enumerable.Range(0, count).Select(i => i * stride)];
            }
        }

        throw new ArgumentException($"No integer stride over {steps} timesteps gives exactly {count} of them; choose another count, or leave 'ddim' away.", nameof(count));
    }

    /// <summary>Repeated addition, as the reference does it: the rounding of its last bits decides some timesteps.</summary>
    private static double Accumulated(double stride, int times)
    {
        var sum = 0.0;
        for (var i = 0; i < times; i++)
        {
            sum += stride;
        }

        return sum;
    }

    private static double[] LinearBetas(int steps)
    {
        var scale = 1000.0 / steps;
        var (first, last) = (scale * 0.0001, scale * 0.02);
        var step = (last - first) / (steps - 1);
        double[] betas = [.. Enumerable.Range(0, steps).Select(t => Math.Min(LargestBeta, (t * step) + first))];
        betas[^1] = Math.Min(LargestBeta, last);
        return betas;
    }

    private static double[] CosineBetas(int steps)
    {
        return [.. Enumerable.Range(0, steps).Select(t => Math.Min(1 - (Remaining((t + 1.0) / steps) / Remaining((double)t / steps)), LargestBeta))];

        static double Remaining(double share) => Math.Pow(Math.Cos((share + CosineOffset) / (1 + CosineOffset) * Math.PI / 2), 2);
    }
}
