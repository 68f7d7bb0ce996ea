using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Training;

/// <summary>A graph that a run may need.</summary>
/// <param name="Network">Resolution and depth.</param>
/// <param name="Batch">Images per run.</param>
/// <param name="Purpose"><c>train</c>, <c>train-dp</c> (with stochastic depth) or <c>eval</c>.</param>
/// <param name="File">Name of the model file in the folder of graphs.</param>
/// <param name="Bytes">Size of the file; null if it is not there, or is not what was built.</param>
public sealed record PreparedGraph(SubNetwork Network, int Batch, string Purpose, string File, long? Bytes);

/// <summary>Builds the graphs of every sub-network that a recipe's policy may use ahead of the run; needs <c>runtime.graphs_dir</c>.</summary>
public static class GraphPreparation
{
    /// <summary>Builds what is missing.</summary>
    /// <exception cref="RecipeException">The recipe names no folder for graphs.</exception>
    public static IReadOnlyList<PreparedGraph> Build(Recipe recipe, ILogger? logger = null, IProgress<PreparedGraph>? progress = null, CancellationToken cancellationToken = default) => throw new NotSupportedException("Not there yet.");

    /// <summary>Tells what is there and what is missing.</summary>
    /// <exception cref="RecipeException">The recipe names no folder for graphs.</exception>
    public static IReadOnlyList<PreparedGraph> List(Recipe recipe, CancellationToken cancellationToken = default) => throw new NotSupportedException("Not there yet.");
}
