using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Diffusion.Latents;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Runtime;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Training;

/// <summary>What is sampled from a trained diffusion model. What is null is the recipe's.</summary>
public sealed record SampleOptions
{
    /// <summary>Number of samples, at least 1.</summary>
    public int Count { get; init; } = 16;

    /// <summary>The class of all samples; null goes through the classes of the data in turn.</summary>
    public int? ClassLabel { get; init; }

    /// <summary>Strength of classifier-free guidance; 1 is none.</summary>
    public double? Cfg { get; init; }

    /// <summary>Which channels are guided.</summary>
    public GuidanceForm Guidance { get; init; } = GuidanceForm.Three;

    /// <summary>Sampler.</summary>
    public SamplerKind? Sampler { get; init; }

    /// <summary>Steps, evenly spread.</summary>
    public int? Steps { get; init; }

    /// <summary>Noise of DDIM's steps.</summary>
    public double? Eta { get; init; }

    /// <summary>Stage that the network is told, from 0; null tells it the last one that was trained.</summary>
    public int? Stage { get; init; }

    /// <summary>Seed of all noise.</summary>
    public long Seed { get; init; }

    /// <summary><c>online</c>, <c>ema-0.9999</c>, or <c>best</c> (what the run's last evaluation found best).</summary>
    public string Weights { get; init; } = ModelEvaluation.Best;

    /// <summary>Samples per run of the network, at least 2; guidance takes two of them for each sample.</summary>
    public int BatchSize { get; init; } = 64;
}

/// <summary>Draws samples from trained diffusion models.</summary>
public static class ModelSampling
{
    /// <summary>The settings of a sampler, as reports name them, e.g. <c>ddim, 50 steps, cfg 1.5</c>.</summary>
    public static string Describe(TrainedModel model, SampleOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        var o = OptionsOf(model, options);
        var eta = o.Sampler == SamplerKind.Ddim && o.Eta > 0 ? FormattableString.Invariant($", eta {o.Eta}") : "";
        return FormattableString.Invariant($"{o.Sampler.ToString().ToLowerInvariant()}, {o.Steps} steps{eta}, cfg {o.CfgScale}");
    }

    /// <summary>Pixels per side of an image of so many elements.</summary>
    internal static int SideOf(int elements) => (int)Math.Round(Math.Sqrt(elements / 3.0));

    /// <summary>Classes that samples go through in turn: those of the images that the model has learnt, all that it has room for where they are not known.</summary>
    internal static int ClassesOf(TrainedModel model) => model.ClassNames.Count > 0 ? model.ClassNames.Count : model.Model.ClassCount;

    /// <summary>Draws images, batch by batch; latents are decoded.</summary>
    /// <param name="model">A diffusion model.</param>
    /// <param name="options">What is sampled.</param>
    /// <param name="labels">A class per sample; null lets the options choose.</param>
    /// <param name="progress">Is told after every step.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <exception cref="ArgumentException">The model is no diffusion model, or a setting does not fit it.</exception>
    /// <exception cref="DeviceException">The device is not there, or out of memory.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IEnumerable<SampleBatch> Draw(
        TrainedModel model, SampleOptions options, IReadOnlyList<int>? labels = null, IProgress<SamplingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        if (model.Task.Objective is not Denoising objective || model.Model is not DiT dit)
        {
            throw new ArgumentException($"{model.Model.Name} is no diffusion model, so nothing can be sampled from it.", nameof(model));
        }

        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Count, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchSize, 2, nameof(options));
        var settings = OptionsOf(model, options);
        var weights = model.Choices[model.Resolve(options.Weights, allowAll: false)[0]];
        var classes = ClassesOf(model);
        return Batches();

        IEnumerable<SampleBatch> Batches()
        {
            using var device = Device.Open(model.Recipe.Runtime.Device, model.Recipe.Runtime.Threads);
            using var sessions = new SubNetworkSessions(new SubNetworkGraphs(model.Task, RunComponents.StoreOf(model.Recipe, NullLogger.Instance)), device);
            var session = sessions.Evaluation(model.Network, options.BatchSize);
            session.Bind(name => model.Parts.Arena.View(weights, name));
            var sampler = new DiffusionSampler(objective.Schedule, new SessionDenoiser(session, dit, model.Network.Resolution, options.BatchSize), settings);
            using var vae = model.Recipe.Latents.Vae is null ? null : OpenSource.OpenVae(model.Recipe, device);
            var shape = new LatentShape(dit.Config.InChannels, model.Network.Resolution, model.Network.Resolution);
            foreach (var batch in sampler.Draw(labels ?? [.. Enumerable.Range(0, options.Count).Select(i => options.ClassLabel ?? (i % classes))], progress, cancellationToken))
            {
                yield return vae is null ? batch : batch with { Samples = vae.Decode(batch.Samples, batch.Labels.Count, shape) };
            }
        }
    }

    /// <summary>A few samples in rows, with a column per class.</summary>
    /// <returns>The caller disposes it.</returns>
    /// <inheritdoc cref="Draw" path="/exception"/>
    internal static RgbImage DrawGrid(TrainedModel model, SampleOptions options, CancellationToken cancellationToken)
    {
        float[] samples = [.. Draw(model, options, labels: null, progress: null, cancellationToken).SelectMany(static batch => batch.Samples)];
        var side = SideOf(samples.Length / options.Count);
        return SampleImages.Grid(samples, side, side, ClassesOf(model));
    }

    private static SamplingOptions OptionsOf(TrainedModel model, SampleOptions options)
    {
        var recipe = model.Recipe.Sampling;
        return new SamplingOptions
        {
            Sampler = options.Sampler ?? recipe.Sampler,
            Steps = FormattableString.Invariant($"{options.Steps ?? recipe.Steps}"),
            Eta = options.Eta ?? recipe.Eta,
            CfgScale = options.Cfg ?? recipe.Cfg,
            Guidance = options.Guidance,
            ClipDenoised = recipe.ClipDenoised,
            Stage = options.Stage ?? (model.Model is DiT { Config.NumStages: > 0 } ? model.Stage : null),
            Seed = options.Seed,
        };
    }
}
