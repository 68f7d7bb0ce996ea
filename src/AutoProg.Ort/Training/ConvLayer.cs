using System.Globalization;
using AutoProg.Graphs;

namespace AutoProg.Ort.Training;

/// <summary>A convolution of images, the same along both axes.</summary>
/// <param name="Image">[N, C, H, W].</param>
/// <param name="Kernel">[M, C / groups, height, width].</param>
/// <param name="Stride">Pixels from one window to the next.</param>
/// <param name="Padding">Zeros at each side.</param>
/// <param name="Dilation">Pixels from one tap to the next.</param>
/// <param name="Groups">Groups of channels.</param>
public sealed record ConvLayer(Shape Image, Shape Kernel, int Stride = 1, int Padding = 0, int Dilation = 1, int Groups = 1)
{
    private const long MostElements = 1 << 29;

    /// <summary>Reads image, kernel and what differs from the defaults, e.g. <c>8x64x112x112,64x64x3x3,p1</c>: s is the stride, p the padding, d the dilation, g the groups.</summary>
    /// <exception cref="ArgumentException">It is not of that form, the kernel does not fit the image, or the result is too large.</exception>
    public static ConvLayer Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parts = text.Split(',', StringSplitOptions.TrimEntries);
        if (parts.Length < 2 || SizesOf(parts[0]) is not { } image || SizesOf(parts[1]) is not { } kernel)
        {
            throw Malformed(text);
        }

        var layer = new ConvLayer(image, kernel);
        foreach (var part in parts[2..])
        {
            layer = int.TryParse(part.AsSpan(Math.Min(1, part.Length)), NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value <= ushort.MaxValue
                ? part[0] switch
                {
                    's' when value > 0 => layer with { Stride = value },
                    'p' => layer with { Padding = value },
                    'd' when value > 0 => layer with { Dilation = value },
                    'g' when value > 0 => layer with { Groups = value },
                    _ => throw Malformed(text),
                }
                : throw Malformed(text);
        }

        Shape result;
        try
        {
            result = layer.Build(new GraphBuilder()).Y.Shape;
        }
        catch (GraphException error)
        {
            throw new ArgumentException($"'{text}' is no convolution: {error.Message}", nameof(text), error);
        }

        return IsTooLarge(result) ? throw new ArgumentException($"'{text}' has a result of {result}; expected at most {MostElements} elements", nameof(text)) : layer;
    }

    /// <summary>Inputs x and w, and y = conv(x, w).</summary>
    internal (Value X, Value W, Value Y) Build(GraphBuilder b)
    {
        var (x, w) = (b.Input("x", ElementType.Float, Image), b.Input("w", ElementType.Float, Kernel));
        return (x, w, b.Conv(x, w, strides: [Stride, Stride], pads: [Padding, Padding, Padding, Padding], dilations: [Dilation, Dilation], groups: Groups));
    }

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    public override string ToString()
    {
        (char Letter, int Value, int Usual)[] settings = [('s', Stride, 1), ('p', Padding, 0), ('d', Dilation, 1), ('g', Groups, 1)];
        return string.Join(',', [string.Join('x', Image), string.Join('x', Kernel), .. settings.Where(s => s.Value != s.Usual).Select(s => $"{s.Letter}{s.Value}")]);
    }

    private static Shape? SizesOf(string text)
    {
        var sizes = text.Split('x').Select(size => int.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0L).ToArray();
        var isShape = sizes.Length == 4 && sizes.All(size => size is > 0 and <= ushort.MaxValue) && !IsTooLarge(sizes);
        return isShape ? Shape.Of(sizes) : null;
    }

    private static bool IsTooLarge(IEnumerable<long> sizes) => sizes.Aggregate(1L, static (all, size) => Math.Min(all * size, 2 * MostElements)) > MostElements;

    private static ArgumentException Malformed(string text) => new(
        $"'{text}' is no convolution; expected image and kernel of at most {MostElements} elements, then perhaps stride, padding, dilation and groups, e.g. 8x64x112x112,64x64x3x3,s2,p1",
        nameof(text));
}
