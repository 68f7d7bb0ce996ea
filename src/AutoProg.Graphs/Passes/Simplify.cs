namespace AutoProg.Graphs.Passes;

/// <summary>
/// Removes work that has no effect, and merges what can be one operator. The families, in the order in which they are tried:
/// <see cref="IdentityRules"/>, <see cref="LayoutRules"/>, <see cref="BroadcastRules"/>, <see cref="ScalingRules"/>.
/// Results stay equal up to rounding (only the scaling rules round differently).
/// </summary>
public static class Simplify
{
    private static readonly RewriteRule[] Rules = [.. IdentityRules.All, .. LayoutRules.All, .. BroadcastRules.All, .. ScalingRules.All];

    /// <summary>The graph after all rules have fired wherever they can.</summary>
    public static Graph Apply(Graph graph) => Apply(graph, new RewriteLog());

    /// <summary>The graph after all rules have fired wherever they can.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="log">Is told which rules fired, and where a check said no.</param>
    public static Graph Apply(Graph graph, RewriteLog log)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(log);
        return Rewriting.Exhaust(graph, Rules, log);
    }
}
