using AutoProg.Graphs.Gradients.PerSample;
using AutoProg.Graphs.Passes;

namespace AutoProg.Graphs.Artifacts;

/// <summary>
/// A graph that returns for each learnable parameter the Gram matrix [B, B] of its per-sample gradients: its share of the neural tangent kernel (eq. 13).
/// </summary>
/// <param name="Graph">Forward and backward; parameters that some result depends on are inputs of the model file.</param>
/// <param name="Grams">Parameter name to output name, in the graph's parameter order.</param>
internal sealed record TangentKernelGraph(Graph Graph, IReadOnlyDictionary<string, string> Grams)
{
    /// <summary>What the outputs' names begin with; the parameter's name follows.</summary>
    public const string GramPrefix = "gram.";

    /// <summary>Adds the Gram matrices and closes the graph.</summary>
    /// <param name="builder">A forward graph.</param>
    /// <param name="output">[B, ...]: its elements are summed for each sample.</param>
    /// <param name="learnable">Which parameters get a Gram matrix; what only the others need is not in the graph.</param>
    /// <exception cref="GraphException">No parameter is learnable, or see <see cref="PerSampleGradients.AddGrams"/>.</exception>
    public static TangentKernelGraph Create(GraphBuilder builder, Value output, Func<string, bool> learnable)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(output);
        var targets = builder.Parameters.Where(p => learnable(p.Name)).ToList();
        if (targets.Count == 0)
        {
            throw new GraphException($"None of the {builder.Parameters.Count} parameters is learnable, so there is no tangent kernel; choose one at least.");
        }

        var grams = PerSampleGradients.AddGrams(builder, output, targets);
        foreach (var target in targets)
        {
            builder.Output(GramPrefix + target.Name, grams[target]);
        }

        var graph = Pass.Standard(builder.Build());
        // The last bias, for one, moves the output and no gradient.
        var read = graph.Nodes.SelectMany(n => n.Inputs).Concat(graph.Outputs.Select(o => o.Value)).ToHashSet();
        return new TangentKernelGraph(
            graph with { Parameters = [.. graph.Parameters.Where(read.Contains)] },
            targets.ToDictionary(t => t.Name, t => GramPrefix + t.Name, StringComparer.Ordinal));
    }

    /// <summary>The model file, and a manifest that describes it.</summary>
    /// <param name="name">E.g. <c>dit_micro-r32-b16-ntk</c>.</param>
    public (byte[] Model, GraphManifest Manifest) Write(string name)
    {
        var model = OnnxWriter.Write(Graph, name);
        return (model, GraphManifest.Of(Graph, name, model));
    }
}
