namespace AutoProg.Ort.Runtime;

/// <summary>
/// How many updates each parameter has had since its moments were zero: the t of Adam's bias correction. Counted per parameter, as PyTorch does,
/// since a step of an elastic supernet updates only what its candidate uses.
/// </summary>
internal sealed class StepCounts
{
    private readonly ArenaLayout layout;
    private readonly long[] counts;

    internal StepCounts(ArenaLayout layout)
    {
        this.layout = layout;
        counts = new long[layout.Slots.Count];
    }

    /// <summary>Updates of a parameter.</summary>
    /// <exception cref="ArgumentException">The arena has no such parameter.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The count to set is negative.</exception>
    public long this[string name]
    {
        get => counts[layout[name].Index];
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            counts[layout[name].Index] = value;
        }
    }

    /// <summary>Updates of a parameter.</summary>
    public long this[ArenaSlot slot]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(slot);
            return counts[slot.Index];
        }
    }

    /// <summary>Counts one more update of everything that a step updates.</summary>
    public void Advance(ArenaSelection selection)
    {
        ArgumentNullException.ThrowIfNull(selection);
        foreach (var slot in selection.UpdatedSlots)
            counts[slot.Index]++;
    }

    internal void Copy(ArenaSlot from, ArenaSlot to) => counts[to.Index] = counts[from.Index];

    internal long[] Read(IReadOnlyList<ArenaSlot> slots) => [.. slots.Select(slot => counts[slot.Index])];

    internal void Write(IReadOnlyList<ArenaSlot> slots, IReadOnlyList<long> values)
    {
        for (var i = 0; i < slots.Count; i++)
            counts[slots[i].Index] = values[i];
    }

    internal void Clear(IReadOnlyList<ArenaSlot> slots)
    {
        foreach (var slot in slots)
            counts[slot.Index] = 0;
    }

    internal void Clear() => Array.Clear(counts);
}
