using AutoProg.Graphs.Gradients.Convolutions;
using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Gradients;

internal static class PoolGradients
{
    public static IReadOnlyDictionary<string, GradientRule> Rules { get; } = new Dictionary<string, GradientRule>(StringComparer.Ordinal)
    {
        ["AveragePool"] = AveragePool,
        ["MaxPool"] = MaxPool,
        ["GlobalAveragePool"] = static (b, n, dy) =>
            [b.Expand(b.Scale(dy[0], (double)n.Output.Shape.ElementCount / n.Input(0).Shape.ElementCount), n.Input(0).Shape)],
    };

    /// <summary>How many elements each window averages, [windows]: padding counts if asked for, what hangs over it never does.</summary>
    public static double[] Counts(Window window, bool countPadding)
    {
        double[] counts = [1];
        foreach (var axis in window.Axes)
        {
            var (low, high) = countPadding ? (-axis.Before, axis.Size + axis.After) : (0, axis.Size);
            var along = Enumerable.Range(0, (int)axis.Count).Select(i =>
            {
                var start = (i * axis.Stride) - axis.Before;
                return (double)Enumerable.Range(0, (int)axis.Kernel).Count(k => start + (k * axis.Dilation) >= low && start + (k * axis.Dilation) < high);
            }).ToArray();
            counts = [.. counts.SelectMany(c => along.Select(a => a * c))];
        }

        return counts;
    }

    /// <summary>Each pixel gets dy / count from every window that it is in.</summary>
    private static Value?[] AveragePool(GraphBuilder b, Node n, OutputGradients dy)
    {
        var window = Window.OfPool(n);
        var counts = Counts(window, n.Attributes.Flag("count_include_pad"));
        var share = counts.All(c => c == counts[0])
            ? b.Scale(dy[0], 1 / counts[0])
            : b.Mul(dy[0], b.Constant(Tensor.FromDoubles(dy[0].Type, Shape.Of(window.Counts), [.. counts.Select(c => 1 / c)])));
        return [window.Tiles ? Repeated(b, share, window, n.Input(0).Shape) : Summed(b, share, window, n.Input(0).Shape)];
    }

    /// <summary>Where no two windows overlap, each value is repeated over its window.</summary>
    private static Value Repeated(GraphBuilder b, Value share, Window window, Shape image)
    {
        long[] outer = [.. share.Shape.Take(2)];
        var apart = b.Reshape(share, Shape.Of([.. outer, .. window.Axes.SelectMany(a => (long[])[a.Count, 1])]));
        return b.Reshape(b.Expand(apart, Shape.Of([.. outer, .. window.Axes.SelectMany(a => (long[])[a.Count, a.Kernel])])), image);
    }

    /// <summary>Else the windows are summed by the adjoint of a convolution with ones, every channel an image of its own.</summary>
    private static Value Summed(GraphBuilder b, Value share, Window window, Shape image)
    {
        var images = Shape.Of([image[0] * image[1], 1, .. image.Skip(2)]);
        var ones = b.Full(share, Shape.Of([1, 1, .. window.Kernel]), 1);
        var flat = b.Reshape(share, Shape.Of([images[0], 1, .. window.Counts]));
        return b.Reshape(ConvImageAdjoint.Of(b, new Convolution(images, ones.Shape, window, 1), flat, ones), image);
    }

    /// <summary>The gradient goes to the pixel that was chosen, which the second output tells as a place in the flat input.</summary>
    private static Value?[] MaxPool(GraphBuilder b, Node n, OutputGradients dy)
    {
        if (n.Outputs.Count < 2 || n.Attributes.Int("storage_order", 0) != 0)
        {
            throw new GraphException($"{n}: the gradient of MaxPool needs its second output (Indices) in row-major order.");
        }

        var (image, count) = (n.Input(0).Shape, n.Output.Shape.ElementCount);
        var zeros = b.Full(dy[0], [image.ElementCount], 0);
        return [b.Reshape(b.ScatterElements(zeros, b.Reshape(n.Outputs[1], [count]), b.Reshape(dy[0], [count]), 0, "add"), image)];
    }
}
