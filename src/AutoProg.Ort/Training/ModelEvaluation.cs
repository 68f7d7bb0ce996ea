using AutoProg.Ort.Data;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Runtime;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Training;

/// <summary>How a trained model is evaluated.</summary>
public sealed record EvaluationOptions
{
    /// <summary><c>online</c>, <c>ema-0.998</c>, <c>best</c> (what the run's last evaluation found best), or <c>all</c>.</summary>
    public string Weights { get; init; } = ModelEvaluation.Best;

    /// <summary>Pixels per side, a multiple of the patch size; null takes the network's.</summary>
    public int? Resolution { get; init; }

    /// <summary>Images of one's own, instead of the recipe's.</summary>
    public IImageDataset? Images { get; init; }

    /// <summary>Hears of corrupt images.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
}

/// <summary>Accuracy of a trained model on the evaluation images.</summary>
public static class ModelEvaluation
{
    /// <summary>The choice of what the run's last evaluation found best.</summary>
    public const string Best = "best";

    /// <summary>The choice of all weights, one result each.</summary>
    public const string All = "all";

    /// <summary>Evaluates.</summary>
    /// <returns>One result per chosen weights.</returns>
    /// <exception cref="ArgumentException">There are no such weights, or the model cannot have that resolution.</exception>
    /// <exception cref="DataException">The images cannot be used, or have another number of classes.</exception>
    /// <exception cref="DeviceException">The device is not there, or out of memory.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between batches.</exception>
    public static IReadOnlyList<EvaluationResult> Run(TrainedModel model, EvaluationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new EvaluationOptions();
        var names = model.Resolve(options.Weights, allowAll: true);
        var recipe = model.Recipe;
        var active = new ActiveNetwork(model.Network with { Resolution = options.Resolution ?? model.Network.Resolution }, model.Parts.Blocks);
        var images = options.Images ?? ImageDatasets.Open(recipe.Data, recipe.Seed, cancellationToken).Val;
        var (given, known) = (images.ClassNames.Count, model.Model.ClassCount);
        if (model.Task.Objective switch { Classification or TokenLabeling => given != known, Denoising => given > known, _ => false })
        {
            throw new DataException($"'{images.Name}' has {given} classes, the model {known}; evaluate on the data that it was trained for.");
        }

        var graphs = new SubNetworkGraphs(model.Task, RunComponents.StoreOf(recipe, options.Logger));
        using var device = Device.Open(recipe.Runtime.Device, recipe.Runtime.Threads);
        using var source = OpenSource.Open(recipe, model.Task, images, device, options.Logger, cancellationToken);
        using var sessions = new SubNetworkSessions(graphs, device);
        var evaluator = new Evaluator(model.Parts, sessions);
        return [.. names.Select(Evaluate)];

        EvaluationResult Evaluate(string name)
        {
            var batches = source.Batches.EvaluationBatches(Math.Min(recipe.Training.EvalBatchSize, images.Count), active.Size.Resolution, recipe.Augmentation.CropPct);
            return EvaluationResult.Of(name, active.Size.Resolution, evaluator.Run(active, model.Choices[name], batches, new EvaluationSettings(model.Stage, Soft: false), cancellationToken));
        }
    }
}
