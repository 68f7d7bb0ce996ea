namespace AutoProg.Graphs.Import;

/// <summary>Movements of elements that other ones make up, or that changed between the opsets.</summary>
internal static class CanonicalLayout
{
    public static IReadOnlyDictionary<string, CanonicalRule> Rules { get; } = new Dictionary<string, CanonicalRule>(StringComparer.Ordinal)
    {
        ["Flatten"] = Flatten,
        ["Split"] = Split,
        ["Pad"] = static (b, n) => [Pad(b, n)],
        ["DepthToSpace"] = static (b, n) => [DepthToSpace(b, n)],
        ["SpaceToDepth"] = static (b, n) => [SpaceToDepth(b, n)],
    };

    private static Value[] Flatten(GraphBuilder b, ForeignNode n)
    {
        var x = n.Input(0);
        var axis = n.Attributes.Int("axis", 1) is var at && at == x.Shape.Rank ? x.Shape.Rank : x.Shape.Axis(at);
        var rows = x.Shape.Take(axis).Aggregate(1L, static (product, dim) => product * dim);
        var columns = x.Shape.Skip(axis).Aggregate(1L, static (product, dim) => product * dim);
        return [b.Reshape(x, [rows, columns])];
    }

    /// <summary>Sizes come as an input, or from the number of parts: an attribute since opset 18, before from the outputs.</summary>
    private static IReadOnlyList<Value> Split(GraphBuilder b, ForeignNode n)
    {
        var x = n.Input(0);
        var axis = x.Shape.Axis(n.Attributes.Int("axis", 0));
        var parts = n.Attributes.Int("num_outputs", n.OutputCount);
        if (parts < n.OutputCount || parts > Math.Max(x.Shape[axis], 1))
        {
            throw new GraphException($"{parts} parts of an axis of {x.Shape[axis]} with {n.OutputCount} outputs are not possible.");
        }

        var part = (x.Shape[axis] + parts - 1) / parts;
        var sizes = n.Ints(1, "split") ?? [.. Enumerable.Range(0, (int)parts).Select(i => Math.Clamp(x.Shape[axis] - (i * part), 0, part))];
        if (x.Kind != ValueKind.Constant)
        {
            return b.Split(x, axis, sizes);
        }

        var starts = sizes.Select((_, i) => sizes.Take(i).Sum());
        return [.. starts.Zip(sizes, (start, size) => b.Slice(x, axis, start, start + size))];
    }

    /// <summary>Zeros or another number around x; or, in the other modes, pixels of x, picked along one axis after the other.</summary>
    private static Value Pad(GraphBuilder b, ForeignNode n)
    {
        var (x, pads) = (n.Input(0), n.RequiredInts(1));
        long[] axes = n.OptionalInput(3) is null ? [.. Enumerable.Range(0, x.Shape.Rank).Select(static axis => (long)axis)] : n.RequiredInts(3);
        if (n.Attributes.Text("mode", "constant") is var mode && mode == "constant")
        {
            return b.Add("Pad", [x, b.Longs(pads), n.OptionalInput(2), b.Longs(axes)])[0];
        }

        if (pads.Length != 2 * axes.Length)
        {
            throw new GraphException($"{pads.Length} pads for {axes.Length} axes; two per axis are needed.");
        }

        for (var i = 0; i < axes.Length; i++)
        {
            var (axis, before, after) = (x.Shape.Axis(axes[i]), pads[i], pads[i + axes.Length]);
            x = before == 0 && after == 0 ? x : b.Gather(x, b.Longs(Sources(mode, x.Shape[axis], before, after)), axis);
        }

        return x;
    }

    /// <summary>Which pixel each pixel of a padded axis is a copy of; a negative amount crops.</summary>
    private static long[] Sources(string mode, long size, long before, long after)
    {
        var count = before + size + after;
        if (size == 0 || count is < 0 or > CanonicalOperators.MostElements)
        {
            throw new GraphException($"an axis of {size} cannot be padded by {before} and {after}.");
        }

        Func<long, long> source = mode switch
        {
            "edge" => at => Math.Clamp(at, 0, size - 1),
            "wrap" => at => Modulo(at, size),
            "reflect" => at => size == 1 ? 0 : size - 1 - Math.Abs(Modulo(at, 2 * (size - 1)) - (size - 1)),
            _ => throw new GraphException($"mode '{UntrustedText.Shown(mode)}' is unknown; constant, reflect, edge and wrap are known."),
        };
        return [.. Enumerable.Range(0, (int)count).Select(i => source(i - before))];
    }

    private static long Modulo(long a, long size) => ((a % size) + size) % size;

    /// <summary>[N, C s s, H, W] to [N, C, H s, W s]. The offset inside a block is in front of the channel, or, in mode CRD, behind it (PyTorch's pixel_shuffle).</summary>
    private static Value DepthToSpace(GraphBuilder b, ForeignNode n)
    {
        var (x, s) = (Image(n), BlockSize(n));
        var (batch, channels, height, width) = (x.Shape[0], x.Shape[1] / (s * s), x.Shape[2], x.Shape[3]);
        var isChannelFirst = n.Attributes.Text("mode", "DCR") == "CRD";
        var split = isChannelFirst
            ? b.Transpose(b.Reshape(x, [batch, channels, s, s, height, width]), 0, 1, 4, 2, 5, 3)
            : b.Transpose(b.Reshape(x, [batch, s, s, channels, height, width]), 0, 3, 4, 1, 5, 2);
        return b.Reshape(split, [batch, channels, height * s, width * s]);
    }

    /// <summary>[N, C, H s, W s] to [N, s s C, H, W].</summary>
    private static Value SpaceToDepth(GraphBuilder b, ForeignNode n)
    {
        var (x, s) = (Image(n), BlockSize(n));
        var (batch, channels, height, width) = (x.Shape[0], x.Shape[1], x.Shape[2] / s, x.Shape[3] / s);
        var split = b.Transpose(b.Reshape(x, [batch, channels, height, s, width, s]), 0, 3, 5, 1, 2, 4);
        return b.Reshape(split, [batch, s * s * channels, height, width]);
    }

    private static Value Image(ForeignNode n) => n.Input(0) is { Shape.Rank: 4 } x ? x : throw new GraphException($"images [batch, channels, height, width] are needed, not {n.Input(0).Shape}.");

    private static long BlockSize(ForeignNode n) => n.Attributes.Int("blocksize", 0) is > 0 and < 1 << 15 and var size ? size : throw new GraphException("blocksize must be positive.");
}
