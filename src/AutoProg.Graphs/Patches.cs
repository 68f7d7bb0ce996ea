using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs;

/// <summary>Cuts images into patches or windows, and puts patches together again, without a convolution.</summary>
internal static class Patches
{
    /// <summary>[N, C, H, W] to [N H/h W/w, C h w]: a row per patch, in the order of a convolution kernel's elements.</summary>
    public static Value ToRows(GraphBuilder b, Value image, long height, long width)
    {
        var (n, c, rows, columns) = Grid(image.Shape, height, width);
        var split = b.Reshape(image, [n, c, rows, height, columns, width]);
        return b.Reshape(b.Transpose(split, 0, 2, 4, 1, 3, 5), [n * rows * columns, c * height * width]);
    }

    /// <summary>[N, C, H, W] to [N windows, C taps]: a row per window of a convolution, which may overlap or be padded, in the order of a kernel's elements.</summary>
    public static Value WindowRows(GraphBuilder b, Value image, Window window)
    {
        var (rows, columns) = (window.Axes[0], window.Axes[1]);
        if (window.Tiles)
        {
            return ToRows(b, image, rows.Kernel, columns.Kernel);
        }

        var (n, c) = (image.Shape[0], image.Shape[1]);
        var isPadded = window.Axes.Any(a => a.Before > 0 || a.After > 0);
        var padded = isPadded ? b.Pad(image, 0, 0, rows.Before, columns.Before, 0, 0, rows.After, columns.After) : image;
        var taps =
            from i in Enumerable.Range(0, (int)rows.Kernel)
            from j in Enumerable.Range(0, (int)columns.Kernel)
            select b.Reshape(Met(b, Met(b, padded, 2, rows, i), 3, columns, j), [n, c, 1, rows.Count * columns.Count]);
        var all = b.Concat(2, [.. taps]); // [N, C, taps, windows]
        return b.Reshape(b.Transpose(all, 0, 3, 1, 2), [n * rows.Count * columns.Count, c * rows.Kernel * columns.Kernel]);
    }

    /// <summary>The inverse of <see cref="ToRows"/>.</summary>
    public static Value ToImage(GraphBuilder b, Value patches, Shape image, long height, long width)
    {
        var (n, c, rows, columns) = Grid(image, height, width);
        var split = b.Reshape(patches, [n, rows, columns, c, height, width]);
        return b.Reshape(b.Transpose(split, 0, 3, 1, 4, 2, 5), image);
    }

    /// <summary>[N, M, H, W] to [N H W, M]: a row per pixel.</summary>
    public static Value PixelRows(GraphBuilder b, Value image) =>
        b.Reshape(b.Transpose(image, 0, 2, 3, 1), [image.Shape.ElementCount / image.Shape[1], image.Shape[1]]);

    /// <summary>The inverse of <see cref="PixelRows"/>.</summary>
    public static Value FromPixelRows(GraphBuilder b, Value rows, long batch, long height, long width) =>
        b.Transpose(b.Reshape(rows, [batch, height, width, rows.Shape[1]]), 0, 3, 1, 2);

    /// <summary>What a tap meets along one axis, a pixel per window.</summary>
    private static Value Met(GraphBuilder b, Value image, int axis, WindowAxis window, int tap)
    {
        var start = tap * window.Dilation;
        return b.Slice(image, axis, start, start + (window.Stride * (window.Count - 1)) + 1, window.Stride);
    }

    private static (long Batch, long Channels, long Rows, long Columns) Grid(Shape image, long height, long width) =>
        (image[0], image[1], image[2] / height, image[3] / width);
}
