using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Gradients;

/// <summary>The adjoint of y = conv(x, w) with respect to w: from dy and x to dw.</summary>
internal static class ConvKernelAdjoint
{
    /// <summary>
    /// dw[m, c, i, j] = sum over n, p, q of dy[n, m, p, q] x[n, c, stride p + dilation i, stride q + dilation j]: matrix products of moved copies of dy and x,
    /// in the form that copies less. Copies decide, since the products cost the same.
    /// </summary>
    /// <param name="b">The graph.</param>
    /// <param name="x">[N, C, size], one or two spatial axes.</param>
    /// <param name="dy">[N, M, windows].</param>
    /// <param name="kernel">Shape of w: [M, C / groups, kernel].</param>
    /// <param name="window">How the kernel slides over x.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <exception cref="GraphException">There are more than two spatial axes.</exception>
    public static Value Of(GraphBuilder b, Value x, Value dy, Shape kernel, Window window, long groups)
    {
        if (window.Axes.Count > 2)
        {
            throw new GraphException($"The gradient of a convolution's kernel is known for one and two spatial axes, not for the kernel {kernel}.");
        }

        if (ConvImageAdjoint.IsPatchwise(window, groups))
        {
            var patches = Patches.ToRows(b, x, window.Kernel[0], window.Kernel[1]);
            return b.Reshape(b.Gemm(Patches.PixelRows(b, dy), patches, transA: true), kernel);
        }

        // One spatial axis is a second one of size 1.
        var columns = window.Axes[^1];
        var rows = window.Axes.Count == 2 ? window.Axes[0] : new WindowAxis(1, 1, 1, 1, 0, 0, 1);
        var image = Padded(b, b.Reshape(x, [x.Shape[0], x.Shape[1], rows.Size, columns.Size]), rows, columns);
        var response = b.Reshape(dy, [dy.Shape[0], dy.Shape[1], rows.Count, columns.Count]);
        var (m, c) = (kernel[0] / groups, kernel[1]);
        var copiedPerPixel = rows.Kernel * columns.Kernel * c;
        var dw = copiedPerPixel <= (rows.Kernel * m) + (columns.Kernel * c)
            ? AllTapsOfImage(b, image, response, rows, columns, groups, m, c)
            : RowsOfResponse(b, image, response, rows, columns, groups, m, c);
        return b.Reshape(dw, kernel);
    }

    /// <summary>dy times the pixels that each tap meets, kh kw copies of x: for few input channels, and for 1x1 kernels, which copy nothing.</summary>
    private static Value AllTapsOfImage(GraphBuilder b, Value image, Value dy, WindowAxis rows, WindowAxis columns, long groups, long m, long c)
    {
        var taps = Offsets(rows).SelectMany(i => Offsets(columns).Select(j => Met(b, image, rows, columns, i, j, rows.Count, groups)));
        var products = Products(b, [InGroups(b, dy, groups)], [.. taps]); // [groups, m, kh kw c]
        return b.Transpose(b.Reshape(products, [groups, m, rows.Kernel, columns.Kernel, c]), 0, 1, 4, 2, 3);
    }

    /// <summary>
    /// Rows of dy moved down by i times columns of x moved left by j: kh copies of dy and kw of x make all kh kw taps. At a stride, the taps fall into classes
    /// that meet the same rows of x (i dilation mod stride), and each class is a product of its own.
    /// </summary>
    private static Value RowsOfResponse(GraphBuilder b, Value image, Value dy, WindowAxis rows, WindowAxis columns, long groups, long m, long c)
    {
        var order = new List<long>();
        var parts = new List<Value>();
        foreach (var phase in Offsets(rows).Select((offset, i) => (Offset: offset, Row: (long)i)).GroupBy(t => t.Offset % rows.Stride))
        {
            var furthest = phase.Max(t => t.Offset) / rows.Stride;
            var moved = phase.Select(t => InGroups(b, MovedDown(b, dy, t.Offset / rows.Stride, furthest), groups));
            var met = Offsets(columns).Select(j => Met(b, image, rows, columns, phase.Key, j, rows.Count + furthest, groups));
            var products = Products(b, [.. moved], [.. met]); // [groups, taps m, kw c]
            parts.Add(b.Reshape(products, [groups, phase.Count(), m, columns.Kernel, c]));
            order.AddRange(phase.Select(t => t.Row));
        }

        var taps = parts.Count == 1 ? parts[0] : b.Gather(b.Concat(1, [.. parts]), b.Longs([.. Enumerable.Range(0, order.Count).Select(i => (long)order.IndexOf(i))]), 1);
        return b.Transpose(taps, 0, 2, 4, 1, 3);
    }

    /// <summary>Left times right transposed, summed over the batch: [groups, all left rows, all right rows].</summary>
    private static Value Products(GraphBuilder b, Value[] left, Value[] right) => b.ReduceSum(b.FusedMatMul(Joined(b, left), Joined(b, right), transB: true), [0]);

    private static Value Joined(GraphBuilder b, Value[] parts) => parts.Length == 1 ? parts[0] : b.Concat(2, parts);

    /// <summary>[N, C, H, W] to [N, groups, C / groups, H W].</summary>
    private static Value InGroups(GraphBuilder b, Value x, long groups) =>
        b.Reshape(x, [x.Shape[0], groups, x.Shape[1] / groups, x.Shape[2] * x.Shape[3]]);

    private static IEnumerable<long> Offsets(WindowAxis axis) => Enumerable.Range(0, (int)axis.Kernel).Select(k => k * axis.Dilation);

    private static Value MovedDown(GraphBuilder b, Value dy, long by, long furthest) =>
        furthest == 0 ? dy : b.Pad(dy, 0, 0, by, 0, 0, 0, furthest - by, 0);

    /// <summary>Every stride-th pixel from an offset on.</summary>
    private static Value Met(GraphBuilder b, Value image, WindowAxis rows, WindowAxis columns, long i, long j, long rowCount, long groups)
    {
        var endRow = i + (rows.Stride * (rowCount - 1)) + 1;
        var endColumn = j + (columns.Stride * (columns.Count - 1)) + 1;
        var isAll = i == 0 && j == 0 && rows.Stride == 1 && columns.Stride == 1 && endRow == image.Shape[2] && endColumn == image.Shape[3];
        var met = isAll
            ? image
            : b.Add("Slice", [image, b.Longs(i, j), b.Longs(endRow, endColumn), b.Longs(2, 3), b.Longs(rows.Stride, columns.Stride)])[0];
        return InGroups(b, met, groups);
    }

    private static Value Padded(GraphBuilder b, Value image, WindowAxis rows, WindowAxis columns) =>
        rows.Before + rows.After + columns.Before + columns.After == 0
            ? image
            : b.Pad(image, 0, 0, rows.Before, columns.Before, 0, 0, rows.After, columns.After);
}
