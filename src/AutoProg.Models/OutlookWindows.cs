using AutoProg.Graphs;

namespace AutoProg.Models;

/// <summary>
/// The windows of outlook attention: 3 x 3 pixels, two apart, over an image with a border of one zero. Cutting and adding up are written in Split, Concat and Pad on
/// rows of channels, whose gradients are each other, so both directions cost a few copies and no convolution.
/// </summary>
internal static class OutlookWindows
{
    /// <summary>Pixels of a window.</summary>
    public const int Taps = 9;

    /// <summary>Distance between windows.</summary>
    public const int Stride = 2;

    private const int Side = 3;

    /// <summary>Cuts an image into windows (PyTorch's <c>Unfold(3, padding=1, stride=2)</c>), head by head.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="image">[B, 2h, 2w, D].</param>
    /// <param name="heads">Divides D.</param>
    /// <returns>[B, h w, heads, 9, D / heads].</returns>
    public static Value Cut(GraphBuilder b, Value image, long heads)
    {
        using var scope = b.Scope("unfold");
        var (batch, h, w, width) = (image.Shape[0], image.Shape[1] / Stride, image.Shape[2] / Stride, image.Shape[3]);
        var rows = Cut(b, b.Reshape(image, [batch, h, Stride, Stride * w * width]));                // [B, h, 3, 2w D]
        var all = Cut(b, b.Reshape(rows, [batch * h * Side, w, Stride, width]));                     // [B h 3, w, 3, D]
        var parts = b.Reshape(all, [batch, h, Side, w, Side, heads, width / heads]);
        return b.Reshape(b.Transpose(parts, 0, 1, 3, 5, 2, 4, 6), [batch, h * w, heads, Taps, width / heads]);
    }

    /// <summary>Adds windows up where they lie on one another (PyTorch's <c>fold</c>): the adjoint of cutting.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="windows">[B, h w, heads, 9, d].</param>
    /// <param name="h">Windows from top to bottom.</param>
    /// <param name="w">Windows from left to right.</param>
    /// <returns>[B, 2h, 2w, heads d].</returns>
    public static Value AddUp(GraphBuilder b, Value windows, long h, long w)
    {
        using var scope = b.Scope("fold");
        var (batch, heads, d) = (windows.Shape[0], windows.Shape[2], windows.Shape[4]);
        var width = heads * d;
        var parts = b.Transpose(b.Reshape(windows, [batch, h, w, heads, Side, Side, d]), 0, 1, 4, 2, 5, 3, 6);
        var columns = AddUp(b, b.Reshape(parts, [batch * h * Side, w, Side, width]));                // [B h 3, w, 2, D]
        var all = AddUp(b, b.Reshape(columns, [batch, h, Side, Stride * w * width]));                // [B, h, 2, 2w D]
        return b.Reshape(all, [batch, Stride * h, Stride * w, width]);
    }

    /// <summary>Along one axis, window i has the pixels 2i - 1, 2i and 2i + 1.</summary>
    private static Value Cut(GraphBuilder b, Value pairs)
    {
        var parts = b.Split(pairs, 2, 1, 1);
        var (even, odd) = (parts[0], parts[1]);
        return b.Concat(2, b.Pad(odd, 0, 1, 0, 0, 0, -1, 0, 0), even, odd);
    }

    /// <summary>Along one axis, pixel 2i is in window i; pixel 2i + 1 is the last one of window i and the first one of window i + 1.</summary>
    private static Value AddUp(GraphBuilder b, Value windows)
    {
        var parts = b.Split(windows, 2, 1, 1, 1);
        return b.Concat(2, parts[1], b.Add(parts[2], b.Pad(parts[0], 0, -1, 0, 0, 0, 1, 0, 0)));
    }
}
