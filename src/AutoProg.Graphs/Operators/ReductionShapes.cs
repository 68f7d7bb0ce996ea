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
    };

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
