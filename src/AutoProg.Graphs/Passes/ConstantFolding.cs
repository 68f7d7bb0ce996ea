namespace AutoProg.Graphs.Passes;

/// <summary>f(constants) = constant: computes once, on the host, what does not depend on inputs or parameters.</summary>
public static class ConstantFolding
{
    /// <summary>Elements of the largest result that is computed by default; larger ones would cost more in the file and in memory than at run time.</summary>
    public const long DefaultMaxElements = 4096;

    /// <summary>The graph with constant expressions computed.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="maxElements">Elements of the largest result that is computed, 0 or more. Results no larger than their operands are always computed.</param>
    public static Graph Apply(Graph graph, long maxElements = DefaultMaxElements) => Apply(graph, new RewriteLog(), maxElements);

    /// <summary>The graph with constant expressions computed.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="log">Is told how many nodes were computed, and where a check said no.</param>
    /// <param name="maxElements">Elements of the largest result that is computed, 0 or more. Results no larger than their operands are always computed.</param>
    public static Graph Apply(Graph graph, RewriteLog log, long maxElements = DefaultMaxElements)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(log);
        ArgumentOutOfRangeException.ThrowIfNegative(maxElements);
        return Rewriting.Exhaust(graph, [new RewriteRule("f(constants) = constant", (n, g) => Fold(n, g, maxElements))], log);
    }

    private static Value? Fold(Node n, Rewriting graph, long maxElements)
    {
        if (n.Inputs.Count == 0 || n.Inputs.Any(i => i is not null && i.Constant is null))
        {
            return null;
        }

        var size = n.Output.Shape.ElementCount;
        if (size > maxElements && size > n.Inputs.Max(i => i?.Shape.ElementCount ?? 0))
        {
            return graph.No(n, $"the result has {size} elements, at most {maxElements} are computed.");
        }

        return HostKernels.Compute(n) is { } result ? graph.Constant(result) : graph.No(n, $"{n.Operator} of {n.Output.Type} is not computed on the host.");
    }
}
