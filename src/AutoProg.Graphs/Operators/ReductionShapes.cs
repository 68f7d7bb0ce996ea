namespace AutoProg.Graphs.Operators;

internal static class ReductionShapes
{
    public static IReadOnlyDictionary<string, ShapeRule> Rules { get; } = new Dictionary<string, ShapeRule>(StringComparer.Ordinal)
    {
        ["ReduceSum"] = Reduce,
        ["ReduceMean"] = Reduce,
        ["ReduceMax"] = Reduce,
        ["ReduceMin"] = Reduce,
        ["ReduceSumSquare"] = Reduce,
        ["ReduceProd"] = Reduce,
        ["ReduceL2"] = Reduce,
        ["ReduceLogSumExp"] = Reduce,
        ["ArgMax"] = Place,
        ["ArgMin"] = Place,
        ["TopK"] = TopK,
        ["CumSum"] = CumSum,
    };

    /// <summary>The axis of a CumSum.</summary>
    public static int SummedAxis(Node node) => node.ConstantInts(1) is [var axis]
        ? node.Input(0).Shape.Axis(axis)
        : throw new GraphException("the axis must be one number.");

    /// <summary>The reduced axes of a node, non-negative and ascending (input 1; left out means all, unless <c>noop_with_empty_axes</c>).</summary>
    public static int[] Axes(Node node)
    {
        var shape = node.Input(0).Shape;
        if (node.ConstantInts(1) is { Length: > 0 } axes)
        {
            return [.. axes.Select(shape.Axis).Distinct().Order()];
        }

        return node.Attributes.Flag("noop_with_empty_axes") ? [] : [.. Enumerable.Range(0, shape.Rank)];
    }

    private static OutputType[] Place(Node node, int outputs)
    {
        var shape = node.Input(0).Shape;
        var axis = shape.Axis(node.Attributes.Int("axis", 0));
        return [new(ElementType.Int64, node.Attributes.Flag("keepdims", true) ? shape.With(axis, 1) : Shape.Of([.. shape.Where((_, i) => i != axis)]))];
    }

    private static OutputType[] CumSum(Node node, int outputs)
    {
        _ = SummedAxis(node); // throws if it is outside
        return [new(node.Input(0).Type, node.Input(0).Shape)];
    }

    private static OutputType[] TopK(Node node, int outputs)
    {
        var input = node.Input(0);
        var axis = input.Shape.Axis(node.Attributes.Int("axis", -1));
        var k = node.ConstantInts(1) is [var count] && count >= 0 && count <= input.Shape[axis]
            ? count
            : throw new GraphException($"K must be one number from 0 to {input.Shape[axis]}.");
        OutputType[] all = [new(input.Type, input.Shape.With(axis, k)), new(ElementType.Int64, input.Shape.With(axis, k))];
        return all[..outputs];
    }

    private static OutputType[] Reduce(Node node, int outputs)
    {
        var input = node.Input(0);
        var axes = Axes(node).ToHashSet();
        var keep = node.Attributes.Flag("keepdims", true);
        return
        [
            new(input.Type, Shape.Of([.. input.Shape.Select((dim, i) => (dim, i)).Where(d => keep || !axes.Contains(d.i)).Select(d => axes.Contains(d.i) ? 1 : d.dim)])),
        ];
    }
}
