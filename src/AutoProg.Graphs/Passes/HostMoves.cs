using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Passes;

/// <summary>Operators that only move elements, of constants of any type.</summary>
internal static class HostMoves
{
    /// <summary>The node's only output, or null where it is none of these operators.</summary>
    public static Tensor? Compute(Node n)
    {
        var x = n.Input(0).Constant!;
        switch (n.Operator)
        {
            case "Identity" or "Reshape" or "Squeeze" or "Unsqueeze":
                return Tensor.FromBytes(x.Type, n.Output.Shape, x.Bytes);
            case "Expand":
                return Moved(n, x, HostPlaces.Of(n.Output.Shape, HostPlaces.Strides(x.Shape, n.Output.Shape)));
            case "Transpose":
                var own = HostPlaces.Strides(x.Shape, x.Shape);
                return Moved(n, x, HostPlaces.Of(n.Output.Shape, [.. LayoutShapes.Permutation(n).Select(axis => own[axis])]));
            case "Slice":
                return Sliced(n, x);
            case "Tile":
                return Moved(n, x, HostPlaces.Of(n.Output.Shape, HostPlaces.Strides(x.Shape, x.Shape), 0, x.Shape));
            case "Gather":
                return Gathered(n, x);
            case "Concat":
                return Joined(n);
            case "Where":
                return Chosen(n);
            case "ScatterND" when n.Attributes.Text("reduction", "none") == "none":
                return Scattered(n, x);
            default:
                return null;
        }
    }

    private static Tensor Sliced(Node n, Tensor x)
    {
        var strides = HostPlaces.Strides(x.Shape, x.Shape);
        var start = 0L;
        foreach (var range in SliceRange.All(n))
        {
            start += range.Start * strides[range.Axis];
            strides[range.Axis] *= range.Step;
        }

        return Moved(n, x, HostPlaces.Of(n.Output.Shape, strides, start));
    }

    private static Tensor Gathered(Node n, Tensor x)
    {
        var axis = x.Shape.Axis(n.Attributes.Int("axis", 0));
        var size = x.Shape[axis];
        var places = n.Input(1).Constant!.Longs();
        Array.ForEach(places, i => RequireInside(i, size));
        var inner = x.Shape.Skip(axis + 1).Aggregate(1L, static (product, dim) => product * dim);
        var outer = x.Shape.Take(axis).Aggregate(1L, static (product, dim) => product * dim);
        var blocks =
            from o in Enumerable.Range(0, checked((int)outer))
            from i in places
            select (x, ((o * size) + (i < 0 ? i + size : i)) * inner);
        return Blocks(n, blocks, inner);
    }

    private static Tensor Joined(Node n)
    {
        var axis = n.Output.Shape.Axis(n.Attributes.Int("axis", 0));
        var outer = n.Output.Shape.Take(axis).Aggregate(1L, static (product, dim) => product * dim);
        var size = n.Output.Type.Size();
        var result = new byte[n.Output.Shape.ElementCount * size];
        var next = 0;
        for (var o = 0; o < outer; o++)
        {
            foreach (var part in n.Inputs.Select(static i => i!.Constant!))
            {
                var length = part.Bytes.Length / (int)outer;
                part.Bytes.Slice(o * length, length).CopyTo(result.AsSpan(next));
                next += length;
            }
        }

        return Tensor.FromBytes(n.Output.Type, n.Output.Shape, result);
    }

    private static Tensor Chosen(Node n)
    {
        var condition = n.Input(0).Constant!.Bytes;
        var places = n.Inputs.Select(i => HostPlaces.Of(n.Output.Shape, HostPlaces.Strides(i!.Shape, n.Output.Shape)).ToArray()).ToArray();
        var size = n.Output.Type.Size();
        var result = new byte[n.Output.Shape.ElementCount * size];
        for (var i = 0; i < places[0].Length; i++)
        {
            var from = condition[(int)places[0][i]] != 0 ? 1 : 2;
            n.Input(from).Constant!.Bytes.Slice((int)places[from][i] * size, size).CopyTo(result.AsSpan(i * size));
        }

        return Tensor.FromBytes(n.Output.Type, n.Output.Shape, result);
    }

    /// <summary>The last axis of the indices holds places along the first axes of the data.</summary>
    private static Tensor Scattered(Node n, Tensor x)
    {
        var (indices, updates) = (n.Input(1).Constant!, n.Input(2).Constant!);
        var depth = indices.Shape.Rank > 0 && indices.Shape[-1] <= x.Shape.Rank ? (int)indices.Shape[-1] : throw new GraphException($"indices {indices.Shape} do not fit data {x.Shape}.");
        var inner = x.Shape.Skip(depth).Aggregate(1L, static (product, dim) => product * dim);
        var count = indices.Shape.SkipLast(1).Aggregate(1L, static (product, dim) => product * dim);
        if (updates.Shape.ElementCount != count * inner)
        {
            throw new GraphException($"{updates} does not fit {count} places of {inner} elements.");
        }

        var (bytes, places, length) = (x.Bytes.ToArray(), indices.Longs(), (int)inner * x.Type.Size());
        for (var i = 0; i < count; i++)
        {
            var place = 0L;
            for (var axis = 0; axis < depth; axis++)
            {
                var index = places[(i * depth) + axis];
                RequireInside(index, x.Shape[axis]);
                place = (place * x.Shape[axis]) + (index < 0 ? index + x.Shape[axis] : index);
            }

            updates.Bytes.Slice(i * length, length).CopyTo(bytes.AsSpan((int)place * length));
        }

        return Tensor.FromBytes(x.Type, x.Shape, bytes);
    }

    private static Tensor Moved(Node n, Tensor x, IEnumerable<long> places) => Blocks(n, places.Select(place => (x, place)), 1);

    /// <summary>Runs of elements, one after the other.</summary>
    private static Tensor Blocks(Node n, IEnumerable<(Tensor From, long Place)> blocks, long elements)
    {
        var size = n.Output.Type.Size();
        var length = (int)elements * size;
        var result = new byte[n.Output.Shape.ElementCount * size];
        var next = 0;
        foreach (var (from, place) in blocks)
        {
            from.Bytes.Slice((int)place * size, length).CopyTo(result.AsSpan(next));
            next += length;
        }

        return Tensor.FromBytes(n.Output.Type, n.Output.Shape, result);
    }

    private static void RequireInside(long index, long size)
    {
        if (index < -size || index >= size)
        {
            throw new GraphException($"index {index} is outside an axis of {size}.");
        }
    }
}
