namespace AutoProg.Ort.Runtime;

/// <summary>Which parameters a step updates, and of which it only carries on the moving averages. Immutable: make it once per sub-network.</summary>
public sealed class ArenaSelection
{
    internal ArenaSelection(ArenaLayout layout, IEnumerable<ArenaSlot> updated, IEnumerable<ArenaSlot> averaged)
    {
        Layout = layout;
        UpdatedSlots = [.. updated.OrderBy(slot => slot.Offset)];
        Updated = Merge(UpdatedSlots);
        Averaged = Merge([.. averaged.OrderBy(slot => slot.Offset)]);
    }

    /// <summary>The layout that the ranges refer to.</summary>
    public ArenaLayout Layout { get; }

    /// <summary>Parameters to update, in memory order.</summary>
    public IReadOnlyList<ArenaSlot> UpdatedSlots { get; }

    /// <summary>Ranges to update, in memory order; no two could be joined.</summary>
    public IReadOnlyList<ArenaRange> Updated { get; }

    /// <summary>Ranges whose weights stay, but whose moving averages go on.</summary>
    public IReadOnlyList<ArenaRange> Averaged { get; }

    private static List<ArenaRange> Merge(IReadOnlyList<ArenaSlot> slots)
    {
        var ranges = new List<ArenaRange>();
        foreach (var slot in slots)
        {
            if (ranges.Count > 0 && ranges[^1].End == slot.Offset && ranges[^1].WeightDecay == slot.Parameter.WeightDecay)
                ranges[^1] = ranges[^1] with { Length = ranges[^1].Length + slot.PaddedLength };
            else
                ranges.Add(new ArenaRange(slot.Offset, slot.PaddedLength, slot.Parameter.WeightDecay));
        }

        return ranges;
    }
}
