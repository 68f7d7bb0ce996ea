namespace AutoProg.Graphs.Passes;

/// <summary>
/// Leaves out optional outputs that nothing reads: the statistics of a LayerNormalization and the indices of a MaxPool serve the gradient alone,
/// and without them ONNX Runtime has faster kernels and more fusions to choose from.
/// </summary>
internal static class UnusedOutputs
{
    /// <summary>The graph without them.</summary>
    public static Graph Remove(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var read = graph.Nodes.SelectMany(n => n.Inputs).Concat(graph.Outputs.Select(o => o.Value)).OfType<Value>().ToHashSet();
        var replacements = new Dictionary<Value, Value>();
        var nodes = new List<Node>();
        foreach (var original in graph.Nodes)
        {
            var node = original.Reading(replacements);
            if (node.Operator is "LayerNormalization" or "MaxPool" && original.Outputs.Count > 1 && !original.Outputs.Skip(1).Any(read.Contains))
            {
                node = node.WithFirstOutput();
            }

            nodes.Add(node);
            foreach (var (old, renewed) in original.Outputs.Zip(node.Outputs))
            {
                if (!ReferenceEquals(old, renewed))
                {
                    replacements.Add(old, renewed);
                }
            }
        }

        return Pass.Replace(graph, nodes, replacements);
    }
}
