using AutoProg.Graphs.Gradients;
using AutoProg.Graphs.Passes;

namespace AutoProg.Graphs.Artifacts;

/// <summary>A graph that returns the loss and the gradients of its learnable parameters, with the interface that a runtime binds to.</summary>
/// <param name="Graph">Forward and backward; parameters are inputs of the model file.</param>
/// <param name="Loss">Name of the scalar output that is differentiated.</param>
/// <param name="Gradients">Parameter name to output name, learnable parameters only, in the graph's parameter order.</param>
/// <param name="Statistics">Buffer name to output name: what the batch says about a running statistic.</param>
public sealed record TrainingGraph(Graph Graph, string Loss, IReadOnlyDictionary<string, string> Gradients, IReadOnlyDictionary<string, string> Statistics)
{
    /// <summary>Suffix of a gradient's output name.</summary>
    public const string GradientSuffix = "_grad";

    /// <summary>Suffix of a statistic's output name.</summary>
    public const string StatisticSuffix = "_batch";

    /// <summary>Differentiates a loss and closes the graph.</summary>
    /// <param name="builder">A forward graph with its loss.</param>
    /// <param name="loss">A scalar.</param>
    /// <param name="learnable">Which parameters get a gradient; what only the others need is not in the graph.</param>
    /// <param name="moreOutputs">Further results, e.g. the logits.</param>
    /// <exception cref="GraphException">See <see cref="Differentiator.AddGradients"/>.</exception>
    public static TrainingGraph Create(GraphBuilder builder, Value loss, Func<string, bool> learnable, params IReadOnlyCollection<GraphOutput> moreOutputs) =>
        Create(builder, loss, learnable, moreOutputs, new Dictionary<string, Value>(StringComparer.Ordinal));

    /// <summary>Differentiates a loss and closes a graph that normalises by the batch's own statistics.</summary>
    /// <param name="builder">A forward graph with its loss.</param>
    /// <param name="loss">A scalar.</param>
    /// <param name="learnable">Which parameters get a gradient; what only the others need is not in the graph.</param>
    /// <param name="moreOutputs">Further results, e.g. the logits.</param>
    /// <param name="statistics">Buffer name to what the batch says about it; returned in this order.</param>
    /// <exception cref="GraphException">See <see cref="Differentiator.AddGradients"/>.</exception>
    public static TrainingGraph Create(
        GraphBuilder builder, Value loss, Func<string, bool> learnable, IReadOnlyCollection<GraphOutput> moreOutputs, IReadOnlyDictionary<string, Value> statistics)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(loss);
        ArgumentNullException.ThrowIfNull(statistics);
        ArgumentNullException.ThrowIfNull(moreOutputs);
        var targets = builder.Parameters.Where(p => learnable(p.Name)).ToList();
        var gradients = Differentiator.AddGradients(builder, loss, targets);
        builder.Output("loss", loss);
        foreach (var (name, value) in moreOutputs)
        {
            builder.Output(name, value);
        }

        foreach (var target in targets)
        {
            builder.Output(target.Name + GradientSuffix, gradients[target]);
        }

        foreach (var (buffer, statistic) in statistics)
        {
            builder.Output(buffer + StatisticSuffix, statistic);
        }

        return new TrainingGraph(
            ConvFusion.Apply(Pass.Standard(BatchStatistics.Expand(builder.Build())), new RewriteLog()),
            "loss",
            targets.ToDictionary(t => t.Name, t => t.Name + GradientSuffix, StringComparer.Ordinal),
            statistics.Keys.ToDictionary(name => name, name => name + StatisticSuffix, StringComparer.Ordinal));
    }

    /// <summary>The model file, and a manifest that describes it.</summary>
    /// <param name="name">E.g. <c>deit_small-r224-l12-b8</c>.</param>
    public (byte[] Model, GraphManifest Manifest) Write(string name)
    {
        var model = OnnxWriter.Write(Graph, name);
        return (model, GraphManifest.Of(Graph, name, model) with { Loss = Loss, Gradients = Gradients, Statistics = Statistics });
    }
}
