using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Gradients;

/// <summary>Operators that move elements: the gradient moves them back, and adds where one element went to several places.</summary>
internal static class LayoutGradients
{
    public static IReadOnlyDictionary<string, GradientRule> Rules { get; } = new Dictionary<string, GradientRule>(StringComparer.Ordinal)
    {
        ["Reshape"] = static (b, n, dy) => [b.Reshape(dy[0], n.Input(0).Shape), null],
        ["Transpose"] = static (b, n, dy) => [b.Transpose(dy[0], Inverse(LayoutShapes.Permutation(n)))],
        ["Concat"] = Concat,
        ["Split"] = static (b, n, dy) =>
        [
            b.Concat((int)n.Attributes.Int("axis", 0), [.. n.Outputs.Select((_, i) => dy[i])]),
            .. new Value?[n.Inputs.Count - 1],
        ],
        ["Slice"] = Slice,
        ["Expand"] = static (_, _, dy) => [dy[0], null],
        ["Tile"] = Tile,
        ["Pad"] = Pad,
        ["Trilu"] = static (b, n, dy) =>
            [b.Trilu(dy[0], n.Attributes.Flag("upper", true), n.ConstantInts(1)?[0] ?? 0), .. new Value?[n.Inputs.Count - 1]],
        ["Squeeze"] = static (b, n, dy) => [b.Reshape(dy[0], n.Input(0).Shape), .. new Value?[n.Inputs.Count - 1]],
        ["Unsqueeze"] = static (b, n, dy) => [b.Reshape(dy[0], n.Input(0).Shape), null],
    };

    /// <summary>The permutation that undoes a permutation.</summary>
    public static long[] Inverse(long[] permutation)
    {
        var inverse = new long[permutation.Length];
        for (var i = 0; i < permutation.Length; i++)
        {
            inverse[permutation[i]] = i;
        }

        return inverse;
    }

    private static Value?[] Concat(GraphBuilder b, Node n, OutputGradients dy)
    {
        var axis = n.Output.Shape.Axis(n.Attributes.Int("axis", 0));
        var start = 0L;
        return [.. n.Inputs.Select(part =>
        {
            var end = start + part!.Shape[axis];
            var slice = b.Slice(dy[0], axis, start, end);
            start = end;
            return slice;
        })];
    }

    /// <summary>Puts the elements back where they were taken from, and zeros elsewhere.</summary>
    private static Value?[] Slice(GraphBuilder b, Node n, OutputGradients dy)
    {
        var gradient = dy[0];
        foreach (var range in SliceRange.All(n))
        {
            gradient = Unslice(b, gradient, range, n.Input(0).Shape[range.Axis]);
        }

        var all = new Value?[n.Inputs.Count];
        all[0] = gradient;
        return all;
    }

    private static Value Unslice(GraphBuilder b, Value gradient, SliceRange range, long size)
    {
        var (axis, start, step, count) = range;
        if (step < 0)
        {
            gradient = b.Slice(gradient, axis, count - 1, long.MinValue, -1);
            (start, step) = (start + ((count - 1) * step), -step);
        }

        if (step > 1)
        {
            gradient = InsertZeros(b, gradient, axis, step);
        }

        var length = gradient.Shape[axis];
        var pads = new long[2 * gradient.Shape.Rank];
        pads[axis] = start;
        pads[axis + gradient.Shape.Rank] = Math.Max(0, size - start - length);
        var padded = pads.All(p => p == 0) ? gradient : b.Pad(gradient, pads);
        return padded.Shape[axis] > size ? b.Slice(padded, axis, 0, size) : padded;
    }

    /// <summary>g0 g1 g2 becomes g0 0 0 g1 0 0 g2 0 0 for step 3.</summary>
    private static Value InsertZeros(GraphBuilder b, Value gradient, int axis, long step)
    {
        var apart = b.Unsqueeze(gradient, axis + 1);
        var pads = new long[2 * apart.Shape.Rank];
        pads[apart.Shape.Rank + axis + 1] = step - 1;
        return b.Reshape(b.Pad(apart, pads), gradient.Shape.With(axis, gradient.Shape[axis] * step));
    }

    /// <summary>Each axis of r repeats splits into [r, size], and r is summed away.</summary>
    private static Value?[] Tile(GraphBuilder b, Node n, OutputGradients dy)
    {
        var shape = n.Input(0).Shape;
        var split = shape.Zip(n.ConstantInts(1)!, (size, repeats) => new[] { repeats, size }).SelectMany(d => d).ToArray();
        var repeatAxes = Enumerable.Range(0, shape.Rank).Select(i => 2L * i).ToArray();
        return [b.Reshape(b.ReduceSum(b.Reshape(dy[0], Shape.Of(split)), repeatAxes), shape), null];
    }

    private static Value?[] Pad(GraphBuilder b, Node n, OutputGradients dy)
    {
        if (n.Attributes.Text("mode", "constant") is var mode && mode != "constant")
        {
            throw new GraphException($"{n}: the gradient of Pad is known for mode 'constant', not for '{mode}'.");
        }

        var amounts = PadAmounts.Of(n);
        var shape = n.Input(0).Shape;
        var gradient = dy[0];
        for (var axis = 0; axis < shape.Rank; axis++)
        {
            var (before, after) = (amounts.Before[axis], amounts.After[axis]);
            if (before > 0 || after > 0)
            {
                gradient = b.Slice(gradient, axis, Math.Max(before, 0), gradient.Shape[axis] - Math.Max(after, 0));
            }
        }

        // Negative amounts crop: what was cropped away gets zero.
        long[] crop = [.. amounts.Before.Select(p => Math.Max(-p, 0)), .. amounts.After.Select(p => Math.Max(-p, 0))];
        var all = new Value?[n.Inputs.Count];
        all[0] = crop.All(p => p == 0) ? gradient : b.Pad(gradient, crop);
        return all;
    }
}
