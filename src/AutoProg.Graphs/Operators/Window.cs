namespace AutoProg.Graphs.Operators;

/// <summary>How a convolution or pool slides along one spatial axis.</summary>
/// <param name="Size">Size of the image.</param>
/// <param name="Kernel">Taps.</param>
/// <param name="Stride">Distance between neighbouring windows.</param>
/// <param name="Dilation">Distance between neighbouring taps.</param>
/// <param name="Before">Padding in front of the image.</param>
/// <param name="After">Padding behind it.</param>
/// <param name="Count">Number of windows.</param>
internal readonly record struct WindowAxis(long Size, long Kernel, long Stride, long Dilation, long Before, long After, long Count)
{
    /// <summary>From a window's first tap to its last.</summary>
    public long Extent => (Dilation * (Kernel - 1)) + 1;

    /// <summary>From the first tap of the first window to the last tap of the last.</summary>
    public long Span => (Stride * (Count - 1)) + Extent;

    /// <summary>True if the windows tile the image: each pixel is in exactly one.</summary>
    public bool Tiles => Stride == Kernel && Dilation == 1 && Before == 0 && After == 0 && Count * Kernel == Size;
}

/// <summary>The window of a convolution or pool, an entry per spatial axis.</summary>
internal sealed record Window(IReadOnlyList<WindowAxis> Axes)
{
    /// <summary>The number of windows along each axis.</summary>
    public long[] Counts => [.. Axes.Select(a => a.Count)];

    /// <summary>The kernel's size.</summary>
    public long[] Kernel => [.. Axes.Select(a => a.Kernel)];

    /// <summary>True if the windows tile the image.</summary>
    public bool Tiles => Axes.All(a => a.Tiles);

    /// <summary>The window of a Conv (image, kernel) node.</summary>
    public static Window OfConv(Node node) => Of(node, node.Input(0).Shape, [.. node.Input(1).Shape.Skip(2)]);

    /// <summary>The window of a pool node.</summary>
    public static Window OfPool(Node node) =>
        Of(node, node.Input(0).Shape, node.Attributes.Ints("kernel_shape") ?? throw new GraphException("kernel_shape is missing."));

    /// <summary>The window with which a ConvTranspose node's output would be convolved to have its input's shape.</summary>
    public static Window OfConvTranspose(Node node)
    {
        if (node.Attributes.Text("auto_pad", "NOTSET") != "NOTSET" || node.Attributes.Has("output_shape"))
        {
            throw new GraphException("auto_pad and output_shape are not supported; give pads and output_padding.");
        }

        var counts = node.Input(0).Shape.Skip(2).ToArray();
        long[] kernel = [.. node.Input(1).Shape.Skip(2)];
        var (strides, dilations, pads) = Settings(node, kernel.Length);
        var more = node.Attributes.Ints("output_padding") ?? new long[kernel.Length];
        return new Window([.. kernel.Select((k, i) =>
        {
            var axis = new WindowAxis(0, k, strides[i], dilations[i], pads[i], pads[i + kernel.Length], counts[i]);
            return axis with { Size = axis.Span + more[i] - axis.Before - axis.After };
        })]);
    }

    private static Window Of(Node node, Shape image, long[] kernel)
    {
        if (image.Rank != kernel.Length + 2)
        {
            throw new GraphException($"a kernel of {kernel.Length} axes does not fit an image of shape {image}; [batch, channels, {kernel.Length} axes] is needed.");
        }

        if (kernel.Any(k => k < 1))
        {
            throw new GraphException($"the kernel has size [{string.Join(", ", kernel)}]; at least 1 is needed.");
        }

        var (strides, dilations, pads) = Settings(node, kernel.Length);
        var autoPad = node.Attributes.Text("auto_pad", "NOTSET");
        var ceiling = node.Attributes.Flag("ceil_mode");
        return new Window([.. kernel.Select((k, i) =>
        {
            var axis = new WindowAxis(image[i + 2], k, strides[i], dilations[i], pads[i], pads[i + kernel.Length], 0);
            return Counted(AutoPadded(axis, autoPad), ceiling);
        })]);
    }

    private static (long[] Strides, long[] Dilations, long[] Pads) Settings(Node node, int rank)
    {
        long[] Read(string name, int length, long least)
        {
            var values = node.Attributes.Ints(name) ?? [.. Enumerable.Repeat(least, length)];
            return values.Length == length && values.All(v => v >= least)
                ? values
                : throw new GraphException($"{name} is [{string.Join(", ", values)}]; {length} entries of at least {least} are needed.");
        }

        return (Read("strides", rank, least: 1), Read("dilations", rank, least: 1), Read("pads", 2 * rank, least: 0));
    }

    private static WindowAxis AutoPadded(WindowAxis axis, string autoPad)
    {
        if (autoPad is "NOTSET" or "VALID")
        {
            return axis;
        }

        var count = (axis.Size + axis.Stride - 1) / axis.Stride;
        var total = Math.Max(0, (axis with { Count = count }).Span - axis.Size);
        return autoPad switch
        {
            "SAME_UPPER" => axis with { Before = total / 2, After = total - (total / 2) },
            "SAME_LOWER" => axis with { Before = total - (total / 2), After = total / 2 },
            _ => throw new GraphException($"auto_pad '{autoPad}' is unknown."),
        };
    }

    private static WindowAxis Counted(WindowAxis axis, bool ceiling)
    {
        var room = axis.Size + axis.Before + axis.After - axis.Extent;
        if (room < 0)
        {
            throw new GraphException($"a window of {axis.Extent} does not fit {axis.Size} pixels padded by {axis.Before} and {axis.After}.");
        }

        var count = (room / axis.Stride) + 1;
        if (ceiling && room % axis.Stride != 0 && count * axis.Stride < axis.Size + axis.Before)
        {
            count++; // One more window, which hangs over the end but does not begin behind the image.
        }

        return axis with { Count = count };
    }
}
