using AutoProg.Models;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Training;

/// <summary>A model with all its weights, read back from where training or export has left it, to be evaluated or exported. Trains nothing.</summary>
public sealed class TrainedModel : IDisposable
{
    private TrainedModel() => throw new NotSupportedException("Not there yet.");

    /// <summary>The recipe that the model was trained with.</summary>
    public Recipe Recipe => throw new NotSupportedException("Not there yet.");

    /// <summary>The complete architecture.</summary>
    public IElasticModel Model => throw new NotSupportedException("Not there yet.");

    /// <summary>The network that was trained, smaller than the complete one if training has not come to its end.</summary>
    public SubNetwork Network => throw new NotSupportedException("Not there yet.");

    /// <summary>Weights to choose from: <c>online</c>, and <c>ema-0.998</c> for each momentum network.</summary>
    public IReadOnlyList<string> WeightsNames => throw new NotSupportedException("Not there yet.");

    /// <summary>Those that the last evaluation of the run found best; the first where there was none.</summary>
    public string BestWeights => throw new NotSupportedException("Not there yet.");

    /// <summary>Opens a run's folder (its newest intact checkpoint), a checkpoint's folder, or a safetensors file.</summary>
    /// <param name="path">One of the three.</param>
    /// <param name="recipeFile">The recipe of a safetensors file, or of a checkpoint that lies outside of its run; null where the run's folder has it.</param>
    /// <param name="overrides">Settings that take precedence over the recipe: device, threads, data folder.</param>
    /// <param name="logger">Hears of damaged checkpoints.</param>
    public static TrainedModel Open(string path, string? recipeFile = null, IReadOnlyList<RecipeOverride>? overrides = null, ILogger? logger = null) => throw new NotSupportedException("Not there yet.");

    /// <inheritdoc />
    public void Dispose() => throw new NotSupportedException("Not there yet.");
}
