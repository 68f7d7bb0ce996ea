namespace AutoProg.Graphs;

/// <summary>Cuts images into patches that do not overlap, and puts them together again, without a convolution.</summary>
internal static class Patches
{
    /// <summary>[N, C, H, W] to [N H/h W/w, C h w]: a row per patch, in the order of a convolution kernel's elements.</summary>
    public static Value ToRows(GraphBuilder b, Value image, long height, long width)
    {
        var (n, c, rows, columns) = Grid(image.Shape, height, width);
        var split = b.Reshape(image, [n, c, rows, height, columns, width]);
        return b.Reshape(b.Transpose(split, 0, 2, 4, 1, 3, 5), [n * rows * columns, c * height * width]);
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

    private static (long Batch, long Channels, long Rows, long Columns) Grid(Shape image, long height, long width) =>
        (image[0], image[1], image[2] / height, image[3] / width);
}
