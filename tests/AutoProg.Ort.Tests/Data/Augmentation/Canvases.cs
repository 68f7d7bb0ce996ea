using AutoProg.Ort.Data.Augmentation;

namespace AutoProg.Ort.Tests.Data.Augmentation;

/// <summary>Small images for the operations.</summary>
internal static class Canvases
{
    /// <summary>A canvas whose three channels hold the same values.</summary>
    public static Canvas Grey(int width, int height, params int[] values) =>
        Of(width, height, [.. values.SelectMany(value => new[] { (byte)value, (byte)value, (byte)value })]);

    public static Canvas Of(int width, int height, byte[] pixels)
    {
        var canvas = new Canvas();
        canvas.Resize(width, height);
        pixels.CopyTo(canvas.Pixels);
        return canvas;
    }

    /// <summary>A busy image that is the same at every call.</summary>
    public static Canvas Busy(int side) => Of(side, side, [.. Enumerable.Range(0, side * side * 3).Select(i => (byte)(20 + (((i * 37) ^ (i >> 3)) % 200)))]);

    /// <summary>The red channel.</summary>
    public static int[] Values(this Canvas canvas) => [.. canvas.Pixels.ToArray().Where((_, i) => i % 3 == 0).Select(value => (int)value)];
}
