namespace AutoProg.Graphs.Passes;

/// <summary>Removes nodes that no output needs.</summary>
public static class DeadCode
{
    /// <summary>The graph without them. Inputs and parameters stay, whether they are read or not: they are the graph's interface.</summary>
    public static Graph Remove(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var needed = graph.Outputs.Select(o => o.Value).ToHashSet();
        var alive = new List<Node>();
        foreach (var node in graph.Nodes.Reverse())
        {
            if (node.Outputs.Any(needed.Contains))
            {
                alive.Add(node);
                needed.UnionWith(node.Inputs.OfType<Value>());
            }
        }

        alive.Reverse();
        return graph with { Nodes = alive };
    }
}
