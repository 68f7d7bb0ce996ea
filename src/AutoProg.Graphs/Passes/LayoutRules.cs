using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Passes;

/// <summary>Movements of elements that cancel or merge.</summary>
internal static class LayoutRules
{
    public static IReadOnlyList<RewriteRule> Reshapes { get; } =
    [
        new("Reshape(x) = x for the shape it has", static (n, _) => IsReshape(n) && n.Input(0).Shape.Equals(n.Output.Shape) ? n.Input(0) : null),
        new("Reshape(Reshape(x)) = Reshape(x)", static (n, g) => IsReshape(n) && n.Input(0).Producer is { } inner && IsReshape(inner) ? g.Reshape(n, inner.Input(0), n.Output.Shape) : null),
    ];

    public static IReadOnlyList<RewriteRule> All { get; } =
    [
        .. Reshapes,
        new("Transpose(x) = Reshape(x) where only axes of size 1 move", static (n, g) => n.Operator == "Transpose" && MovesNothing(n) ? g.Reshape(n, n.Input(0), n.Output.Shape) : null),
        new("Transpose(Transpose(x)) = Transpose(x)", Composition),
        new("Transpose(Reshape(Transpose(x))) = Transpose(Reshape(x)) where merged axes stay together", MergedAxes),
        new("Transpose(Reshape(Transpose(x))) = Transpose(Reshape(x)) where axes are split", SplitAxes),
        new("Slice(x) = x where it takes everything", static (n, _) => n.Operator == "Slice" && n.Output.Shape.Equals(n.Input(0).Shape) && SliceRange.All(n).All(r => r.Step == 1) ? n.Input(0) : null),
        new("Pad(x) = x where nothing is added", static (n, _) => n.Operator == "Pad" && n.ConstantInts(1)!.All(p => p == 0) ? n.Input(0) : null),
        new("Concat(x) = x", static (n, _) => n.Operator == "Concat" && n.Inputs.Count == 1 ? n.Input(0) : null),
    ];

    /// <summary>With static shapes these three are the same operator.</summary>
    private static bool IsReshape(Node n) => n.Operator is "Reshape" or "Squeeze" or "Unsqueeze";

    private static bool MovesNothing(Node n)
    {
        var moving = LayoutShapes.Permutation(n).Where(axis => n.Input(0).Shape[(int)axis] != 1);
        return moving.SequenceEqual(moving.Order());
    }

    private static Value? Composition(Node n, Rewriting graph)
    {
        if (n.Operator != "Transpose" || n.Input(0).Producer is not { Operator: "Transpose" } inner)
        {
            return null;
        }

        var first = LayoutShapes.Permutation(inner);
        return graph.Add("Transpose", n, [inner.Input(0)], new Attributes { { "perm", [.. LayoutShapes.Permutation(n).Select(axis => first[axis])] } });
    }

    /// <summary>
    /// E.g. [N, H, W, M] -> [N, M, H, W] -> [N, M, H W] becomes [N, H, W, M] -> [N, H W, M] -> [N, M, H W]: the transposition, now of fewer axes,
    /// comes last, where it meets the one that the pattern begins with and may cancel it.
    /// </summary>
    private static Value? MergedAxes(Node n, Rewriting graph)
    {
        if (Between(n) is not var (reshape, inner))
        {
            return null;
        }

        if (Groups(reshape.Input(0).Shape, reshape.Output.Shape) is not { } groups)
        {
            return graph.No(n, $"the reshape from {reshape.Input(0).Shape} to {reshape.Output.Shape} does more than merge axes.");
        }

        var permutation = LayoutShapes.Permutation(inner);
        if (!groups.All(g => Enumerable.Range(1, g.Count - 1).All(i => permutation[g.First + i] == permutation[g.First] + i)))
        {
            return graph.No(n, "axes that are merged are not neighbours before the first transposition.");
        }

        // Merge first: the groups in the order in which they lie in x, then the permutation of groups.
        var order = Enumerable.Range(0, groups.Count).OrderBy(g => permutation[groups[g].First]).ToArray();
        var merged = graph.Reshape(reshape, inner.Input(0), Shape.Of([.. order.Select(g => reshape.Output.Shape[g])]));
        var outer = LayoutShapes.Permutation(n);
        var back = outer.Select(axis => (long)Array.IndexOf(order, (int)axis)).ToArray();
        return graph.Add("Transpose", n, [merged], new Attributes { { "perm", back } });
    }

    /// <summary>
    /// The same backwards: [N, P, M] -> [N, M, P] -> [N, M, H, W] -> [N, H, W, M] is a Reshape alone. Splitting an axis commutes with every transposition.
    /// </summary>
    private static Value? SplitAxes(Node n, Rewriting graph)
    {
        if (Between(n) is not var (reshape, inner))
        {
            return null;
        }

        if (Groups(reshape.Output.Shape, reshape.Input(0).Shape) is not { } groups)
        {
            return graph.No(n, $"the reshape from {reshape.Input(0).Shape} to {reshape.Output.Shape} does more than split axes.");
        }

        // Split first: the parts of each axis of x in place, in x's order of axes.
        var permutation = LayoutShapes.Permutation(inner);
        int[] order = [.. Enumerable.Range(0, groups.Count).OrderBy(g => permutation[g]).SelectMany(g => Enumerable.Range(groups[g].First, groups[g].Count))];
        var split = graph.Reshape(reshape, inner.Input(0), Shape.Of([.. order.Select(axis => reshape.Output.Shape[axis])]));
        long[] composed = [.. LayoutShapes.Permutation(n).Select(axis => (long)Array.IndexOf(order, (int)axis))];
        return graph.Add("Transpose", n, [split], new Attributes { { "perm", composed } });
    }

    /// <summary>The Reshape and the first Transpose of Transpose(Reshape(Transpose(x))), or null.</summary>
    private static (Node Reshape, Node Inner)? Between(Node n) =>
        n.Operator == "Transpose" && n.Input(0).Producer is { } reshape && IsReshape(reshape) && reshape.Input(0).Producer is { Operator: "Transpose" } inner
            ? (reshape, inner)
            : null;

    /// <summary>The axes of <paramref name="from"/> that each axis of <paramref name="to"/> is made of, or null if it is not made by merging neighbours.</summary>
    private static List<(int First, int Count)>? Groups(Shape from, Shape to)
    {
        var groups = new List<(int, int)>();
        var next = 0;
        foreach (var size in to)
        {
            var first = next;
            var product = 1L;
            while (next < from.Rank && (next == first || product * from[next] <= size))
            {
                product *= from[next++];
            }

            if (product != size || next == first)
            {
                return null;
            }

            groups.Add((first, next - first));
        }

        return next == from.Rank ? groups : null;
    }
}
