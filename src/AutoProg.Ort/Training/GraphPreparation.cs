using AutoProg.Ort.Data;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Training;

/// <summary>A graph that a run may need.</summary>
/// <param name="Network">Resolution, depth and unfreeze level.</param>
/// <param name="Batch">Images per run.</param>
/// <param name="Purpose"><c>train</c>, <c>train-dp</c> (with stochastic depth) or <c>eval</c>.</param>
/// <param name="File">Name of the model file in the folder of graphs.</param>
/// <param name="Bytes">Size of the file; null if it is not there, or is not what was built.</param>
public sealed record PreparedGraph(SubNetwork Network, int Batch, string Purpose, string File, long? Bytes);

/// <summary>Builds the graphs of every sub-network that a recipe's policy may use ahead of the run; needs <c>runtime.graphs_dir</c>.</summary>
public static class GraphPreparation
{
    /// <summary>Builds what is missing.</summary>
    /// <param name="recipe">Names the folder, the model and what may be used of it.</param>
    /// <param name="logger">Hears of damaged files.</param>
    /// <param name="progress">Receives every graph as soon as it is there.</param>
    /// <param name="cancellationToken">Stops between graphs.</param>
    /// <exception cref="RecipeException">The recipe names no folder for graphs, or makes no run.</exception>
    /// <exception cref="DataException">The images, whose number sets the batches of evaluation, cannot be used.</exception>
    public static IReadOnlyList<PreparedGraph> Build(
        Recipe recipe, ILogger? logger = null, IProgress<PreparedGraph>? progress = null, CancellationToken cancellationToken = default) =>
        Visit(recipe, logger ?? NullLogger.Instance, build: true, progress, cancellationToken);

    /// <summary>Tells what is there and what is missing.</summary>
    /// <param name="recipe">Names the folder, the model and what may be used of it.</param>
    /// <param name="cancellationToken">Stops between graphs.</param>
    /// <exception cref="RecipeException">The recipe names no folder for graphs, or makes no run.</exception>
    /// <exception cref="DataException">The images, whose number sets the batches of evaluation, cannot be used.</exception>
    public static IReadOnlyList<PreparedGraph> List(Recipe recipe, CancellationToken cancellationToken = default) =>
        Visit(recipe, NullLogger.Instance, build: false, progress: null, cancellationToken);

    /// <summary>Where a recipe keeps its graphs.</summary>
    /// <exception cref="RecipeException">It does not say.</exception>
    internal static string FolderOf(Recipe recipe) =>
        recipe.Runtime.GraphsDir ?? throw recipe.Refuse("runtime.graphs_dir", null, "expected the folder to keep graphs in, e.g. --set runtime.graphs_dir=graphs/artifacts");

    private static List<PreparedGraph> Visit(Recipe recipe, ILogger log, bool build, IProgress<PreparedGraph>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        var store = new GraphStore(FolderOf(recipe), log);
        var (train, val) = ImageDatasets.Open(recipe.Data, recipe.Seed, cancellationToken);
        var task = LearningTasks.Of(recipe, train.ClassNames.Count);
        var prepared = new List<PreparedGraph>();
        foreach (var need in GraphNeeds.Of(recipe, task, train.Count, val.Count))
        {
            cancellationToken.ThrowIfCancellationRequested();

            // A fresh object per graph: hundreds of them need not stay in memory.
            var graphs = new SubNetworkGraphs(task, store);
            var name = graphs.StoredName(need.Network, need.Batch, need.Purpose);
            var bytes = build ? graphs.Get(need.Network, need.Batch, need.Purpose).Model.LongLength : store.TryLoad(name)?.Model.LongLength;
            var graph = new PreparedGraph(need.Network, need.Batch, SubNetworkGraphs.NameOf(need.Purpose), Path.GetFileName(store.ModelFile(name)), bytes);
            prepared.Add(graph);
            progress?.Report(graph);
        }

        return prepared;
    }
}
