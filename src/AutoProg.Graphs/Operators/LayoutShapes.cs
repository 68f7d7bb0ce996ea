using static AutoProg.Graphs.Operators.OperatorShapes;

namespace AutoProg.Graphs.Operators;

/// <summary>Operators that move elements without computing.</summary>
internal static class LayoutShapes
{
    public static IReadOnlyDictionary<string, ShapeRule> Rules { get; } = new Dictionary<string, ShapeRule>(StringComparer.Ordinal)
    {
        ["Reshape"] = static (n, _) => [new(n.Input(0).Type, Reshape(n.Input(0).Shape, n.ConstantInts(1)!, n.Attributes.Flag("allowzero")))],
        ["Transpose"] = static (n, _) => [new(n.Input(0).Type, Transpose(n.Input(0).Shape, Permutation(n)))],
        ["Concat"] = Concat,
        ["Split"] = Split,
        ["Slice"] = static (n, _) => [new(n.Input(0).Type, SliceRange.All(n).Aggregate(n.Input(0).Shape, (shape, range) => shape.With(range.Axis, range.Count)))],
        ["Gather"] = Gather,
        ["GatherND"] = GatherND,
        ["GatherElements"] = static (n, _) => [new(n.Input(0).Type, n.Input(1).Shape)],
        ["ScatterElements"] = static (n, _) => [new(n.Input(0).Type, n.Input(0).Shape)],
        ["ScatterND"] = static (n, _) => [new(n.Input(0).Type, n.Input(0).Shape)],
        ["Expand"] = static (n, _) => [new(n.Input(0).Type, Broadcast(n.Input(0).Shape, Shape.Of(n.ConstantInts(1)!)))],
        ["Tile"] = static (n, _) => [new(n.Input(0).Type, Tile(n.Input(0).Shape, n.ConstantInts(1)!))],
        ["Pad"] = static (n, _) => [new(n.Input(0).Type, PadAmounts.Of(n).Apply(n.Input(0).Shape))],
        ["Trilu"] = static (n, _) => n.Input(0).Shape.Rank > 1 && n.ConstantInts(1) is null or { Length: 1 }
            ? [new(n.Input(0).Type, n.Input(0).Shape)]
            : throw new GraphException("a matrix, or a stack of them, and one number for the diagonal are needed."),
        ["Squeeze"] = static (n, _) => [new(n.Input(0).Type, Squeeze(n.Input(0).Shape, n.ConstantInts(1)))],
        ["Unsqueeze"] = static (n, _) => [new(n.Input(0).Type, Unsqueeze(n.Input(0).Shape, n.ConstantInts(1)!))],
    };

    /// <summary>The permutation of a Transpose; without the attribute the axes are reversed.</summary>
    public static long[] Permutation(Node node) =>
        node.Attributes.Ints("perm") ?? [.. Enumerable.Range(0, node.Input(0).Shape.Rank).Reverse().Select(i => (long)i)];

    /// <summary>Sizes of the parts of a Split.</summary>
    public static long[] SplitSizes(Node node, int outputs)
    {
        var size = node.Input(0).Shape[node.Input(0).Shape.Axis(node.Attributes.Int("axis", 0))];
        if (node.ConstantInts(1) is { } sizes)
        {
            return sizes.Sum() == size ? sizes : throw new GraphException($"parts sum to {sizes.Sum()}, the axis has {size}.");
        }

        var part = (size + outputs - 1) / outputs;
        return [.. Enumerable.Range(0, outputs).Select(i => Math.Clamp(size - (i * part), 0, part))];
    }

    private static Shape Reshape(Shape input, long[] target, bool allowZero)
    {
        var dims = new long[target.Length];
        var unknown = -1;
        var known = 1L;
        for (var i = 0; i < target.Length; i++)
        {
            if (target[i] == -1)
            {
                unknown = unknown < 0 ? i : throw new GraphException("two dimensions are -1.");
                continue;
            }

            dims[i] = target[i] != 0 || allowZero ? target[i]
                : i < input.Rank ? input[i]
                : throw new GraphException($"dimension {i} is to be copied from {input}, which has none.");
            known = checked(known * dims[i]);
        }

        if (unknown >= 0)
        {
            dims[unknown] = known == 0 ? 0 : input.ElementCount / known;
        }

        var shape = Shape.Of(dims);
        return shape.ElementCount == input.ElementCount ? shape : throw new GraphException($"{input} has {input.ElementCount} elements, {shape} has {shape.ElementCount}.");
    }

    private static Shape Transpose(Shape input, long[] permutation) =>
        permutation.Length == input.Rank && permutation.Order().SequenceEqual(Enumerable.Range(0, input.Rank).Select(i => (long)i))
            ? Shape.Of([.. permutation.Select(axis => input[(int)axis])])
            : throw new GraphException($"[{string.Join(", ", permutation)}] is no permutation of the axes of {input}.");

    private static OutputType[] Concat(Node node, int outputs)
    {
        var first = node.Input(0);
        var axis = first.Shape.Axis(node.Attributes.Int("axis", 0));
        var size = 0L;
        for (var i = 0; i < node.Inputs.Count; i++)
        {
            var part = node.Input(i);
            size += part.Shape.Rank == first.Shape.Rank && part.Shape.With(axis, 0).Equals(first.Shape.With(axis, 0))
                ? part.Shape[axis]
                : throw new GraphException($"{part} does not fit {first} along axis {axis}.");
        }

        return [new(first.Type, first.Shape.With(axis, size))];
    }

    private static OutputType[] Split(Node node, int outputs)
    {
        var input = node.Input(0);
        var axis = input.Shape.Axis(node.Attributes.Int("axis", 0));
        return [.. SplitSizes(node, outputs).Select(size => new OutputType(input.Type, input.Shape.With(axis, size)))];
    }

    private static OutputType[] Gather(Node node, int outputs)
    {
        var (data, indices) = (node.Input(0), node.Input(1));
        var axis = data.Shape.Axis(node.Attributes.Int("axis", 0));
        return [new(data.Type, Shape.Of([.. data.Shape.Take(axis), .. indices.Shape, .. data.Shape.Skip(axis + 1)]))];
    }

    /// <summary>The last axis of the indices holds places along the first axes of the data.</summary>
    private static OutputType[] GatherND(Node node, int outputs)
    {
        var (data, indices) = (node.Input(0), node.Input(1));
        if (node.Attributes.Int("batch_dims", 0) != 0)
        {
            throw new GraphException("batch_dims other than 0 are not supported.");
        }

        return indices.Shape.Rank > 0 && indices.Shape[-1] <= data.Shape.Rank
            ? [new(data.Type, Shape.Of([.. indices.Shape.SkipLast(1), .. data.Shape.Skip((int)indices.Shape[-1])]))]
            : throw new GraphException($"indices {indices.Shape} do not fit data of rank {data.Shape.Rank}.");
    }

    private static Shape Tile(Shape input, long[] repeats) =>
        repeats.Length == input.Rank
            ? Shape.Of([.. input.Zip(repeats, (dim, repeat) => dim * repeat)])
            : throw new GraphException($"{repeats.Length} repeats for {input}.");

    private static Shape Squeeze(Shape input, long[]? axes)
    {
        var drop = axes is null
            ? [.. Enumerable.Range(0, input.Rank).Where(i => input[i] == 1)]
            : axes.Select(input.Axis).ToHashSet();
        return drop.All(i => input[i] == 1)
            ? Shape.Of([.. input.Where((_, i) => !drop.Contains(i))])
            : throw new GraphException($"an axis to squeeze in {input} is not 1.");
    }

    private static Shape Unsqueeze(Shape input, long[] axes)
    {
        var rank = input.Rank + axes.Length;
        var inserted = axes.Select(a => a < 0 ? a + rank : a).ToHashSet();
        if (inserted.Count != axes.Length || inserted.Any(a => a < 0 || a >= rank))
        {
            throw new GraphException($"axes [{string.Join(", ", axes)}] cannot be inserted into {input}; {axes.Length} different ones in {-rank}..{rank - 1} are needed.");
        }

        var rest = new Queue<long>(input);
        return Shape.Of([.. Enumerable.Range(0, rank).Select(i => inserted.Contains(i) ? 1 : rest.Dequeue())]);
    }
}
