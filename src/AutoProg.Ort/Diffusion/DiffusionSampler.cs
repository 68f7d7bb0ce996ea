using System.Globalization;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Diffusion;

/// <summary>
/// Draws samples from a diffusion network. All noise is keyed by the seed and the sample's index, so a sample does not depend on the batch that it is drawn in.
/// </summary>
internal sealed class DiffusionSampler
{
    private const double LargestScale = 100;

    private readonly IDenoiser denoiser;
    private readonly DenoiserShape shape;
    private readonly SamplingOptions options;
    private readonly GaussianDiffusion diffusion;
    private readonly long stage;

    /// <summary>Checks that the settings fit the network.</summary>
    /// <param name="schedule">The complete schedule that the network was trained with.</param>
    /// <param name="denoiser">The network; stays the property of the caller.</param>
    /// <param name="options">Settings.</param>
    /// <exception cref="ArgumentException">A setting is out of range, or does not fit the network.</exception>
    public DiffusionSampler(NoiseSchedule schedule, IDenoiser denoiser, SamplingOptions options)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        ArgumentNullException.ThrowIfNull(denoiser);
        ArgumentNullException.ThrowIfNull(options);
        (this.denoiser, this.options, shape) = (denoiser, options, denoiser.Shape);
        Expect(options.Eta is >= 0 and <= 1, string.Create(CultureInfo.InvariantCulture, $"eta is {options.Eta}, expected 0 (no noise) to 1 (as much as DDPM)."));
        Expect(options.CfgScale is >= 0 and <= LargestScale, string.Create(CultureInfo.InvariantCulture, $"The guidance scale is {options.CfgScale}, expected 0 to {LargestScale}; 1 is none."));
        Expect(options.FixedVariance != ReverseVariance.LearnedRange, "A fixed variance is small or large; a learned one is used by itself where the network predicts it.");
        Expect(
            options.Stage is null || (options.Stage >= 0 && options.Stage < shape.StageCount),
            shape.StageCount == 0 ? $"Stage {options.Stage} was asked for, but the network knows no stages; leave it away." : $"Stage {options.Stage} was asked for; the network knows 0 to {shape.StageCount - 1}.");
        Expect(
            shape.OutputChannels == shape.Channels || shape.OutputChannels == 2 * shape.Channels,
            $"The network makes {shape.OutputChannels} channels from {shape.Channels}, expected as many, or twice as many with the variance.");
        Expect(denoiser.MaxBatch >= (Guided ? 2 : 1), $"The network takes {denoiser.MaxBatch} samples at a time, and guidance needs 2; set the guidance scale to 1 or use a larger batch.");
        stage = options.Stage ?? shape.StageCount;
        diffusion = new GaussianDiffusion(schedule.Respace(options.Steps), shape.OutputChannels == shape.Channels ? options.FixedVariance : ReverseVariance.LearnedRange);

        static void Expect(bool holds, string problem)
        {
            if (!holds)
            {
                throw new ArgumentException(problem, nameof(options));
            }
        }
    }

    /// <summary>Steps of every sample.</summary>
    public int Steps => diffusion.Schedule.Steps;

    /// <summary>Samples of one batch: with guidance every sample is predicted twice.</summary>
    public int BatchSize => Guided ? denoiser.MaxBatch / 2 : denoiser.MaxBatch;

    private bool Guided => !options.CfgScale.Equals(1.0);

    /// <summary>Draws a sample per label, batch by batch; nothing but the current batch is kept.</summary>
    /// <param name="labels">Classes, 0 to classes - 1; the number of classes itself draws without a class.</param>
    /// <param name="progress">Is told after every step.</param>
    /// <param name="cancellation">Looked at between steps.</param>
    /// <exception cref="ArgumentException">The network does not know a class.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IEnumerable<SampleBatch> Draw(IReadOnlyList<int> labels, IProgress<SamplingProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(labels);
        for (var i = 0; i < labels.Count; i++)
        {
            if (labels[i] < 0 || labels[i] > shape.ClassCount)
            {
                throw new ArgumentException($"Class {labels[i]} of sample {i} is not known; the network knows 0 to {shape.ClassCount - 1}, and {shape.ClassCount} for none.", nameof(labels));
            }
        }

        return Batches();

        IEnumerable<SampleBatch> Batches()
        {
            for (var first = 0; first < labels.Count; first += BatchSize)
            {
                int[] own = [.. labels.Skip(first).Take(BatchSize)];
                yield return Draw(first, own, new(progress, labels.Count), cancellation);
            }
        }
    }

    private SampleBatch Draw(int first, int[] labels, Reporting reporting, CancellationToken cancellation)
    {
        var (count, rows) = (labels.Length, Guided ? 2 * labels.Length : labels.Length);
        var (size, outputSize) = (shape.Elements, shape.OutputElements);
        var (x, output, next, noise) = (new float[rows * size], new float[rows * outputSize], new float[size], new float[size]);
        var (t, y, s) = (new long[rows], new long[rows], new long[rows]);
        for (var row = 0; row < rows; row++)
        {
            (y[row], s[row]) = row < count ? (labels[row], stage) : (shape.ClassCount, shape.StageCount);
        }

        for (var sample = 0; sample < count; sample++)
        {
            FillNormal(x.AsSpan(sample * size, size), RandomPurpose.SamplingStart, 0, first + sample);
        }

        for (var step = Steps - 1; step >= 0; step--)
        {
            cancellation.ThrowIfCancellationRequested();
            if (Guided)
            {
                Array.Copy(x, 0, x, count * size, count * size);
            }

            Array.Fill(t, diffusion.Schedule.TimestepMap[step]);
            denoiser.Predict(x, t, y, s, output);
            if (Guided)
            {
                Guidance.Apply(output, shape.Channels, shape.OutputChannels, shape.Height * shape.Width, options.CfgScale, options.Guidance);
            }

            for (var sample = 0; sample < count; sample++)
            {
                var own = x.AsSpan(sample * size, size);
                if (step > 0 && (options.Sampler == SamplerKind.Ddpm || options.Eta > 0))
                {
                    FillNormal(noise, RandomPurpose.SamplingStep, step, first + sample);
                }

                Step(new() { X = own, Output = output.AsSpan(sample * outputSize, outputSize), T = step, ClipStart = options.ClipDenoised }, noise, next);
                next.CopyTo(own);
            }

            reporting.Tell(first, count, Steps - step, Steps);
        }

        return new(first, labels, x[..(count * size)]);
    }

    private void Step(in Prediction prediction, ReadOnlySpan<float> noise, Span<float> next)
    {
        if (options.Sampler == SamplerKind.Ddpm)
        {
            diffusion.StepDdpm(prediction, noise, next);
        }
        else
        {
            diffusion.StepDdim(prediction, options.Eta, noise, next);
        }
    }

    private void FillNormal(Span<float> destination, RandomPurpose purpose, int step, int sample)
    {
        var random = new CounterRandom(options.Seed, purpose, step, sample);
        foreach (ref var element in destination)
        {
            element = (float)random.NextNormal();
        }
    }

    private readonly record struct Reporting(IProgress<SamplingProgress>? Progress, int Samples)
    {
        public void Tell(int first, int count, int step, int steps) => Progress?.Report(new(step == steps ? first + count : first, Samples, step, steps));
    }
}
