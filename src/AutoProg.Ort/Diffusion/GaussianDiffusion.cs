using System.Numerics.Tensors;

namespace AutoProg.Ort.Diffusion;

/// <summary>Where the variance of a reverse step comes from.</summary>
internal enum ReverseVariance
{
    /// <summary>That of q(x_{t-1} | x_t, x_0).</summary>
    FixedSmall,

    /// <summary>beta_t.</summary>
    FixedLarge,

    /// <summary>The network says for every element where its logarithm lies between the two: -1 is the small one, 1 the large one (Nichol and Dhariwal, ICML 2021).</summary>
    LearnedRange,
}

/// <summary>
/// The steps from noise back to an image, for a network that predicts the noise; one sample at a time. <see cref="ForwardProcess"/> is the way there.
/// Coefficients are computed in float64 and rounded to float32 before use, as the reference does.
/// </summary>
internal sealed class GaussianDiffusion
{
    private const int Chunk = 256;

    private readonly float[] alphas, alphasPrev, alphasNext, startScales, startNoise, meanOfStart, meanOfX;
    private readonly float[] logVarianceCentres, logVarianceHalfRanges;

    /// <summary>Prepares the coefficients.</summary>
    /// <param name="schedule">The timesteps that are gone through, complete or respaced.</param>
    /// <param name="variance">What the network was trained for.</param>
    public GaussianDiffusion(NoiseSchedule schedule, ReverseVariance variance)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        (Schedule, Variance) = (schedule, variance);
        (alphas, alphasPrev, alphasNext) = (Rounded(schedule.AlphasCumprod), Rounded(schedule.AlphasCumprodPrev), Rounded(schedule.AlphasCumprodNext));
        (startScales, startNoise) = (Rounded(schedule.SqrtRecipAlphasCumprod), Rounded(schedule.SqrtRecipm1AlphasCumprod));
        (meanOfStart, meanOfX) = (Rounded(schedule.PosteriorMeanCoef1), Rounded(schedule.PosteriorMeanCoef2));

        // A schedule of a single step never adds noise, and its posterior has no variance whose logarithm could be taken.
        float[] large = Rounded([.. schedule.Betas.Select(static beta => Math.Log(beta))]);
        float[] small = schedule.Steps == 1 ? large : Rounded(schedule.PosteriorLogVarianceClipped);
        float[] betas = [small[0], .. large[1..]];
        var (low, high) = variance switch
        {
            ReverseVariance.FixedSmall => (small, small),
            ReverseVariance.FixedLarge => (betas, betas),
            _ => (small, large),
        };
        logVarianceCentres = [.. low.Zip(high, static (l, h) => (float)((l + (double)h) / 2))];
        logVarianceHalfRanges = [.. low.Zip(high, static (l, h) => (float)((h - (double)l) / 2))];
    }

    /// <summary>The timesteps that are gone through.</summary>
    public NoiseSchedule Schedule { get; }

    /// <summary>Where the variance of a reverse step comes from.</summary>
    public ReverseVariance Variance { get; }

    /// <summary>Output channels of the network over its input channels: 2 where it predicts the variance, else 1.</summary>
    public int OutputFactor => Variance == ReverseVariance.LearnedRange ? 2 : 1;

    /// <summary>The mean of q(x_{t-1} | x_t, x_0).</summary>
    /// <param name="start">x_0.</param>
    /// <param name="x">x_t, as long.</param>
    /// <param name="t">0 to steps - 1.</param>
    /// <param name="destination">As long; may be <paramref name="start"/>.</param>
    public void PosteriorMean(ReadOnlySpan<float> start, ReadOnlySpan<float> x, int t, Span<float> destination)
    {
        CheckStep(t);
        TensorPrimitives.Multiply(start, meanOfStart[t], destination);
        TensorPrimitives.MultiplyAdd(x, meanOfX[t], destination, destination);
    }

    /// <summary>p(x_{t-1} | x_t) as the network predicts it.</summary>
    /// <exception cref="ArgumentException">The output has another length than <see cref="OutputFactor"/> times the sample's, or t is no step.</exception>
    public ReverseDistribution Reverse(in Prediction prediction)
    {
        Check(prediction);
        var (mean, logVariance, start) = (new float[prediction.X.Length], new float[prediction.X.Length], new float[prediction.X.Length]);
        PredictStart(prediction, start);
        PosteriorMean(start, prediction.X, prediction.T, mean);
        LogVariance(prediction, 0, logVariance);
        return new(mean, logVariance, start);
    }

    /// <summary>An ancestral step (Ho et al., NeurIPS 2020): mean + sqrt(variance) noise, without noise in the last one.</summary>
    /// <param name="prediction">x_t and the network's output.</param>
    /// <param name="noise">Standard normal, as long as x_t; not read where t = 0.</param>
    /// <param name="destination">x_{t-1}, as long; memory of its own.</param>
    /// <exception cref="ArgumentException">The output has another length than <see cref="OutputFactor"/> times the sample's, or t is no step.</exception>
    public void StepDdpm(in Prediction prediction, ReadOnlySpan<float> noise, Span<float> destination)
    {
        Check(prediction);
        PredictStart(prediction, destination);
        PosteriorMean(destination, prediction.X, prediction.T, destination);
        if (prediction.T == 0)
        {
            return;
        }

        Span<float> deviation = stackalloc float[Chunk];
        for (var from = 0; from < destination.Length; from += Chunk)
        {
            var part = destination[from..Math.Min(from + Chunk, destination.Length)];
            var sigma = deviation[..part.Length];
            LogVariance(prediction, from, sigma);
            TensorPrimitives.Multiply(sigma, 0.5f, sigma);
            TensorPrimitives.Exp(sigma, sigma);
            TensorPrimitives.MultiplyAdd(sigma, noise.Slice(from, part.Length), part, part);
        }
    }

    /// <summary>
    /// A step of DDIM (Song et al., ICLR 2021, eq. 12): sqrt(abar_{t-1}) x_0 + sqrt(1 - abar_{t-1} - sigma^2) eps + sigma noise, with
    /// sigma = eta sqrt((1 - abar_{t-1}) / (1 - abar_t)) sqrt(1 - abar_t / abar_{t-1}), computed from abar rounded to float32 as the reference does.
    /// </summary>
    /// <param name="prediction">x_t and the network's output, whose variance is not used.</param>
    /// <param name="eta">0 takes no noise, 1 as much as DDPM.</param>
    /// <param name="noise">Standard normal, as long as x_t; not read where t = 0 or eta = 0.</param>
    /// <param name="destination">x_{t-1}, as long; memory of its own.</param>
    /// <exception cref="ArgumentException">The output has another length than <see cref="OutputFactor"/> times the sample's, t is no step, or eta is not within 0 to 1.</exception>
    public void StepDdim(in Prediction prediction, double eta, ReadOnlySpan<float> noise, Span<float> destination)
    {
        Check(prediction);
        if (!(eta is >= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(eta), eta, "eta of DDIM goes from 0 (no noise) to 1 (as much as DDPM).");
        }

        double alpha = alphas[prediction.T], previous = alphasPrev[prediction.T];
        var sigma = eta * Math.Sqrt((1 - previous) / (1 - alpha)) * Math.Sqrt(1 - (alpha / previous));
        Towards(prediction, previous, Math.Sqrt(Math.Max(0, 1 - previous - (sigma * sigma))), destination);
        if (prediction.T > 0 && sigma > 0)
        {
            TensorPrimitives.MultiplyAdd(noise, (float)sigma, destination, destination);
        }
    }

    /// <summary>The step of DDIM in the other direction, from an image towards the noise that gives it: sqrt(abar_{t+1}) x_0 + sqrt(1 - abar_{t+1}) eps.</summary>
    /// <param name="prediction">x_t and the network's output.</param>
    /// <param name="destination">x_{t+1}, as long; memory of its own.</param>
    /// <exception cref="ArgumentException">The output has another length than <see cref="OutputFactor"/> times the sample's, or t is no step.</exception>
    public void InvertDdim(in Prediction prediction, Span<float> destination)
    {
        Check(prediction);
        double next = alphasNext[prediction.T];
        Towards(prediction, next, Math.Sqrt(1 - next), destination);
    }

    /// <summary>sqrt(abar) x_0 + factor eps. Where x_0 was clipped, eps is what leads from x_t to the clipped one.</summary>
    private void Towards(in Prediction prediction, double alpha, double factor, Span<float> destination)
    {
        PredictStart(prediction, destination);
        if (!prediction.ClipStart)
        {
            TensorPrimitives.Multiply(destination, (float)Math.Sqrt(alpha), destination);
            TensorPrimitives.MultiplyAdd(prediction.Output[..destination.Length], (float)factor, destination, destination);
            return;
        }

        // eps = (sqrt(1 / abar_t) x_t - x_0) / sqrt(1 / abar_t - 1).
        var share = factor / startNoise[prediction.T];
        TensorPrimitives.Multiply(destination, (float)(Math.Sqrt(alpha) - share), destination);
        TensorPrimitives.MultiplyAdd(prediction.X, (float)(share * startScales[prediction.T]), destination, destination);
    }

    /// <summary>x_0 = sqrt(1 / abar_t) x_t - sqrt(1 / abar_t - 1) eps.</summary>
    private void PredictStart(in Prediction prediction, Span<float> start)
    {
        TensorPrimitives.Multiply(prediction.X, startScales[prediction.T], start);
        TensorPrimitives.MultiplyAdd(prediction.Output[..start.Length], -startNoise[prediction.T], start, start);
        if (prediction.ClipStart)
        {
            TensorPrimitives.Max(start, -1f, start);
            TensorPrimitives.Min(start, 1f, start);
        }
    }

    /// <summary>v between -1 and 1 stands for the logarithm centre + v half range; a fixed variance has no range.</summary>
    private void LogVariance(in Prediction prediction, int from, Span<float> destination)
    {
        var (centre, halfRange) = (logVarianceCentres[prediction.T], logVarianceHalfRanges[prediction.T]);
        destination.Fill(centre);
        if (Variance == ReverseVariance.LearnedRange)
        {
            TensorPrimitives.MultiplyAdd(prediction.Output.Slice(prediction.X.Length + from, destination.Length), halfRange, destination, destination);
        }
    }

    private void Check(in Prediction prediction)
    {
        CheckStep(prediction.T);
        if (prediction.Output.Length != OutputFactor * prediction.X.Length)
        {
            throw new ArgumentException(
                $"The network's output has {prediction.Output.Length} elements for a sample of {prediction.X.Length}; expected {OutputFactor * prediction.X.Length} with the variance {Variance}.",
                nameof(prediction));
        }
    }

    private void CheckStep(int t)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(t);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(t, Schedule.Steps);
    }

    private static float[] Rounded(IReadOnlyList<double> table) => [.. table.Select(static value => (float)value)];
}
