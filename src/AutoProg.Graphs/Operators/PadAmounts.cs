namespace AutoProg.Graphs.Operators;

/// <summary>How many elements a Pad adds before and after each axis; negative amounts crop.</summary>
internal sealed record PadAmounts(long[] Before, long[] After)
{
    /// <summary>The amounts of a Pad node (pads is input 1, axes input 3).</summary>
    public static PadAmounts Of(Node node)
    {
        var rank = node.Input(0).Shape.Rank;
        var pads = node.ConstantInts(1)!;
        var axes = node.ConstantInts(3) ?? [.. Enumerable.Range(0, rank).Select(i => (long)i)];
        if (pads.Length != 2 * axes.Length)
        {
            throw new GraphException($"{pads.Length} pads for {axes.Length} axes; two per axis are needed.");
        }

        var amounts = new PadAmounts(new long[rank], new long[rank]);
        for (var i = 0; i < axes.Length; i++)
        {
            var axis = node.Input(0).Shape.Axis(axes[i]);
            amounts.Before[axis] = pads[i];
            amounts.After[axis] = pads[i + axes.Length];
        }

        return amounts;
    }

    /// <summary>The padded shape.</summary>
    public Shape Apply(Shape shape) => Shape.Of([.. shape.Select((dim, i) => dim + Before[i] + After[i])]);
}
