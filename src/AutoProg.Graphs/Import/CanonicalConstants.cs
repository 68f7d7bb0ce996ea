namespace AutoProg.Graphs.Import;

/// <summary>What is known while the graph is built, because shapes are static.</summary>
internal static class CanonicalConstants
{
    public static IReadOnlyDictionary<string, CanonicalRule> Rules { get; } = new Dictionary<string, CanonicalRule>(StringComparer.Ordinal)
    {
        ["Constant"] = static (b, n) => [b.Constant(Constant(n.Attributes))],
        ["ConstantOfShape"] = static (b, n) => [Filled(b, n.Attributes.Tensor("value") ?? Tensor.Scalar(ElementType.Float, 0), n.RequiredInts(0))],
        ["Shape"] = static (b, n) => [b.Longs(Dims(n))],
        ["Size"] = static (b, n) => [b.Constant(Tensor.FromLongs(Shape.Scalar, [n.Input(0).Shape.ElementCount]))],
        ["Range"] = static (b, n) => [b.Constant(Range(n))],
        ["NonZero"] = static (b, n) => [b.Constant(NonZero(n.KnownInput(0)))],
        ["EyeLike"] = EyeLike,
        ["OneHot"] = OneHot,
    };

    private static Tensor Constant(Attributes attributes) => attributes.ToList() switch
    {
        [{ Key: "value", Value: Tensor tensor }] => tensor,
        [{ Key: "value_float", Value: float number }] => Tensor.FromFloats(Shape.Scalar, [number]),
        [{ Key: "value_floats", Value: float[] numbers }] => Tensor.FromFloats([numbers.Length], numbers),
        [{ Key: "value_int", Value: long number }] => Tensor.FromLongs(Shape.Scalar, [number]),
        [{ Key: "value_ints", Value: long[] numbers }] => Tensor.FromLongs([numbers.Length], numbers),
        var others => throw new GraphException($"a constant is a tensor, a number or a list of numbers, not {string.Join(", ", others.Select(static a => UntrustedText.Shown(a.Key)))}."),
    };

    private static Value Filled(GraphBuilder b, Tensor value, long[] shape)
    {
        var scalar = b.Constant(Tensor.FromBytes(value.Type, Shape.Scalar, value.Bytes));
        return shape.Length == 0 ? scalar : b.Expand(scalar, Shape.Of(shape));
    }

    /// <summary>The sizes of the axes from <c>start</c> to <c>end</c>, both clamped.</summary>
    private static long[] Dims(ForeignNode n)
    {
        var shape = n.Input(0).Shape;
        int Place(string name, long fallback) => (int)Math.Clamp(n.Attributes.Int(name, fallback) is var at && at < 0 ? at + shape.Rank : at, 0, shape.Rank);
        var (start, end) = (Place("start", 0), Place("end", shape.Rank));
        return start < end ? shape.ToArray()[start..end] : [];
    }

    private static Tensor Range(ForeignNode n)
    {
        var ends = Enumerable.Range(0, 3).Select(i => n.KnownInput(i).Doubles() is [var number] ? number : throw new GraphException($"input {i} must be one number.")).ToList();
        var (start, limit, delta) = (ends[0], ends[1], ends[2]);
        var count = Math.Max(0, Math.Ceiling((limit - start) / delta));
        return count <= CanonicalOperators.MostElements
            ? Tensor.FromDoubles(n.Input(0).Type, [(long)count], [.. Enumerable.Range(0, (int)count).Select(i => start + (i * delta))])
            : throw new GraphException($"from {start} to {limit} by {delta} are {count} numbers; at most {CanonicalOperators.MostElements} are supported.");
    }

    /// <summary>[rank, count]: the places of what is not zero, in row-major order.</summary>
    private static Tensor NonZero(Tensor x)
    {
        var places = x.Doubles().Select((value, place) => (value, place)).Where(static e => e.value != 0).Select(static e => (long)e.place).ToList();
        var strides = Enumerable.Range(0, x.Shape.Rank).Select(axis => (Size: x.Shape[axis], Stride: x.Shape.Skip(axis + 1).Aggregate(1L, static (product, dim) => product * dim)));
        return Tensor.FromLongs([x.Shape.Rank, places.Count], [.. strides.SelectMany(s => places.Select(place => place / s.Stride % s.Size))]);
    }

    private static Value[] EyeLike(GraphBuilder b, ForeignNode n)
    {
        var x = n.Input(0);
        var (rows, columns) = x.Shape is [var height, var width] ? (height, width) : throw new GraphException($"a matrix is needed, not {x.Shape}.");
        var diagonal = b.Equal(
            b.Reshape(Counted(b, rows, n.Attributes.Int("k", 0)), [rows, 1]),
            Counted(b, columns, 0));
        return [b.Cast(diagonal, (ElementType)n.Attributes.Int("dtype", (long)x.Type))];
    }

    /// <summary>on where the index is the place along the new axis, off elsewhere.</summary>
    private static Value[] OneHot(GraphBuilder b, ForeignNode n)
    {
        var (indices, values) = (n.Input(0), n.Input(2));
        var depth = n.KnownInput(1).Doubles() is [var number] && number >= 0 ? (long)number : throw new GraphException("the depth must be one number that is not negative.");
        var rank = indices.Shape.Rank + 1;
        var axis = (int)n.Attributes.Int("axis", -1) is var at && at < 0 ? at + rank : at;
        var wide = b.Unsqueeze(Gradients.IndexingGradients.NonNegative(b, indices, depth), axis);
        var places = b.Reshape(Counted(b, depth, 0), Shape.Of([.. Enumerable.Repeat(1L, rank)]).With(axis, depth));
        Value Picked(long place) => b.Reshape(b.Slice(values, 0, place, place + 1), Shape.Scalar);
        return [b.Where(b.Equal(wide, places), Picked(1), Picked(0))];
    }

    private static Value Counted(GraphBuilder b, long count, long from) => count <= CanonicalOperators.MostElements
        ? b.Longs([.. Enumerable.Range(0, (int)count).Select(i => i + from)])
        : throw new GraphException($"an axis of {count} is larger than what is supported, {CanonicalOperators.MostElements}.");
}
