namespace AutoProg.Graphs.Passes;

/// <summary>f(weights) = weights: what depends on weights alone is computed when they are stored, not at every run. Weights that nothing reads are left out.</summary>
internal static class StoredWeights
{
    /// <summary>The graph with constants in the place of parameters, under the names of those that are read as they are.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="weights">Elements of every parameter by name.</param>
    public static Graph Fold(Graph graph, Func<string, Tensor> weights)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(weights);
        var read = graph.Nodes.SelectMany(static n => n.Inputs).Concat(graph.Outputs.Select(static o => o.Value)).OfType<Value>().ToHashSet();
        var replacements = graph.Parameters.Where(read.Contains).ToDictionary(static p => p, p => new Value(ValueKind.Constant, p.Name, p.Type, p.Shape, weights(p.Name)));
        var nodes = new List<Node>();
        foreach (var original in graph.Nodes)
        {
            var node = original.Reading(replacements);
            nodes.Add(node);
            foreach (var (old, renewed) in original.Outputs.Zip(node.Outputs).Where(static pair => !ReferenceEquals(pair.First, pair.Second)))
            {
                replacements.Add(old, renewed);
            }
        }

        return ConstantFolding.Apply(Pass.Replace(graph with { Parameters = [] }, nodes, replacements));
    }
}
