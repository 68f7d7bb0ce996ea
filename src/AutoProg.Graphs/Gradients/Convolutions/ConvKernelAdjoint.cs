namespace AutoProg.Graphs.Gradients.Convolutions;

/// <summary>The adjoint of y = conv(x, w) with respect to w: from dy and x to dw.</summary>
internal static class ConvKernelAdjoint
{
    private const int MostGroupsTogether = 8;

    /// <summary>dw in the form that is fastest for these sizes; every form gives the same.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="conv">Sizes of y = conv(x, w).</param>
    /// <param name="x">[N, C, size].</param>
    /// <param name="dy">[N, M, windows].</param>
    public static Value Of(GraphBuilder b, Convolution conv, Value x, Value dy)
    {
        var contracted = ContractsOverImages(conv);
        if (PixelProducts.Suit(conv))
        {
            return contracted ? PixelProducts.ContractedOverImages(b, conv, x, dy) : PixelProducts.SummedOverImages(b, conv, x, dy);
        }

        var together = GroupsTakenTogether(conv);
        if (together > 1 && !contracted)
        {
            return InterleavedColumns.GroupsTogether(b, conv, x, dy, together);
        }

        var apart = TakesColumnsApart(conv);
        return contracted ? InterleavedColumns.ContractedOverImages(b, conv, x, dy, apart) : InterleavedColumns.SummedOverImages(b, conv, x, dy, apart);
    }

    /// <summary>dw of each image, [N, M, C / groups, taps].</summary>
    /// <param name="b">The graph.</param>
    /// <param name="conv">Sizes of y = conv(x, w).</param>
    /// <param name="x">[N, C, size].</param>
    /// <param name="dy">[N, M, windows].</param>
    public static Value OfEachImage(GraphBuilder b, Convolution conv, Value x, Value dy) =>
        InterleavedColumns.OfEachImage(b, conv, x, dy, TakesColumnsApart(conv));

    /// <summary>
    /// A result per image costs its memory, and the sum reads it; moving x and dy costs theirs. The smaller wins. Milliseconds of a core at batch 8, summed and contracted:
    /// 3x3 512 channels at 7 pixels 24 and 15, 256 at 14 17 and 14, 64 at 112 60 and 85.
    /// </summary>
    private static bool ContractsOverImages(Convolution conv) =>
        conv.Batch > 1 && conv.Kernel.ElementCount > (conv.Image.ElementCount + conv.Response.ElementCount) / conv.Batch;

    /// <summary>
    /// Taps at a distance would be every so many pixels of all channels, which no stride is: together they would be computed with all between them. And where each channel
    /// is a group, a column of taps that lie in neighbouring rows is one stretch of memory for each tap: 7x7 on 96 channels at 56 pixels takes 20 ms of a core at batch 8 so,
    /// and 60 with all columns at once. At a stride it is no stretch: 24 ms and 7 for 3x3 on the same image.
    /// </summary>
    private static bool TakesColumnsApart(Convolution conv)
    {
        var columns = conv.Window.Axes[^1];
        return columns.Dilation > 1 || (conv.Channels == 1 && columns.Stride == 1);
    }

    /// <summary>
    /// Where each channel is a group, what is copied are the few taps of a row, number by number. Neighbouring channels taken as one group make rows of so many times the length; of
    /// the products of each with each all but their own are computed in vain. Milliseconds of a core at batch 8, for
    /// one and for 8: 3x3 96 channels at 112 pixels 26 and 17, 240 at 28 5.2 and 3.4, 5x5 96 at 56 10.4 and 8.4.
    /// </summary>
    private static long GroupsTakenTogether(Convolution conv)
    {
        var columns = conv.Window.Axes[^1];
        return conv.Channels == 1 && columns.Stride > 1 && columns.Dilation == 1
            ? Enumerable.Range(1, MostGroupsTogether).Last(count => conv.Groups % count == 0)
            : 1;
    }
}
