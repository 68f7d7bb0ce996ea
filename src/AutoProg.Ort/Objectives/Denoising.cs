using System.Numerics.Tensors;
using AutoProg.Graphs;
using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Objectives;

/// <summary>
/// Predicting the noise in x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps (eq. 11), with the variational bound beside it where the variance is learned. Timesteps,
/// noise and the dropping of labels and stages are drawn here and fed, so that a step depends on its key alone.
/// </summary>
/// <param name="model">The diffusion transformer.</param>
/// <param name="schedule">The complete schedule of the noise.</param>
/// <param name="loss">Loss.</param>
/// <param name="classDropout">Probability that a label is dropped, and that a stage is, independently, 0 to 1.</param>
internal sealed class Denoising(DiT model, NoiseSchedule schedule, DiffusionLossKind loss, double classDropout) : IObjective
{
    /// <inheritdoc />
    public string Name => $"denoising-{loss.ToString().ToLowerInvariant()}";

    /// <summary>The complete schedule of the noise.</summary>
    public NoiseSchedule Schedule => schedule;

    /// <inheritdoc />
    public Value AttachLoss(ModelGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return DiffusionLoss.Attach(graph, schedule, loss).Loss;
    }

    /// <inheritdoc />
    public IReadOnlyList<FedTensor> TrainingInputs(Batch batch, StepKey step)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var random = new CounterRandom(step.Seed, RandomPurpose.Diffusion, step.Epoch, batch.Index);
        var drawn = Draw(batch, ref random, step.Stage, classDropout);
        FedTensor[] always = [.. Conditions(drawn.Noisy, drawn), FedTensor.Of<float>(DiffusionLoss.NoiseInput, drawn.Noise)];
        return loss == DiffusionLossKind.Mse ? always : [.. always, FedTensor.Of<float>(DiffusionLoss.CleanInput, batch.Images)];
    }

    /// <inheritdoc />
    /// <remarks>The tangent kernel sees the clean image under a random timestep, as in the authors' code.</remarks>
    public IReadOnlyList<FedTensor> TangentInputs(Batch batch, StepKey step)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var random = new CounterRandom(step.Seed, RandomPurpose.Diffusion, step.Epoch, batch.Index);
        return Conditions(batch.Images, Draw(batch, ref random, step.Stage, classDropout));
    }

    /// <inheritdoc />
    public IEvaluation Evaluate(EvaluationSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return new Pass(this, settings.Stage);
    }

    private FedTensor[] Conditions(ReadOnlyMemory<float> x, Drawn drawn)
    {
        FedTensor[] always = [FedTensor.Of(DiT.NoisyInput, x), FedTensor.Of<long>(DiT.TimestepInput, drawn.Timesteps), FedTensor.Of<long>(DiT.LabelInput, drawn.Labels)];
        return model.Config.NumStages > 0 ? [.. always, FedTensor.Of<long>(DiT.StageInput, drawn.Stages)] : always;
    }

    private Drawn Draw(Batch batch, ref CounterRandom random, int stage, double dropout)
    {
        var (timesteps, labels, stages) = (new long[batch.Size], new long[batch.Size], new long[batch.Size]);
        for (var i = 0; i < batch.Size; i++)
        {
            timesteps[i] = random.NextInt(schedule.Steps);
            var label = batch.Labels.Span[i];
            labels[i] = random.NextBool(dropout) || label < 0 ? model.NullLabel : label;
            stages[i] = random.NextBool(dropout) ? model.NullStage : stage;
        }

        var start = batch.Images.Span;
        var (noise, noisy) = (new float[start.Length], new float[start.Length]);
        foreach (ref var element in noise.AsSpan())
        {
            element = (float)random.NextNormal();
        }

        ForwardProcess.AddNoise(schedule, start, noise, timesteps, noisy);
        return new Drawn(timesteps, labels, stages, noise, noisy);
    }

    private sealed record Drawn(long[] Timesteps, long[] Labels, long[] Stages, float[] Noise, float[] Noisy);

    /// <summary>Mean squared error of the predicted noise; every evaluation of the same images draws the same timesteps and the same noise.</summary>
    private sealed class Pass(Denoising objective, int stage) : IEvaluation
    {
        private float[] noise = [];
        private double sum;
        private int count;

        public EvaluationFigures Figures => new(sum / count, Top1: null, Top5: null, count);

        public IReadOnlyList<FedTensor> Inputs(Batch batch)
        {
            var random = new CounterRandom(0, RandomPurpose.DiffusionEvaluation, 0, batch.Index);
            var drawn = objective.Draw(batch, ref random, stage, dropout: 0);
            noise = drawn.Noise;
            return objective.Conditions(drawn.Noisy, drawn);
        }

        public void Add(EvalSession session, Batch batch)
        {
            var output = session.Tensor(DiT.PredictionOutput);
            var (size, outputSize) = (noise.Length / batch.Size, output.Length / batch.Size);
            for (var i = 0; i < batch.Count; i++)
            {
                // The noise comes first; a learned variance lies behind it.
                double distance = TensorPrimitives.Distance<float>(output.Slice(i * outputSize, size), noise.AsSpan(i * size, size));
                sum += distance * distance / size;
            }

            count += batch.Count;
        }
    }
}
