using System.Numerics.Tensors;
using AutoProg.Graphs;
using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Objectives;

/// <summary>
/// What an autoencoder learns: the mean squared error of the pixels, plus a weight times the Kullback-Leibler divergence of its latents from the standard normal
/// distribution, per element (Kingma and Welling, ICLR 2014).
/// </summary>
/// <param name="latentChannels">Channels of a latent.</param>
/// <param name="divergenceWeight">Not negative; 1e-4 keeps latents near unit size and costs little sharpness.</param>
internal sealed class Reconstruction(int latentChannels, double divergenceWeight) : IObjective
{
    /// <inheritdoc />
    public string Name => FormattableString.Invariant($"reconstruction-{divergenceWeight}");

    /// <inheritdoc />
    public Value AttachLoss(ModelGraph graph)
    {
        if (graph is not VaeModelGraph vae)
        {
            throw new ArgumentException("Only an autoencoder reconstructs its input; use another objective for this model.", nameof(graph));
        }

        var b = vae.Builder;
        using var scope = b.Scope("loss");
        var error = b.Sub(vae.Output, vae.Input);
        long[] all = [0, 1, 2, 3];

        // D = (mu^2 + sigma^2 - 1 - log sigma^2) / 2 per element (their appendix B).
        var divergence = b.Sub(b.Add(b.Mul(vae.Mean, vae.Mean), b.Exp(vae.LogVariance)), b.Add(vae.LogVariance, b.Scalar(1)));
        return b.Add(b.ReduceMean(b.Mul(error, error), all), b.Scale(b.ReduceMean(divergence, all), 0.5 * divergenceWeight));
    }

    /// <inheritdoc />
    public IReadOnlyList<FedTensor> TrainingInputs(Batch batch, StepKey step)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var random = new CounterRandom(step.Seed, RandomPurpose.Diffusion, step.Epoch, batch.Index);
        var noise = new float[NoiseLength(batch)];
        foreach (ref var element in noise.AsSpan())
        {
            element = (float)random.NextNormal();
        }

        return [FedTensor.Of<float>(VaeMicro.Image, batch.Images), FedTensor.Of<float>(VaeMicro.Noise, noise)];
    }

    /// <inheritdoc />
    public IReadOnlyList<FedTensor> TangentInputs(Batch batch, StepKey step) => TrainingInputs(batch, step);

    /// <inheritdoc />
    public IEvaluation Evaluate(EvaluationSettings settings) => new Pass(this);

    private int NoiseLength(Batch batch) => batch.Size * latentChannels * (batch.Resolution / VaeMicro.Factor) * (batch.Resolution / VaeMicro.Factor);

    /// <summary>Mean squared error of the images that the means of the latents stand for.</summary>
    private sealed class Pass(Reconstruction objective) : IEvaluation
    {
        private double sum;
        private int count;

        public EvaluationFigures Figures => new(sum / count, Top1: null, Top5: null, count);

        public IReadOnlyList<FedTensor> Inputs(Batch batch) =>
            [FedTensor.Of<float>(VaeMicro.Image, batch.Images), FedTensor.Of<float>(VaeMicro.Noise, new float[objective.NoiseLength(batch)])];

        public void Add(EvalSession session, Batch batch)
        {
            var output = session.Tensor(VaeMicro.Reconstruction);
            var size = output.Length / batch.Size;
            for (var i = 0; i < batch.Count; i++)
            {
                double distance = TensorPrimitives.Distance<float>(output.Slice(i * size, size), batch.Images.Span.Slice(i * size, size));
                sum += distance * distance / size;
            }

            count += batch.Count;
        }
    }
}
