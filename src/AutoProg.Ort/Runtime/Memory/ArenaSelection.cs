namespace AutoProg.Ort.Runtime;

/// <summary>Which parameters a step updates, which running statistics follow its batch, and of what it only carries on the moving averages. Immutable: make it once per sub-network.</summary>
internal sealed class ArenaSelection
{
    internal ArenaSelection(ArenaLayout layout, IEnumerable<ArenaSlot> changed, IEnumerable<ArenaSlot> averaged)
    {
        var ofBuffers = changed.OrderBy(slot => slot.Offset).ToLookup(slot => slot.Parameter.IsBuffer);
        Layout = layout;
        UpdatedSlots = [.. ofBuffers[false]];
        FollowedSlots = [.. ofBuffers[true]];
        Updated = Merge(UpdatedSlots);
        Followed = Merge(FollowedSlots);
        Computed = [.. Updated, .. Followed];
        Averaged = Merge([.. averaged.Concat(FollowedSlots).OrderBy(slot => slot.Offset)]);
    }

    /// <summary>The layout that the ranges refer to.</summary>
    public ArenaLayout Layout { get; }

    /// <summary>Parameters to update, in memory order.</summary>
    public IReadOnlyList<ArenaSlot> UpdatedSlots { get; }

    /// <summary>Ranges to update, in memory order; no two could be joined.</summary>
    public IReadOnlyList<ArenaRange> Updated { get; }

    /// <summary>Running statistics that follow the batch, in memory order.</summary>
    public IReadOnlyList<ArenaSlot> FollowedSlots { get; }

    /// <summary>Their ranges, each of one momentum.</summary>
    public IReadOnlyList<ArenaRange> Followed { get; }

    /// <summary>Ranges that the update leaves alone, but whose moving averages go on; those that follow the batch are among them.</summary>
    public IReadOnlyList<ArenaRange> Averaged { get; }

    /// <summary>Ranges of the gradients that a training graph writes: gradients of what is updated, the batch's statistics for what follows them.</summary>
    internal IReadOnlyList<ArenaRange> Computed { get; }

    private static List<ArenaRange> Merge(IReadOnlyList<ArenaSlot> slots)
    {
        var ranges = new List<ArenaRange>();
        foreach (var slot in slots)
        {
            var range = slot.Range;
            if (ranges.Count > 0 && ranges[^1].End == range.Offset && ranges[^1].IsLike(range))
                ranges[^1] = ranges[^1] with { Length = ranges[^1].Length + range.Length };
            else
                ranges.Add(range);
        }

        return ranges;
    }
}
