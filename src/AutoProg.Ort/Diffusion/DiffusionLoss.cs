using AutoProg.Graphs;
using AutoProg.Models;

namespace AutoProg.Ort.Diffusion;

/// <summary>What a diffusion model is trained to minimise.</summary>
public enum DiffusionLossKind
{
    /// <summary>Mean squared error of the predicted noise (Ho et al., NeurIPS 2020).</summary>
    Mse,

    /// <summary>The variational bound alone, in bits per element; needs a learned variance.</summary>
    Vb,

    /// <summary>
    /// Mse, plus the variational bound for the variance, which sends no gradient through the predicted noise (Nichol and Dhariwal, ICML 2021); needs a learned variance.
    /// </summary>
    Hybrid,
}

/// <summary>A loss in a graph, and its terms.</summary>
/// <param name="Loss">The scalar to differentiate.</param>
/// <param name="Mse">Scalar; null if it is no term.</param>
/// <param name="Vb">Scalar, bits per element; null if it is no term.</param>
/// <param name="MsePerSample">[batch]; null as <paramref name="Mse"/>.</param>
/// <param name="VbPerSample">[batch]; null as <paramref name="Vb"/>.</param>
internal sealed record DiffusionLosses(Value Loss, Value? Mse, Value? Vb, Value? MsePerSample, Value? VbPerSample);

/// <summary>Training losses of a diffusion model that predicts the noise.</summary>
internal static class DiffusionLoss
{
    /// <summary>Input [batch, channels, r, r]: the noise in x_t.</summary>
    public const string NoiseInput = "noise";

    /// <summary>Input [batch, channels, r, r], only where the variational bound is a term: x_0, in -1..1 where it is an image.</summary>
    public const string CleanInput = "x_start";

    /// <summary>Adds a loss to a model's graph.</summary>
    /// <param name="graph">A model with the input <see cref="DiT.TimestepInput"/>; twice as many output as input channels are noise and variance.</param>
    /// <param name="schedule">The complete noise schedule; its coefficients become constants of the graph.</param>
    /// <param name="kind">Which loss.</param>
    /// <exception cref="ArgumentException">The loss needs a variance that the model does not predict, the model is not told the timestep, or the schedule is respaced.</exception>
    public static DiffusionLosses Attach(ModelGraph graph, NoiseSchedule schedule, DiffusionLossKind kind)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(schedule);
        if (schedule.TimestepMap[^1] != schedule.Steps - 1)
        {
            throw new ArgumentException($"A schedule respaced to {schedule.Steps} timesteps is for sampling; train with the complete one.", nameof(schedule));
        }

        var b = graph.Builder;
        var timestep = b.Inputs.FirstOrDefault(static i => i.Name == DiT.TimestepInput)
            ?? throw new ArgumentException($"The model has no input '{DiT.TimestepInput}', so it predicts no noise; use a diffusion model.", nameof(graph));
        var channels = graph.Input.Shape[1];
        var learnsVariance = graph.Output.Shape[1] == 2 * channels;
        if (kind != DiffusionLossKind.Mse && !learnsVariance)
        {
            throw new ArgumentException($"Loss {kind} needs a model that learns the variance; use {nameof(DiffusionLossKind.Mse)}, or a model with learn_sigma.", nameof(kind));
        }

        using var scope = b.Scope("loss");
        var parts = learnsVariance ? b.Split(graph.Output, 1, channels, channels) : [graph.Output];
        var noise = b.Input(NoiseInput, ElementType.Float, graph.Input.Shape);
        var error = b.Sub(noise, parts[0]);
        var mse = kind == DiffusionLossKind.Vb ? null : Mean(b, b.Mul(error, error));
        if (kind == DiffusionLossKind.Mse)
        {
            var mean = b.ReduceMean(mse!, [0]);
            return new(mean, mean, null, mse, null);
        }

        var clean = b.Input(CleanInput, ElementType.Float, graph.Input.Shape);
        var judged = kind == DiffusionLossKind.Hybrid ? b.Sub(noise, b.StopGradient(parts[0])) : error;
        var vb = VariationalBound.Of(b, schedule, timestep, judged, parts[1], clean);
        var vbMean = b.ReduceMean(vb, [0]);
        var mseMean = mse is null ? null : b.ReduceMean(mse, [0]);
        return new(mseMean is null ? vbMean : b.Add(mseMean, vbMean), mseMean, vbMean, mse, vb);
    }

    /// <summary>[batch, channels, r, r] to [batch].</summary>
    internal static Value Mean(GraphBuilder b, Value elements) => b.ReduceMean(elements, [1, 2, 3]);
}
