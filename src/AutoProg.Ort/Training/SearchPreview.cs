using AutoProg.Ort.Data;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;

namespace AutoProg.Ort.Training;

/// <summary>What AutoProg-Zero would decide next, without training: for a recipe in its first stage, for a run in the stage after its newest checkpoint's.</summary>
public static class SearchPreview
{
    /// <summary>Measures the proxies of the candidates and lets them vote.</summary>
    /// <param name="path">A recipe, or the folder of a run.</param>
    /// <param name="options">How it is embedded; no folder is written but that of what a recipe needs trained first.</param>
    /// <param name="overrides">Settings that take precedence.</param>
    /// <param name="cancellationToken">Looked at between passes.</param>
    /// <exception cref="ArgumentException">The run is in its last stage, where there is nothing to decide.</exception>
    /// <exception cref="RecipeException">The recipe does not make a run.</exception>
    /// <exception cref="DataException">The images cannot be used.</exception>
    /// <exception cref="Files.FileFormatException">The checkpoints are damaged.</exception>
    public static SearchDecision Run(string path, TrainerOptions? options = null, IReadOnlyList<RecipeOverride>? overrides = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new TrainerOptions();
        using var folder = Directory.Exists(path) ? RunDirectory.Open(path) : null;
        var read = folder?.ReadRecipe(overrides) ?? RecipeReader.Read(path, overrides);
        var recipe = Prerequisites.Meet(read with { Growth = read.Growth with { Policy = GrowthPolicyKind.AutoprogZero } }, options, cancellationToken);
        var checkpoint = folder?.Checkpoints(recipe.Checkpoints.Keep, options.Logger).OpenLatest();
        var state = checkpoint?.ReadState<TrainingState>() ?? new TrainingState();
        var (train, _) = ImageDatasets.Open(recipe.Data, recipe.Seed, cancellationToken);
        using var recorder = new RunRecorder(recipe, folder: null, options, state);
        using var parts = RunComponents.Create(recipe, train.ClassNames.Count, state, options);
        if (checkpoint is not null)
        {
            CheckpointFiles.Load(parts, checkpoint);
        }

        // A search that was interrupted has nothing to do with this one.
        (state.Search, state.Decisions) = (null, []);
        using var source = OpenSource.Open(recipe, parts.Task, train, parts.Device, options.Logger, cancellationToken);
        var transitions = new StageTransitions(recipe, parts, recorder, source.Batches, options.Logger);
        var plan = transitions.Schedule.Stages.FirstOrDefault(plan => plan.Stage > state.Stage && plan.ZeroShot)
            ?? throw new ArgumentException($"{path}: there is nothing left to decide; the last of its {transitions.Schedule.Stages.Count} stages trains the complete model.", nameof(path));
        return transitions.Preview(plan, cancellationToken);
    }
}
