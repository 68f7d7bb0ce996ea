using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Gradients;

/// <summary>The two adjoints of y = conv(x, w): from dy and w to dx, and from dy and x to dw.</summary>
internal static class ConvAdjoints
{
    /// <summary>dx. Patches: a matrix product. Stride 1: a convolution with the kernel flipped and its channels swapped. Else a transposed convolution.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="dy">[N, M, windows].</param>
    /// <param name="w">[M, C / groups, kernel].</param>
    /// <param name="window">How the kernel slides over x.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <param name="image">Shape of x: [N, C, size].</param>
    public static Value Image(GraphBuilder b, Value dy, Value w, Window window, long groups, Shape image)
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

    /// <summary>
    /// dw. For every tap, the product of dy with the pixels that the tap met: dw[m, c, tap] = sum over n, p of dy[n, m, p] x[n, c, stride p + dilation tap].
    /// </summary>
    /// <param name="b">The graph.</param>
    /// <param name="x">[N, C, size].</param>
    /// <param name="dy">[N, M, windows].</param>
    /// <param name="kernel">Shape of w: [M, C / groups, kernel].</param>
    /// <param name="window">How the kernel slides over x.</param>
    /// <param name="groups">Groups of channels.</param>
    public static Value Kernel(GraphBuilder b, Value x, Value dy, Shape kernel, Window window, long groups)
    {
        if (IsPatchwise(window, groups))
        {
            var patches = Patches.ToRows(b, x, window.Kernel[0], window.Kernel[1]);
            return b.Reshape(b.Gemm(Patches.PixelRows(b, dy), patches, transA: true), kernel);
        }

        var positions = dy.Shape[0] * dy.Shape.Skip(2).Aggregate(1L, (a, d) => a * d);
        var pixels = ChannelsFirst(b, Padded(b, x, window));
        var responses = ChannelsFirst(b, dy);
        var taps = Taps(window).Select(starts =>
        {
            var met = Met(b, pixels, window, starts);
            return b.Reshape(Correlate(b, responses, met, groups, positions), [kernel[0], kernel[1], 1]);
        }).ToArray();
        return b.Reshape(taps.Length == 1 ? taps[0] : b.Concat(2, taps), kernel);
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
    private static bool IsPatchwise(Window window, long groups) =>
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

    private static Value Padded(GraphBuilder b, Value x, Window window) => window.Axes.All(a => a.Before == 0 && a.After == 0)
        ? x
        : b.Pad(x, [0, 0, .. window.Axes.Select(a => a.Before), 0, 0, .. window.Axes.Select(a => a.After)]);

    private static Value ChannelsFirst(GraphBuilder b, Value x) =>
        x.Shape[0] == 1
            ? b.Reshape(x, Shape.Of([x.Shape[1], 1, .. x.Shape.Skip(2)]))
            : b.Transpose(x, [1, 0, .. Enumerable.Range(2, x.Shape.Rank - 2).Select(i => (long)i)]);

    /// <summary>The kernel's taps in row-major order, each as its offset from the window's start.</summary>
    private static IEnumerable<long[]> Taps(Window window)
    {
        IEnumerable<long[]> taps = [[]];
        foreach (var axis in window.Axes)
        {
            taps = taps.SelectMany(t => Enumerable.Range(0, (int)axis.Kernel).Select(k => (long[])[.. t, k * axis.Dilation]));
        }

        return taps;
    }

    /// <summary>The pixels that one tap meets, one per window.</summary>
    private static Value Met(GraphBuilder b, Value pixels, Window window, long[] starts)
    {
        var axes = window.Axes;
        if (Enumerable.Range(0, axes.Count).All(i => starts[i] == 0 && axes[i].Stride == 1 && axes[i].Count == pixels.Shape[i + 2]))
        {
            return pixels;
        }

        var ends = starts.Select((s, i) => s + (axes[i].Stride * (axes[i].Count - 1)) + 1);
        var spatial = Enumerable.Range(2, axes.Count).Select(i => (long)i);
        return b.Add("Slice", [pixels, b.Longs(starts), b.Longs([.. ends]), b.Longs([.. spatial]), b.Longs([.. axes.Select(a => a.Stride)])])[0];
    }

    private static Value Correlate(GraphBuilder b, Value responses, Value met, long groups, long positions)
    {
        var (m, c) = (responses.Shape[0], met.Shape[0]);
        return groups == 1
            ? b.Gemm(b.Reshape(responses, [m, positions]), b.Reshape(met, [c, positions]), transB: true)
            : b.FusedMatMul(b.Reshape(responses, [groups, m / groups, positions]), b.Reshape(met, [groups, c / groups, positions]), transB: true);
    }
}
