namespace AutoProg.Graphs.Passes;

/// <summary>Rewrites of finished graphs that keep the results.</summary>
public static class Pass
{
    /// <summary>
    /// The passes every graph goes through before it is written. First what nothing needs goes (<see cref="DeadCode"/>, <see cref="UnusedOutputs"/>: the gradient rules
    /// build more than is asked for), so that it does not keep shared values alive. Then, until nothing changes: constants are computed
    /// (<see cref="ConstantFolding"/>), which shows <see cref="Simplify"/> where it can multiply by one or broadcast a number; what has become equal is
    /// merged (<see cref="CommonSubexpressions"/>), which may leave a value with a single reader. Last, <see cref="FewerAxes"/>.
    /// </summary>
    public static Graph Standard(Graph graph) => Standard(graph, new RewriteLog());

    /// <summary>The passes every graph goes through before it is written.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="log">Is told which rules fired, and where a check said no.</param>
    public static Graph Standard(Graph graph, RewriteLog log)
    {
        ArgumentNullException.ThrowIfNull(log);
        graph = CommonSubexpressions.Merge(UnusedOutputs.Remove(DeadCode.Remove(graph)));
        int before;
        do
        {
            before = log.Fired.Values.Sum();
            graph = CommonSubexpressions.Merge(Simplify.Apply(ConstantFolding.Apply(graph, log), log));
        }
        while (log.Fired.Values.Sum() != before);
        return FewerAxes.Apply(graph, log);
    }

    /// <summary>The graph with values replaced: every reader of a key reads its replacement instead.</summary>
    internal static Graph Replace(Graph graph, IReadOnlyList<Node> nodes, IReadOnlyDictionary<Value, Value> replacements) =>
        graph with
        {
            Nodes = nodes,
            Outputs = [.. graph.Outputs.Select(o => o with { Value = replacements.GetValueOrDefault(o.Value, o.Value) })],
        };
}
