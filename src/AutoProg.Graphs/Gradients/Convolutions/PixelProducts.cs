namespace AutoProg.Graphs.Gradients.Convolutions;

/// <summary>dw of a kernel of one tap without padding: a product of the pixels of dy with those of x that the tap meets.</summary>
internal static class PixelProducts
{
    /// <summary>True where this is how a kernel's gradient can be computed.</summary>
    public static bool Suit(Convolution conv) => conv.IsPointwise && conv.Window.Axes.All(a => a.Before == 0 && a.After == 0);

    /// <summary>dy times x transposed for each group of each image, summed over the images: nothing is moved.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="conv">Sizes of y = conv(x, w).</param>
    /// <param name="x">[N, C, size].</param>
    /// <param name="dy">[N, M, windows].</param>
    public static Value SummedOverImages(GraphBuilder b, Convolution conv, Value x, Value dy)
    {
        var (left, right) = (InGroups(b, conv, dy), InGroups(b, conv, Met(b, conv, x)));
        return b.Reshape(b.ReduceSum(b.FusedMatMul(left, right, transB: true), [0]), conv.Kernel);
    }

    /// <summary>One product for each group over the pixels of all images, of copies with the channels in front.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="conv">Sizes of y = conv(x, w).</param>
    /// <param name="x">[N, C, size].</param>
    /// <param name="dy">[N, M, windows].</param>
    public static Value ContractedOverImages(GraphBuilder b, Convolution conv, Value x, Value dy)
    {
        var (left, right) = (ChannelsFirst(b, conv, dy), ChannelsFirst(b, conv, Met(b, conv, x)));
        return b.Reshape(b.FusedMatMul(left, right, transB: true), conv.Kernel);
    }

    /// <summary>[N, C, size] to [N, groups, C / groups, pixels].</summary>
    private static Value InGroups(GraphBuilder b, Convolution conv, Value x) =>
        b.Reshape(x, [conv.Batch, conv.Groups, x.Shape[1] / conv.Groups, x.Shape.ElementCount / (conv.Batch * x.Shape[1])]);

    /// <summary>[N, C, size] to [groups, C / groups, N pixels]; the matrices of one group alone.</summary>
    private static Value ChannelsFirst(GraphBuilder b, Convolution conv, Value x)
    {
        var (perGroup, pixels) = (x.Shape[1] / conv.Groups, x.Shape.ElementCount / x.Shape[1]);
        var moved = b.Transpose(b.Reshape(x, [conv.Batch, x.Shape[1], pixels / conv.Batch]), 1, 0, 2);
        return b.Reshape(moved, conv.Groups == 1 ? [perGroup, pixels] : [conv.Groups, perGroup, pixels]);
    }

    /// <summary>Every stride-th pixel.</summary>
    private static Value Met(GraphBuilder b, Convolution conv, Value x)
    {
        for (var i = 0; i < conv.Window.Axes.Count; i++)
        {
            var axis = conv.Window.Axes[i];
            x = axis.Count == axis.Size ? x : b.Slice(x, i + 2, 0, axis.Span, axis.Stride);
        }

        return x;
    }
}
