using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Tests.Evaluation;

/// <summary>Convolutions and pools, by their definition: a sum over the taps of a window. Padding is read as null.</summary>
internal static class WindowFormulas
{
    public static IReadOnlyDictionary<string, Formula> All { get; } = new Dictionary<string, Formula>(StringComparer.Ordinal)
    {
        ["Conv"] = Conv,
        ["FusedConv"] = static (node, x) =>
        {
            var y = Conv(node, x)[0];
            var sum = DoubleTensor.From(y.Shape, i => y[i] + (x.ElementAtOrDefault(3)?[i] ?? 0));
            return [node.Attributes.Text("activation", "") == "Relu" ? sum.Map(v => Math.Max(v, 0)) : sum];
        },
        ["ConvTranspose"] = ConvTranspose,
        ["AveragePool"] = AveragePool,
        ["MaxPool"] = MaxPool,
        ["GlobalAveragePool"] = static (node, x) =>
        {
            var plane = x[0]!.Shape.Skip(2).Aggregate(1L, (a, d) => a * d);
            return [new DoubleTensor(node.Output.Shape, [.. x[0]!.Values.Chunk((int)plane).Select(p => p.Average())])];
        },
    };

    private static DoubleTensor[] Conv(Node node, DoubleTensor?[] x)
    {
        var (image, kernel) = (x[0]!, x[1]!);
        var (inGroup, outGroup) = (kernel.Shape[1], kernel.Shape[0] / node.Attributes.Int("group", 1));
        return [DoubleTensor.From(node.Output.Shape, i =>
        {
            var sum = x.ElementAtOrDefault(2)?.Values[i[1]] ?? 0;
            foreach (var tap in DoubleTensor.Indices(Shape.Of([.. kernel.Shape.Skip(1)])))
            {
                var pixel = Pixel(node, i[2..], tap[1..], kernel.Shape.Rank - 2);
                sum += Read(image, [i[0], (i[1] / outGroup * inGroup) + tap[0], .. pixel]) is { } value ? value * kernel[[i[1], .. tap]] : 0;
            }

            return sum;
        })];
    }

    private static DoubleTensor[] ConvTranspose(Node node, DoubleTensor?[] x)
    {
        var (image, kernel) = (x[0]!, x[1]!);
        var (inGroup, outGroup) = (kernel.Shape[0] / node.Attributes.Int("group", 1), kernel.Shape[1]);
        var result = DoubleTensor.From(node.Output.Shape, i => x.ElementAtOrDefault(2)?.Values[i[1]] ?? 0);
        foreach (var i in DoubleTensor.Indices(image.Shape))
        {
            foreach (var tap in DoubleTensor.Indices(Shape.Of([.. kernel.Shape.Skip(1)])))
            {
                long[] target = [i[0], (i[1] / inGroup * outGroup) + tap[0], .. Pixel(node, i[2..], tap[1..], kernel.Shape.Rank - 2)];
                if (Read(result, target) is not null)
                {
                    result.Values[result.Offset(target)] += image[i] * kernel[[i[1], .. tap]];
                }
            }
        }

        return [result];
    }

    private static DoubleTensor[] AveragePool(Node node, DoubleTensor?[] x)
    {
        var kernel = node.Attributes.Ints("kernel_shape")!;
        var pads = node.Attributes.Ints("pads") ?? new long[2 * kernel.Length];
        var countPadding = node.Attributes.Flag("count_include_pad");
        return [DoubleTensor.From(node.Output.Shape, i =>
        {
            var (sum, count) = (0.0, 0);
            foreach (var tap in DoubleTensor.Indices(Shape.Of(kernel)))
            {
                var pixel = Pixel(node, i[2..], tap, kernel.Length);
                var value = Read(x[0]!, [i[0], i[1], .. pixel]);
                var inPadding = pixel.Select((p, a) => p < x[0]!.Shape[a + 2] + pads[a + kernel.Length]).All(inside => inside);
                sum += value ?? 0;
                count += value is not null || (countPadding && inPadding) ? 1 : 0;
            }

            return sum / count;
        })];
    }

    private static DoubleTensor[] MaxPool(Node node, DoubleTensor?[] x)
    {
        var kernel = node.Attributes.Ints("kernel_shape")!;
        var chosen = DoubleTensor.From(node.Output.Shape, i => DoubleTensor.Indices(Shape.Of(kernel))
            .Select(tap => (long[])[i[0], i[1], .. Pixel(node, i[2..], tap, kernel.Length)])
            .Where(pixel => Read(x[0]!, pixel) is not null)
            .Select(pixel => x[0]!.Offset(pixel))
            .MaxBy(place => x[0]!.Values[place]));
        return [chosen.Map(place => x[0]!.Values[(long)place]), chosen];
    }

    /// <summary>Where a tap of a window lies in the image.</summary>
    private static long[] Pixel(Node node, long[] window, long[] tap, int rank)
    {
        var strides = node.Attributes.Ints("strides") ?? [.. Enumerable.Repeat(1L, rank)];
        var dilations = node.Attributes.Ints("dilations") ?? [.. Enumerable.Repeat(1L, rank)];
        var pads = node.Attributes.Has("auto_pad") ? [.. Window.OfConv(node).Axes.Select(a => a.Before)] : node.Attributes.Ints("pads") ?? new long[rank];
        return [.. Enumerable.Range(0, rank).Select(a => (window[a] * strides[a]) + (tap[a] * dilations[a]) - pads[a])];
    }

    private static double? Read(DoubleTensor tensor, long[] index) =>
        index.Zip(tensor.Shape).All(p => p.First >= 0 && p.First < p.Second) ? tensor[index] : null;
}
