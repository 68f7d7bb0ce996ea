using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Gradients.Convolutions;

/// <summary>The adjoint of y = conv(x, w) with respect to x: from dy and w to dx.</summary>
internal static class ConvImageAdjoint
{
    /// <summary>So many taps are put in reverse by a product with a matrix of 0 and 1; the matrix of more would be large.</summary>
    private const long FewTaps = 64;

    /// <summary>dx. Stride 1: a convolution with the kernel flipped and its channels swapped. Else a transposed convolution.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="conv">Sizes of y = conv(x, w).</param>
    /// <param name="dy">[N, M, windows].</param>
    /// <param name="w">[M, C / groups, taps].</param>
    public static Value Of(GraphBuilder b, Convolution conv, Value dy, Value w)
    {
        return conv.Window.Axes.All(a => a.Stride == 1 && a.Before < a.Extent && a.After < a.Extent && a.Count == a.Size + a.Before + a.After - a.Extent + 1)
            ? FlippedConv(b, conv, dy, w)
            : TransposedConv(b, conv, dy, w);
    }

    private static Value FlippedConv(GraphBuilder b, Convolution conv, Value dy, Value w)
    {
        var (g, m, c) = (conv.Groups, conv.Responses / conv.Groups, conv.Channels);
        var taps = w.Shape.ElementCount / (conv.Responses * c);
        var flipped = Reversed(b, b.Reshape(w, [g, m, c, taps]));
        var swapped = b.Reshape(b.Transpose(flipped, 0, 2, 1, 3), Shape.Of([g * c, m, .. conv.Window.Kernel]));
        var padded = new Window([.. conv.Window.Axes.Select(a => a with { Before = a.Extent - 1 - a.Before, After = a.Extent - 1 - a.After })]);
        return b.Add("Conv", [dy, swapped], Convolution.Sliding(padded, g))[0];
    }

    /// <summary>The last axis backwards. A slice would copy number by number, a matrix product is several times faster.</summary>
    private static Value Reversed(GraphBuilder b, Value taps)
    {
        var count = taps.Shape[-1];
        if (count == 1)
        {
            return taps;
        }

        if (count > FewTaps)
        {
            return b.Slice(taps, taps.Shape.Rank - 1, -1, long.MinValue, -1);
        }

        var reversing = new double[count * count];
        for (var i = 0; i < count; i++)
        {
            reversing[(i * count) + count - 1 - i] = 1;
        }

        return b.MatMul(taps, b.Constant(Tensor.FromDoubles(taps.Type, [count, count], reversing)));
    }

    /// <summary>CUDA has no transposed convolution with asymmetric padding, so that case computes what the padding covers too, and cuts it off.</summary>
    private static Value TransposedConv(GraphBuilder b, Convolution conv, Value dy, Value w)
    {
        var (window, groups) = (conv.Window, conv.Groups);
        var missing = window.Axes.Select(a => a.Size + a.Before + a.After - a.Span).ToArray();
        if (missing.All(m => m >= 0) && window.Axes.All(a => a.Before == a.After))
        {
            var attributes = Convolution.Sliding(window, groups);
            attributes.Add("output_padding", missing);
            return b.Add("ConvTranspose", [dy, w], attributes)[0];
        }

        var unpadded = new Window([.. window.Axes.Select(a => a with { Before = 0, After = 0 })]);
        var result = b.Add("ConvTranspose", [dy, w], Convolution.Sliding(unpadded, groups))[0];
        for (var i = 0; i < window.Axes.Count; i++)
        {
            var (size, before) = (window.Axes[i].Size, window.Axes[i].Before);
            result = b.Slice(result, i + 2, before, Math.Min(before + size, window.Axes[i].Span));
        }

        long[] lacking = [.. window.Axes.Select((a, i) => a.Size - result.Shape[i + 2])];
        return lacking.All(l => l == 0) ? result : b.Pad(result, [.. new long[2 + lacking.Length], 0, 0, .. lacking]);
    }
}
