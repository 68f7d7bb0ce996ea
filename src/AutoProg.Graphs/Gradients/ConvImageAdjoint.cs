using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Gradients;

/// <summary>The adjoint of y = conv(x, w) with respect to x: from dy and w to dx.</summary>
internal static class ConvImageAdjoint
{
    /// <summary>dx. Patches: a matrix product. Stride 1: a convolution with the kernel flipped and its channels swapped. Else a transposed convolution.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="dy">[N, M, windows].</param>
    /// <param name="w">[M, C / groups, kernel].</param>
    /// <param name="window">How the kernel slides over x.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="image">Shape of x: [N, C, size].</param>
    public static Value Of(GraphBuilder b, Value dy, Value w, Window window, long groups, Shape image)
    {
        if (IsPatchwise(window, groups))
        {
            var rows = b.Gemm(Patches.PixelRows(b, dy), b.Reshape(w, [w.Shape[0], w.Shape.ElementCount / w.Shape[0]]));
            return Patches.ToImage(b, rows, image, window.Kernel[0], window.Kernel[1]);
        }

        return window.Axes.All(a => a.Stride == 1 && a.Before < a.Extent && a.After < a.Extent && a.Count == a.Size + a.Before + a.After - a.Extent + 1)
            ? FlippedConv(b, dy, w, window, groups)
            : TransposedConv(b, dy, w, window, groups);
    }

    /// <summary>The attributes that slide a kernel like a window.</summary>
    public static Attributes Settings(Window window, long groups) => new()
    {
        { "dilations", window.Axes.Select(a => a.Dilation).ToArray() },
        { "group", groups },
        { "kernel_shape", window.Kernel },
        { "pads", [.. window.Axes.Select(a => a.Before), .. window.Axes.Select(a => a.After)] },
        { "strides", window.Axes.Select(a => a.Stride).ToArray() },
    };

    /// <summary>Windows that tile the image make a convolution a product of patches with a matrix; 1x1 kernels are one already.</summary>
    internal static bool IsPatchwise(Window window, long groups) =>
        groups == 1 && window.Axes.Count == 2 && window.Tiles && window.Axes.Any(a => a.Kernel > 1);

    private static Value FlippedConv(GraphBuilder b, Value dy, Value w, Window window, long groups)
    {
        var (m, c) = (w.Shape[0], w.Shape[1]);
        var spatial = Enumerable.Range(2, window.Axes.Count).Select(i => (long)i).ToArray();
        var swapped = groups == 1
            ? b.Transpose(w, [1, 0, .. spatial])
            : b.Reshape(
                b.Transpose(b.Reshape(w, Shape.Of([groups, m / groups, c, .. window.Kernel])), [0, 2, 1, .. spatial.Select(i => i + 1)]),
                Shape.Of([groups * c, m / groups, .. window.Kernel]));
        var flipped = window.Kernel.All(k => k == 1) ? swapped : Flip(b, swapped, spatial);
        var padded = new Window([.. window.Axes.Select(a => a with { Before = a.Extent - 1 - a.Before, After = a.Extent - 1 - a.After })]);
        return b.Add("Conv", [dy, flipped], Settings(padded, groups))[0];
    }

    private static Value Flip(GraphBuilder b, Value w, long[] axes)
    {
        var start = b.Longs([.. axes.Select(_ => -1L)]);
        var end = b.Longs([.. axes.Select(_ => long.MinValue)]);
        return b.Add("Slice", [w, start, end, b.Longs(axes), start])[0];
    }

    /// <summary>CUDA has no transposed convolution with asymmetric padding, so that case computes what the padding covers too, and cuts it off.</summary>
    private static Value TransposedConv(GraphBuilder b, Value dy, Value w, Window window, long groups)
    {
        var missing = window.Axes.Select(a => a.Size + a.Before + a.After - a.Span).ToArray();
        if (missing.All(m => m >= 0) && window.Axes.All(a => a.Before == a.After))
        {
            var attributes = Settings(window, groups);
            attributes.Add("output_padding", missing);
            return b.Add("ConvTranspose", [dy, w], attributes)[0];
        }

        var unpadded = new Window([.. window.Axes.Select(a => a with { Before = 0, After = 0 })]);
        var result = b.Add("ConvTranspose", [dy, w], Settings(unpadded, groups))[0];
        for (var i = 0; i < window.Axes.Count; i++)
        {
            var (size, before) = (window.Axes[i].Size, window.Axes[i].Before);
            result = b.Slice(result, i + 2, before, Math.Min(before + size, window.Axes[i].Span));
        }

        long[] lacking = [.. window.Axes.Select((a, i) => a.Size - result.Shape[i + 2])];
        return lacking.All(l => l == 0) ? result : b.Pad(result, [.. new long[2 + lacking.Length], 0, 0, .. lacking]);
    }
}
