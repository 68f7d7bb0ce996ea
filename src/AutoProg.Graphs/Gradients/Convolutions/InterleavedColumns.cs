namespace AutoProg.Graphs.Gradients.Convolutions;

/// <summary>
/// dw as a convolution of x with the kernel dy, in which stride and dilation change places:
/// dw[m, c, i, j] = sum over n, p, q of dy[n, m, p, q] x[n, c, stride p + dilation i, stride q + dilation j].
/// A convolution sums over its channels, but here every channel of x stays apart and meets every channel of dy. So channels become columns: pixel q of channel c is column
/// q C + c, and a step of one pixel is a step of C columns. What the convolution copies inside are then rows of neighbouring numbers.
/// </summary>
internal static class InterleavedColumns
{
    /// <summary>Each group of each image is a group of this convolution, and the results are summed over the images: nothing but x is moved.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="conv">Sizes of y = conv(x, w).</param>
    /// <param name="x">[N, C, size].</param>
    /// <param name="dy">[N, M, windows].</param>
    /// <param name="apart">Whether each column of taps is a convolution of its own; needed where columns are dilated.</param>
    public static Value SummedOverImages(GraphBuilder b, Convolution conv, Value x, Value dy, bool apart) =>
        InOrder(b, conv, b.ReduceSum(OfImages(b, conv, x, dy, apart), [0]), []);

    /// <summary>The same before it is summed: dw of each image, [N, M, C / groups, taps].</summary>
    /// <param name="b">The graph.</param>
    /// <param name="conv">Sizes of y = conv(x, w).</param>
    /// <param name="x">[N, C, size].</param>
    /// <param name="dy">[N, M, windows].</param>
    /// <param name="apart">Whether each column of taps is a convolution of its own; needed where columns are dilated.</param>
    public static Value OfEachImage(GraphBuilder b, Convolution conv, Value x, Value dy, bool apart) =>
        InOrder(b, conv, OfImages(b, conv, x, dy, apart), [0]);

    /// <summary>The images are the channels over which this convolution sums: dy is moved as well, but there is one result only.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="conv">Sizes of y = conv(x, w).</param>
    /// <param name="x">[N, C, size].</param>
    /// <param name="dy">[N, M, windows].</param>
    /// <param name="apart">Whether each column of taps is a convolution of its own; needed where columns are dilated.</param>
    public static Value ContractedOverImages(GraphBuilder b, Convolution conv, Value x, Value dy, bool apart)
    {
        var kernel = b.Transpose(dy, [1, 0, .. Axes(conv, 2)]);
        var taps = Taps(b, conv, Interleaved(b, conv, x, [1, 0]), kernel, conv.Groups, apart);
        return InOrder(b, conv, b.Reshape(taps, Interleaved(conv, [])), []);
    }

    /// <summary>For channels that are a group each: as if so many groups were one. Its channels meet each other's responses, too, which is left out of the result.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="conv">Sizes of y = conv(x, w), where C = groups.</param>
    /// <param name="x">[N, C, size].</param>
    /// <param name="dy">[N, M, windows].</param>
    /// <param name="count">Divides the groups.</param>
    public static Value GroupsTogether(GraphBuilder b, Convolution conv, Value x, Value dy, long count)
    {
        var joined = conv with { Groups = conv.Groups / count, Kernel = Shape.Of([conv.Responses, count, .. conv.Window.Kernel]) };
        var perChannel = conv.Responses / conv.Groups;
        var eachWithEach = b.Reshape(SummedOverImages(b, joined, x, dy, apart: false), [joined.Groups, count, perChannel, count, conv.Kernel.ElementCount / conv.Responses]);
        var own = new double[count * count];
        for (var i = 0; i < count; i++)
        {
            own[(i * count) + i] = 1;
        }

        return b.Reshape(b.ReduceSum(b.Mul(eachWithEach, b.Constant(Tensor.FromDoubles(dy.Type, [count, 1, count, 1], own))), [3]), conv.Kernel);
    }

    /// <summary>[N, M, taps, C / groups].</summary>
    private static Value OfImages(GraphBuilder b, Convolution conv, Value x, Value dy, bool apart)
    {
        var kernel = b.Reshape(dy, Shape.Of([conv.Batch * conv.Responses, 1, .. conv.Window.Counts]));
        var taps = Taps(b, conv, Interleaved(b, conv, x, [0, 1]), kernel, conv.Batch * conv.Groups, apart);
        return b.Reshape(taps, Interleaved(conv, [conv.Batch]));
    }

    /// <summary>[N, C, rows, columns] to [N groups, rows, columns C / groups], or with groups in front of images.</summary>
    private static Value Interleaved(GraphBuilder b, Convolution conv, Value x, long[] outer)
    {
        var split = b.Reshape(x, Shape.Of([conv.Batch, conv.Groups, conv.Channels, .. x.Shape.Skip(2)]));
        return b.Reshape(
            b.Transpose(split, [.. outer, .. Axes(conv, 3), 2]),
            Shape.Of([conv.Batch * conv.Groups, .. x.Shape.Skip(2).SkipLast(1), x.Shape[-1] * conv.Channels]));
    }

    /// <summary>dw with its channels behind the taps: [outer, M, taps, C / groups].</summary>
    private static Shape Interleaved(Convolution conv, long[] outer) => Shape.Of([.. outer, conv.Responses, .. conv.Window.Kernel, conv.Channels]);

    /// <summary>[outer, M, taps, C / groups] to [outer, M, C / groups, taps].</summary>
    private static Value InOrder(GraphBuilder b, Convolution conv, Value dw, long[] outer) =>
        b.Transpose(dw, [.. outer, outer.Length, dw.Shape.Rank - 1, .. Axes(conv, outer.Length + 1)]);

    private static long[] Axes(Convolution conv, int from) => [.. Enumerable.Range(from, conv.Window.Axes.Count).Select(axis => (long)axis)];

    /// <summary>The taps with their columns interleaved, [1, channels of kernel, taps].</summary>
    private static Value Taps(GraphBuilder b, Convolution conv, Value image, Value kernel, long groups, bool apart)
    {
        var rows = conv.Window.Axes.SkipLast(1).Select(Reach.OfTaps).ToList();
        var columns = conv.Window.Axes[^1];
        var reaches = apart ? Enumerable.Range(0, (int)columns.Kernel).Select(j => Reach.OfTap(columns, j)) : [Reach.OfTaps(columns)];
        return b.Concat(rows.Count + 2, [.. reaches.Select(r => Correlated(b, image, kernel, [.. rows, r.Interleaved(conv.Channels)], groups))]);
    }

    /// <summary>
    /// The convolution over what is reached of the image. It is padded before, since a padding convolution copies slowly; and on its way it is reshaped, since ONNX Runtime
    /// would put the padding back into the convolution.
    /// </summary>
    private static Value Correlated(GraphBuilder b, Value image, Value kernel, IReadOnlyList<Reach> reaches, long groups)
    {
        if (reaches.Any(r => r.IsOutside))
        {
            return b.Full(image, Shape.Of([1, kernel.Shape[0], .. reaches.Select((r, i) => r.Taps(kernel.Shape[i + 2]))]), 0);
        }

        var reached = b.Pad(image, [0, .. reaches.Select(r => -r.Start), 0, .. reaches.Select(r => r.End - r.Size)]);
        return b.Add("Conv", [b.Reshape(reached, Shape.Of([1, .. reached.Shape])), kernel], new Attributes
        {
            { "dilations", reaches.Select(r => r.WindowDistance).ToArray() },
            { "group", groups },
            { "kernel_shape", kernel.Shape.Skip(2).ToArray() },
            { "pads", new long[2 * reaches.Count] },
            { "strides", reaches.Select(r => r.TapDistance).ToArray() },
        })[0];
    }
}
