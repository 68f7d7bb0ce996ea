namespace AutoProg.Graphs.Passes;

/// <summary>Rewrites of finished graphs that keep the results.</summary>
public static class Pass
{
    /// <summary>The passes every graph goes through before it is written, in order.</summary>
    public static Graph Standard(Graph graph) => DeadCode.Remove(CommonSubexpressions.Merge(DeadCode.Remove(graph)));

    /// <summary>The graph with values replaced: every reader of a key reads its replacement instead.</summary>
    internal static Graph Replace(Graph graph, IReadOnlyList<Node> nodes, IReadOnlyDictionary<Value, Value> replacements) =>
        graph with
        {
            Nodes = nodes,
            Outputs = [.. graph.Outputs.Select(o => o with { Value = replacements.GetValueOrDefault(o.Value, o.Value) })],
        };
}
