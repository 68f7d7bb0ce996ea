namespace AutoProg.Graphs.Import;

/// <summary>Convolutions and pools.</summary>
internal static class CanonicalWindows
{
    public static IReadOnlyDictionary<string, CanonicalRule> Rules { get; } = new Dictionary<string, CanonicalRule>(StringComparer.Ordinal)
    {
        ["Conv"] = Conv,
        ["ConvTranspose"] = ConvTranspose,
        ["MaxPool"] = static (b, n) => b.Add("MaxPool", [n.Input(0)], n.Attributes.Only("auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "strides"), outputCount: 2),
        ["AveragePool"] = AveragePool,
        ["GlobalMaxPool"] = GlobalMaxPool,
    };

    /// <summary>In the form in which both directions are fastest: see <see cref="GraphBuilder.Conv"/>.</summary>
    private static IReadOnlyList<Value> Conv(GraphBuilder b, ForeignNode n)
    {
        RequireKernel(n);
        return n.Attributes.Text("auto_pad", "NOTSET") == "NOTSET"
            ? [b.Conv(n.Input(0), n.Input(1), n.OptionalInput(2), n.Attributes.Ints("strides"), n.Attributes.Ints("pads"), n.Attributes.Ints("dilations"), Groups(n))]
            : b.Add("Conv", n.Inputs, n.Attributes.Only("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"));
    }

    private static Value[] ConvTranspose(GraphBuilder b, ForeignNode n)
    {
        RequireKernel(n);
        var (strides, dilations) = (n.Attributes.Ints("strides"), n.Attributes.Ints("dilations"));
        return [b.ConvTranspose(n.Input(0), n.Input(1), n.OptionalInput(2), strides, TransposedPads(n), dilations, n.Attributes.Ints("output_padding"), Groups(n))];
    }

    /// <summary>Where the size of the result is told, by <c>output_shape</c> or as a multiple of the input's, the padding follows from it.</summary>
    private static long[]? TransposedPads(ForeignNode n)
    {
        var spatial = n.Input(0).Shape.Rank - 2;
        var autoPad = n.Attributes.Text("auto_pad", "NOTSET");
        long Of(string name, int axis, long fallback) => n.Attributes.Ints(name) is { } all && all.Length > axis ? all[axis] : fallback;
        var sizes = n.Attributes.Ints("output_shape")
            ?? (autoPad is "SAME_UPPER" or "SAME_LOWER" ? [.. Enumerable.Range(0, spatial).Select(i => n.Input(0).Shape[i + 2] * Of("strides", i, 1))] : null);
        if (sizes is null)
        {
            return autoPad == "VALID" ? null : n.Attributes.Ints("pads");
        }

        var pads = new long[2 * spatial];
        for (var i = 0; i < spatial; i++)
        {
            var whole = (Of("strides", i, 1) * (n.Input(0).Shape[i + 2] - 1)) + Of("output_padding", i, 0) + (Of("dilations", i, 1) * (n.Input(1).Shape[i + 2] - 1)) + 1;
            var total = Math.Max(0, whole - sizes[sizes.Length - spatial + i]);
            pads[i] = autoPad == "SAME_UPPER" ? total / 2 : total - (total / 2);
            pads[i + spatial] = total - pads[i];
        }

        return pads;
    }

    private static IReadOnlyList<Value> AveragePool(GraphBuilder b, ForeignNode n) => n.Attributes.Ints("dilations") is { } dilations && dilations.Any(static d => d != 1)
        ? throw new GraphException("dilations other than 1 are not supported.")
        : b.Add("AveragePool", [n.Input(0)], n.Attributes.Only("auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads", "strides"));

    /// <summary>One window that is the whole image.</summary>
    private static IReadOnlyList<Value> GlobalMaxPool(GraphBuilder b, ForeignNode n) =>
        [.. b.Add("MaxPool", [n.Input(0)], new Attributes { { "kernel_shape", n.Input(0).Shape.ToArray()[2..] } }, outputCount: 2).Take(1)];

    private static int Groups(ForeignNode n) => checked((int)n.Attributes.Int("group", 1));

    private static void RequireKernel(ForeignNode n)
    {
        var kernel = n.Input(1).Shape.Skip(2).ToArray();
        if (n.Attributes.Ints("kernel_shape") is { } told && !told.AsSpan().SequenceEqual(kernel))
        {
            throw new GraphException($"kernel_shape is [{string.Join(", ", told)}], the kernel has [{string.Join(", ", kernel)}].");
        }
    }
}
