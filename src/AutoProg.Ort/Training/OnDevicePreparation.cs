using AutoProg.Ort.Data;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.OnDevice;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Training;

/// <summary>A folder of on-device training.</summary>
/// <param name="Network">Resolution, depth and unfreeze level.</param>
/// <param name="Batch">Images per run.</param>
/// <param name="Folder">Where its four files lie.</param>
/// <param name="Learnable">Parameters that learn.</param>
/// <param name="Bytes">Size of the files.</param>
public sealed record PreparedArtifacts(SubNetwork Network, int Batch, string Folder, int Learnable, long Bytes);

/// <summary>Builds the artifacts of on-device training for every sub-network and frozen configuration that a recipe's policy may use; needs <c>runtime.graphs_dir</c>.</summary>
public static class OnDevicePreparation
{
    /// <summary>Folder of all artifacts inside the folder of graphs.</summary>
    public const string FolderName = "ort-training";

    /// <summary>Builds all of them, with the weights that a run of the recipe begins with: drawn by its seed, or from its initial checkpoint.</summary>
    /// <param name="recipe">Names the folder, the model and what may be used of it.</param>
    /// <param name="logger">Hears what the format cannot say.</param>
    /// <param name="progress">Receives every folder as soon as it is there.</param>
    /// <param name="cancellationToken">Stops between sub-networks.</param>
    /// <exception cref="RecipeException">The recipe names no folder for graphs, makes no run, or has an optimizer that on-device training lacks.</exception>
    /// <exception cref="DataException">The images, which tell the number of classes, cannot be used.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static IReadOnlyList<PreparedArtifacts> Build(
        Recipe recipe, ILogger? logger = null, IProgress<PreparedArtifacts>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        var log = logger ?? NullLogger.Instance;
        var root = Path.Combine(GraphPreparation.FolderOf(recipe), FolderName);
        var (train, _) = ImageDatasets.Open(recipe.Data, recipe.Seed, cancellationToken);
        var task = LearningTasks.Of(recipe, train.ClassNames.Count);
        using var arena = new ParameterArena(task.Model.Parameters, ArenaOptions.WeightsOnly);
        InitialWeights.Fill(arena, recipe, log);

        var prepared = new List<PreparedArtifacts>();
        var isTold = false;
        foreach (var network in GraphNeeds.Networks(recipe, task))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var artifacts = Build(recipe, new SubNetworkGraphs(task), network);
            if (artifacts.Remark is { } remark && !isTold)
            {
                log.ExportRemarked($"{remark}.");
                isTold = true;
            }

            var folder = Path.Combine(root, artifacts.Name);
            artifacts.Write(folder, artifacts.Checkpoint(name => OnDeviceExport.Weights(arena, ArenaBuffer.Weights, name), []));
            prepared.Add(new PreparedArtifacts(
                network, artifacts.Batch, folder, artifacts.Learnable.Count, TrainingArtifacts.Files.Sum(file => new FileInfo(Path.Combine(folder, file)).Length)));
            progress?.Report(prepared[^1]);
        }

        return prepared;
    }

    /// <summary>Builds those of a sub-network as the recipe trains it.</summary>
    /// <exception cref="RecipeException">On-device training lacks the optimizer.</exception>
    internal static TrainingArtifacts Build(Recipe recipe, SubNetworkGraphs graphs, SubNetwork network)
    {
        try
        {
            return TrainingArtifacts.Build(graphs, network, recipe.Training.BatchSize, UpdateRule.Of(recipe.Optimizer), recipe.Training.ClipGrad);
        }
        catch (ArgumentException error)
        {
            throw recipe.Refuse("optimizer", null, error.Message.Replace($" (Parameter '{error.ParamName}')", ""));
        }
    }
}
