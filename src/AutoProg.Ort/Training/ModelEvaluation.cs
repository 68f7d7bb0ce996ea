using AutoProg.Ort.Data;
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
    public static IReadOnlyList<EvaluationResult> Run(TrainedModel model, EvaluationOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException("Not there yet.");
}
