using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Gradients.PerSample;

/// <summary>What each window of a convolution meets, as rows of a matrix.</summary>
internal static class WindowRows
{
    /// <summary>[N, C, H, W] to [N windows, C taps]: a row per window, in the order of a kernel's elements.</summary>
    public static Value Of(GraphBuilder b, Value image, Window window)
    {
        var (n, c, rows, columns) = (image.Shape[0], image.Shape[1], window.Axes[0], window.Axes[1]);
        if (window.Tiles)
        {
            var split = b.Reshape(image, [n, c, rows.Count, rows.Kernel, columns.Count, columns.Kernel]);
            return b.Reshape(b.Transpose(split, 0, 2, 4, 1, 3, 5), [n * rows.Count * columns.Count, c * rows.Kernel * columns.Kernel]);
        }

        var isPadded = window.Axes.Any(a => a.Before > 0 || a.After > 0);
        var padded = isPadded ? b.Pad(image, 0, 0, rows.Before, columns.Before, 0, 0, rows.After, columns.After) : image;
        var taps =
            from i in Enumerable.Range(0, (int)rows.Kernel)
            from j in Enumerable.Range(0, (int)columns.Kernel)
            select b.Reshape(Met(b, Met(b, padded, 2, rows, i), 3, columns, j), [n, c, 1, rows.Count * columns.Count]);
        var all = b.Concat(2, [.. taps]); // [N, C, taps, windows]
        return b.Reshape(b.Transpose(all, 0, 3, 1, 2), [n * rows.Count * columns.Count, c * rows.Kernel * columns.Kernel]);
    }

    /// <summary>What a tap meets along one axis, a pixel per window.</summary>
    private static Value Met(GraphBuilder b, Value image, int axis, WindowAxis window, int tap)
    {
        var start = tap * window.Dilation;
        return b.Slice(image, axis, start, start + (window.Stride * (window.Count - 1)) + 1, window.Stride);
    }
}
