namespace AutoProg.Graphs.Import;

/// <summary>Reductions: their axes are an input since opset 18 (ReduceSum: 13), before an attribute.</summary>
internal static class CanonicalReductions
{
    public static IReadOnlyDictionary<string, CanonicalRule> Rules { get; } = new Dictionary<string, CanonicalRule>(StringComparer.Ordinal)
    {
        ["ReduceSum"] = Reduce,
        ["ReduceMean"] = Reduce,
        ["ReduceMax"] = Reduce,
        ["ReduceMin"] = Reduce,
        ["ReduceProd"] = Reduce,
        ["ReduceSumSquare"] = Reduce,
        ["ReduceL2"] = Reduce,
        ["ReduceLogSumExp"] = Reduce,
        ["ReduceL1"] = static (b, n) => [Reduced(b, "ReduceSum", b.Abs(n.Input(0)), n)],
        ["ReduceLogSum"] = static (b, n) => [b.Log(Reduced(b, "ReduceSum", n.Input(0), n))],
        ["LpNormalization"] = LpNormalization,
        ["TopK"] = TopK,
    };

    private static Value[] Reduce(GraphBuilder b, ForeignNode n) => [Reduced(b, n.Operator, n.Input(0), n)];

    private static Value Reduced(GraphBuilder b, string op, Value x, ForeignNode n)
    {
        var axes = n.Ints(1, "axes") ?? [];
        if (axes.Length > 0 || !n.Attributes.Flag("noop_with_empty_axes"))
        {
            return b.Add(op, [x, b.Longs(axes)], new Attributes { { "keepdims", n.Attributes.Flag("keepdims", true) } })[0];
        }

        return n.Operator is "ReduceSum" or "ReduceMean" or "ReduceMax" or "ReduceMin" or "ReduceProd"
            ? x
            : throw new GraphException("reducing no axis (noop_with_empty_axes) is not supported for this operator.");
    }

    /// <summary>x over its norm along an axis; 0 where all of it is 0.</summary>
    private static Value[] LpNormalization(GraphBuilder b, ForeignNode n)
    {
        var x = n.Input(0);
        long[] axes = [n.Attributes.Int("axis", -1)];
        var norm = n.Attributes.Int("p", 2) switch
        {
            1 => b.ReduceSum(b.Abs(x), axes, keepDims: true),
            2 => b.ReduceL2(x, axes, keepDims: true),
            var p => throw new GraphException($"p is {p}; 1 and 2 are known."),
        };
        return [b.Div(x, b.Where(b.Equal(norm, b.ScalarLike(x, 0)), b.ScalarLike(x, 1), norm))];
    }

    /// <summary>Both outputs, whatever the file reads: the gradient needs the places.</summary>
    private static Value[] TopK(GraphBuilder b, ForeignNode n)
    {
        var count = n.RequiredInts(1) is [var k] ? k : throw new GraphException("K must be one number.");
        var (values, indices) = b.TopK(n.Input(0), count, (int)n.Attributes.Int("axis", -1), n.Attributes.Flag("largest", true));
        return [values, indices];
    }
}
