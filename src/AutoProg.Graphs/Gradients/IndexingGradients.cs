namespace AutoProg.Graphs.Gradients;

/// <summary>Operators that read or write at places given by indices: the adjoint of reading is adding, the adjoint of writing is reading.</summary>
internal static class IndexingGradients
{
    public static IReadOnlyDictionary<string, GradientRule> Rules { get; } = new Dictionary<string, GradientRule>(StringComparer.Ordinal)
    {
        ["Gather"] = Gather,
        ["GatherElements"] = static (b, n, dy) =>
            [b.ScatterElements(b.Full(dy[0], n.Input(0).Shape, 0), n.Input(1), dy[0], (int)n.Attributes.Int("axis", 0), "add"), null],
        ["GatherND"] = static (b, n, dy) => [b.ScatterND(b.Full(dy[0], n.Input(0).Shape, 0), n.Input(1), dy[0], "add"), null],
        ["TopK"] = TopK,
        ["ScatterElements"] = ScatterElements,
        ["ScatterND"] = ScatterND,
    };

    /// <summary>What was overwritten has no influence; what was added to keeps its own. Indices that repeat are undefined in ONNX unless they add.</summary>
    private static Value?[] ScatterElements(GraphBuilder b, Node n, OutputGradients dy)
    {
        var axis = (int)n.Attributes.Int("axis", 0);
        var updates = n.Input(2);
        var data = Adds(n) ? dy[0] : b.ScatterElements(dy[0], n.Input(1), b.Full(updates, updates.Shape, 0), axis);
        return [data, null, b.GatherElements(dy[0], n.Input(1), axis)];
    }

    private static Value?[] ScatterND(GraphBuilder b, Node n, OutputGradients dy)
    {
        var updates = n.Input(2);
        var data = Adds(n) ? dy[0] : b.ScatterND(dy[0], n.Input(1), b.Full(updates, updates.Shape, 0));
        return [data, null, b.GatherND(dy[0], n.Input(1))];
    }

    private static Value?[] TopK(GraphBuilder b, Node n, OutputGradients dy) => n.Outputs.Count == 2
        ? [b.ScatterElements(b.Full(dy[0], n.Input(0).Shape, 0), n.Outputs[1], dy[0], (int)n.Attributes.Int("axis", -1)), null]
        : throw new GraphException($"{n}: the gradient of TopK needs its second output (Indices).");

    private static bool Adds(Node n) => n.Attributes.Text("reduction", "none") switch
    {
        "none" => false,
        "add" => true,
        var other => throw new GraphException($"{n}: the gradient of {n.Operator} is known for reduction 'none' and 'add', not for '{other}'."),
    };

    /// <summary>Rows that were read are added up where they came from.</summary>
    private static Value?[] Gather(GraphBuilder b, Node n, OutputGradients dy)
    {
        var (data, indices) = (n.Input(0), n.Input(1));
        var axis = data.Shape.Axis(n.Attributes.Int("axis", 0));
        var count = indices.Shape.ElementCount;
        var (outer, inner) = (Shape.Of([.. data.Shape.Take(axis)]).ElementCount, Shape.Of([.. data.Shape.Skip(axis + 1)]).ElementCount);
        var size = data.Shape[axis];

        var rows = b.Reshape(b.Transpose(b.Reshape(dy[0], [outer, count, inner]), 1, 0, 2), [count, outer * inner]);
        var places = b.Reshape(NonNegative(b, indices, size), [count, 1]);
        var sums = b.ScatterND(b.Full(dy[0], [size, outer * inner], 0), places, rows, "add");
        return [b.Reshape(b.Transpose(b.Reshape(sums, [size, outer, inner]), 1, 0, 2), data.Shape), null];
    }

    /// <summary>Indices with those that count from the back made to count from the front, as int64.</summary>
    internal static Value NonNegative(GraphBuilder b, Value indices, long size)
    {
        if (indices.Constant is { } constant)
        {
            return b.Constant(Tensor.FromLongs(indices.Shape, [.. constant.Longs().Select(i => i < 0 ? i + size : i)]));
        }

        var wide = indices.Type == ElementType.Int64 ? indices : b.Cast(indices, ElementType.Int64);
        return b.Where(b.Less(wide, b.Constant(Tensor.FromLongs(Shape.Scalar, [0]))), b.Add(wide, b.Constant(Tensor.FromLongs(Shape.Scalar, [size]))), wide);
    }
}
