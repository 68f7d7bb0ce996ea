using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Tests.Evaluation;

internal static class LayoutFormulas
{
    public static IReadOnlyDictionary<string, Formula> All { get; } = new Dictionary<string, Formula>(StringComparer.Ordinal)
    {
        ["Reshape"] = static (node, x) => [x[0]!.WithShape(node.Output.Shape)],
        ["Squeeze"] = static (node, x) => [x[0]!.WithShape(node.Output.Shape)],
        ["Unsqueeze"] = static (node, x) => [x[0]!.WithShape(node.Output.Shape)],
        ["Transpose"] = Transpose,
        ["Concat"] = Concat,
        ["Split"] = Split,
        ["Slice"] = Slice,
        ["Gather"] = Gather,
        ["GatherND"] = GatherND,
        ["GatherElements"] = GatherElements,
        ["ScatterElements"] = ScatterElements,
        ["ScatterND"] = ScatterND,
        ["Expand"] = static (node, x) => [DoubleTensor.From(node.Output.Shape, i => x[0]![i])],
        ["Tile"] = static (node, x) => [DoubleTensor.From(node.Output.Shape, i => x[0]![[.. i.Select((k, axis) => k % x[0]!.Shape[axis])]])],
        ["Pad"] = Pad,
        ["Trilu"] = static (node, x) =>
        {
            var (upper, diagonal) = (node.Attributes.Flag("upper", true), x.ElementAtOrDefault(1)?.Values[0] ?? 0);
            return [DoubleTensor.From(node.Output.Shape, i => (upper ? i[^1] - i[^2] >= diagonal : i[^1] - i[^2] <= diagonal) ? x[0]![i] : 0)];
        },
    };

    private static DoubleTensor[] Transpose(Node node, DoubleTensor?[] x)
    {
        var permutation = node.Attributes.Ints("perm") ?? [.. Enumerable.Range(0, x[0]!.Shape.Rank).Reverse().Select(a => (long)a)];
        return [DoubleTensor.From(node.Output.Shape, i =>
        {
            var source = new long[i.Length];
            for (var axis = 0; axis < i.Length; axis++)
            {
                source[permutation[axis]] = i[axis];
            }

            return x[0]![source];
        })];
    }

    private static DoubleTensor[] Concat(Node node, DoubleTensor?[] x)
    {
        var axis = node.Output.Shape.Axis(node.Attributes.Int("axis", 0));
        return [DoubleTensor.From(node.Output.Shape, i =>
        {
            var part = 0;
            var along = i[axis];
            while (along >= x[part]!.Shape[axis])
            {
                along -= x[part++]!.Shape[axis];
            }

            return x[part]![Replaced(i, axis, along)];
        })];
    }

    private static DoubleTensor[] Split(Node node, DoubleTensor?[] x)
    {
        var axis = x[0]!.Shape.Axis(node.Attributes.Int("axis", 0));
        var start = 0L;
        return [.. node.Outputs.Select(output =>
        {
            var from = start;
            start += output.Shape[axis];
            return DoubleTensor.From(output.Shape, i => x[0]![Replaced(i, axis, from + i[axis])]);
        })];
    }

    private static DoubleTensor[] Slice(Node node, DoubleTensor?[] x)
    {
        var ranges = SliceRange.All(node).ToList();
        return [DoubleTensor.From(node.Output.Shape, i =>
        {
            var source = i.ToArray();
            foreach (var range in ranges)
            {
                source[range.Axis] = range.Start + (range.Step * i[range.Axis]);
            }

            return x[0]![source];
        })];
    }

    private static DoubleTensor[] Gather(Node node, DoubleTensor?[] x)
    {
        var (data, indices) = (x[0]!, x[1]!);
        var axis = data.Shape.Axis(node.Attributes.Int("axis", 0));
        return [DoubleTensor.From(node.Output.Shape, i =>
        {
            var row = NonNegative(indices[i[axis..(axis + indices.Shape.Rank)]], data.Shape[axis]);
            return data[[.. i[..axis], row, .. i[(axis + indices.Shape.Rank)..]]];
        })];
    }

    private static DoubleTensor[] GatherElements(Node node, DoubleTensor?[] x)
    {
        var axis = x[0]!.Shape.Axis(node.Attributes.Int("axis", 0));
        return [DoubleTensor.From(node.Output.Shape, i => x[0]![Replaced(i, axis, NonNegative(x[1]![i], x[0]!.Shape[axis]))])];
    }

    private static DoubleTensor[] GatherND(Node node, DoubleTensor?[] x)
    {
        var (data, indices) = (x[0]!, x[1]!);
        var outer = indices.Shape.Rank - 1;
        return [DoubleTensor.From(node.Output.Shape, i =>
        {
            var place = Enumerable.Range(0, (int)indices.Shape[-1]).Select(k => NonNegative(indices[[.. i[..outer], k]], data.Shape[k]));
            return data[[.. place, .. i[outer..]]];
        })];
    }

    private static DoubleTensor[] ScatterElements(Node node, DoubleTensor?[] x)
    {
        var (data, indices, updates) = (x[0]!, x[1]!, x[2]!);
        var axis = data.Shape.Axis(node.Attributes.Int("axis", 0));
        var result = new DoubleTensor(data.Shape, [.. data.Values]);
        foreach (var i in DoubleTensor.Indices(indices.Shape))
        {
            var place = result.Offset(Replaced(i, axis, NonNegative(indices[i], data.Shape[axis])));
            result.Values[place] = Reduced(node, result.Values[place], updates[i]);
        }

        return [result];
    }

    private static DoubleTensor[] ScatterND(Node node, DoubleTensor?[] x)
    {
        var (data, indices, updates) = (x[0]!, x[1]!, x[2]!);
        var depth = (int)indices.Shape[-1];
        var result = new DoubleTensor(data.Shape, [.. data.Values]);
        foreach (var i in DoubleTensor.Indices(updates.Shape))
        {
            var outer = i[..(indices.Shape.Rank - 1)];
            var place = Enumerable.Range(0, depth).Select(k => NonNegative(indices[[.. outer, k]], data.Shape[k]));
            var offset = result.Offset([.. place, .. i[(indices.Shape.Rank - 1)..]]);
            result.Values[offset] = Reduced(node, result.Values[offset], updates[i]);
        }

        return [result];
    }

    private static DoubleTensor[] Pad(Node node, DoubleTensor?[] x)
    {
        var amounts = PadAmounts.Of(node);
        var fill = x.ElementAtOrDefault(2)?.Values[0] ?? 0;
        return [DoubleTensor.From(node.Output.Shape, i =>
        {
            var source = i.Select((k, axis) => k - amounts.Before[axis]).ToArray();
            return source.Zip(x[0]!.Shape).All(p => p.First >= 0 && p.First < p.Second) ? x[0]![source] : fill;
        })];
    }

    private static double Reduced(Node node, double old, double update) => node.Attributes.Text("reduction", "none") == "add" ? old + update : update;

    private static long NonNegative(double index, long size) => index < 0 ? (long)index + size : (long)index;

    private static long[] Replaced(long[] index, int axis, long value)
    {
        var copy = index.ToArray();
        copy[axis] = value;
        return copy;
    }
}
