namespace AutoProg.Graphs.Operators;

/// <summary>Convolutions and pools on [batch, channels, spatial axes].</summary>
internal static class WindowShapes
{
    public static IReadOnlyDictionary<string, ShapeRule> Rules { get; } = new Dictionary<string, ShapeRule>(StringComparer.Ordinal)
    {
        ["Conv"] = Conv,
        ["FusedConv"] = Conv,
        ["ConvTranspose"] = ConvTranspose,
        ["AveragePool"] = Pool,
        ["MaxPool"] = Pool,
        ["GlobalAveragePool"] = static (n, _) =>
            [new(n.Input(0).Type, Shape.Of([.. n.Input(0).Shape.Take(2), .. Enumerable.Repeat(1L, n.Input(0).Shape.Rank - 2)]))],
    };

    private static OutputType[] Conv(Node node, int outputs)
    {
        var (image, kernel) = (node.Input(0).Shape, node.Input(1).Shape);
        var window = Window.OfConv(node);
        var groups = node.Attributes.Int("group", 1);
        if (groups < 1 || image[1] != kernel[1] * groups || kernel[0] % groups != 0)
        {
            throw new GraphException($"kernel {kernel} in {groups} groups does not fit {image[1]} channels; [out, channels / groups, ...] is needed, out a multiple of groups.");
        }

        RequireBias(node, kernel[0]);
        return [new(node.Input(0).Type, Shape.Of([image[0], kernel[0], .. window.Counts]))];
    }

    private static OutputType[] ConvTranspose(Node node, int outputs)
    {
        var (image, kernel) = (node.Input(0).Shape, node.Input(1).Shape);
        var groups = node.Attributes.Int("group", 1);
        if (groups < 1 || image.Rank < 3 || image.Rank != kernel.Rank || image[1] != kernel[0] || kernel[0] % groups != 0)
        {
            throw new GraphException($"kernel {kernel} in {groups} groups does not fit {image}; [channels, out / groups, ...] is needed, channels a multiple of groups.");
        }

        RequireBias(node, kernel[1] * groups);
        return [new(node.Input(0).Type, Shape.Of([image[0], kernel[1] * groups, .. Window.OfConvTranspose(node).Axes.Select(a => a.Size)]))];
    }

    private static OutputType[] Pool(Node node, int outputs)
    {
        var input = node.Input(0);
        var shape = Shape.Of([.. input.Shape.Take(2), .. Window.OfPool(node).Counts]);
        OutputType[] all = [new(input.Type, shape), new(ElementType.Int64, shape)];
        return all[..outputs];
    }

    private static void RequireBias(Node node, long channels)
    {
        if (node.OptionalInput(2) is { } bias && !bias.Shape.Equals([channels]))
        {
            throw new GraphException($"the bias has shape {bias.Shape}, [{channels}] is needed.");
        }
    }
}
