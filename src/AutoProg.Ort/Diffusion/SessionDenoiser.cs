using AutoProg.Models;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Diffusion;

/// <summary>A loaded forward graph of a diffusion transformer, as the network that is sampled from.</summary>
internal sealed class SessionDenoiser : IDenoiser
{
    private readonly EvalSession session;
    private readonly bool knowsStages;

    /// <summary>Takes a session whose parameters are bound; it stays the caller's.</summary>
    /// <param name="session">The forward graph.</param>
    /// <param name="model">The architecture.</param>
    /// <param name="resolution">Side of a sample.</param>
    /// <param name="batch">Samples per run.</param>
    public SessionDenoiser(EvalSession session, DiT model, int resolution, int batch)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(model);
        this.session = session;
        knowsStages = model.Config.NumStages > 0;
        var channels = model.Config.InChannels;
        Shape = new DenoiserShape(channels, model.Config.LearnSigma ? 2 * channels : channels, resolution, resolution, model.Config.NumClasses, model.Config.NumStages);
        MaxBatch = batch;
    }

    /// <inheritdoc />
    public DenoiserShape Shape { get; }

    /// <inheritdoc />
    public int MaxBatch { get; }

    /// <inheritdoc />
    public void Predict(ReadOnlySpan<float> x, ReadOnlySpan<long> t, ReadOnlySpan<long> y, ReadOnlySpan<long> s, Span<float> output)
    {
        x.CopyTo(session.Tensor(DiT.NoisyInput));
        t.CopyTo(session.Tensor<long>(DiT.TimestepInput));
        y.CopyTo(session.Tensor<long>(DiT.LabelInput));
        if (knowsStages)
        {
            s.CopyTo(session.Tensor<long>(DiT.StageInput));
        }

        // Places that no sample fills keep what they had; their results are not read.
        session.Run();
        session.Tensor(DiT.PredictionOutput)[..output.Length].CopyTo(output);
    }
}
