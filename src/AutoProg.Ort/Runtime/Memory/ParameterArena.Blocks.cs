using System.Diagnostics;
using AutoProg.Models;

namespace AutoProg.Ort.Runtime;

/// <content>Copies of whole blocks: what growing and extracting sub-networks need.</content>
internal sealed partial class ParameterArena
{
    /// <summary>Copies a block over another of the same form. With moment 0 go the step counts.</summary>
    /// <exception cref="ArgumentException">A block or buffer does not exist, or the blocks differ in form.</exception>
    public void CopyBlock(BlockAddress from, BlockAddress to, IEnumerable<ArenaTransfer> transfers)
    {
        ArgumentNullException.ThrowIfNull(transfers);
        CheckAlike(from, to);
        foreach (var transfer in transfers)
        {
            Copy(Layout.SlotsOf(from), this[transfer.From], Layout.SlotsOf(to), this[transfer.To]);
            if (MovesStepCounts(transfer))
                Steps.Write(Layout.SlotsOf(to), Steps.Read(Layout.SlotsOf(from)));
        }
    }

    /// <summary>Copies what lies outside the blocks (null) or one block from one buffer to another.</summary>
    /// <exception cref="ArgumentException">The block or a buffer does not exist.</exception>
    public void CopyBetween(BlockAddress? block, ArenaTransfer transfer)
    {
        var slots = Layout.SlotsOf(block);
        Copy(slots, this[transfer.From], slots, this[transfer.To]);
    }

    /// <summary>Sets a block, or what lies outside the blocks (null), to zero. With moment 0 go the step counts.</summary>
    /// <exception cref="ArgumentException">The block or a buffer does not exist.</exception>
    public void Zero(BlockAddress? block, IEnumerable<ArenaBuffer> among)
    {
        ArgumentNullException.ThrowIfNull(among);
        var slots = Layout.SlotsOf(block);
        foreach (var buffer in among)
        {
            foreach (var slot in slots)
                this[buffer].Clear(slot.Offset, slot.Length);

            if (buffer == ArenaBuffer.Moment(0))
                Steps.Clear(slots);
        }
    }

    /// <summary>
    /// Rearranges the front blocks of a group: new block i becomes a copy of old block <c>sources[i]</c>. A source may feed several blocks; blocks behind the list stay.
    /// With moment 0 go the step counts.
    /// </summary>
    /// <param name="group">Block group.</param>
    /// <param name="sources">The old block for each new one, at most as many as the group has blocks.</param>
    /// <param name="transfers">Buffers to rearrange, one after the other. MoGrow reads the weights from a momentum network: name that transfer before the one within the network.</param>
    /// <exception cref="ArgumentException">A buffer or block does not exist, the blocks differ in form, or a transfer reads what an earlier one has overwritten.</exception>
    public void Rearrange(int group, IReadOnlyList<int> sources, IReadOnlyList<ArenaTransfer> transfers)
    {
        ArgumentNullException.ThrowIfNull(sources);
        ArgumentNullException.ThrowIfNull(transfers);
        if (sources.Count > Layout.GroupSize(group))
            throw new ArgumentException($"{sources.Count} blocks do not fit into group {group}, which has {Layout.GroupSize(group)}.", nameof(sources));

        for (var i = 0; i < sources.Count; i++)
            CheckAlike(new BlockAddress(group, sources[i]), new BlockAddress(group, i));

        for (var i = 0; i < transfers.Count; i++)
        {
            if (transfers.Take(i).Any(earlier => earlier.To == transfers[i].From || earlier.To == transfers[i].To))
                throw new ArgumentException($"The transfer from '{transfers[i].From}' to '{transfers[i].To}' comes after one that has overwritten its source or target; put it before.", nameof(transfers));
        }

        foreach (var transfer in transfers)
        {
            RearrangeOne(group, sources, transfer);
            if (MovesStepCounts(transfer))
                RearrangeStepCounts(group, sources);
        }
    }

    private static bool MovesStepCounts(ArenaTransfer transfer) => transfer == ArenaTransfer.Within(ArenaBuffer.Moment(0));

    private void RearrangeOne(int group, IReadOnlyList<int> sources, ArenaTransfer transfer)
    {
        var (from, to) = (this[transfer.From], this[transfer.To]);
        if (transfer.From != transfer.To)
        {
            for (var i = 0; i < sources.Count; i++)
                Copy(Slots(sources[i]), from, Slots(i), to);

            return;
        }

        // In place: a block may be overwritten as soon as no other block waits for its old content. What remains when none is left are cycles,
        // and a cycle is opened by setting one block aside.
        var waiting = new Dictionary<int, int>();   // new block -> old block, not yet copied
        var readers = new int[Layout.GroupSize(group)];
        for (var i = 0; i < sources.Count; i++)
        {
            if (sources[i] == i)
                continue;

            waiting.Add(i, sources[i]);
            readers[sources[i]]++;
        }

        var free = new Stack<int>(waiting.Keys.Where(block => readers[block] == 0));
        while (waiting.Count > 0)
        {
            while (free.TryPop(out var block))
            {
                waiting.Remove(block, out var source);
                Copy(Slots(source), from, Slots(block), to);
                if (--readers[source] == 0 && waiting.ContainsKey(source))
                    free.Push(source);
            }

            if (waiting.Count > 0)
                RotateCycle(waiting.Keys.First());
        }

        IReadOnlyList<ArenaSlot> Slots(int index) => Layout.SlotsOf(new BlockAddress(group, index));

        void RotateCycle(int first)
        {
            using var aside = new FlatBuffer(Slots(first).Sum(slot => slot.PaddedLength), memory);
            var offset = 0L;
            foreach (var slot in Slots(first))
            {
                aside.CopyFrom(to, slot.Offset, offset, slot.PaddedLength);
                offset += slot.PaddedLength;
            }

            var block = first;
            while (waiting.Remove(block, out var source))
            {
                if (source == first)
                    break;

                Copy(Slots(source), from, Slots(block), to);
                block = source;
            }

            offset = 0;
            foreach (var slot in Slots(block))
            {
                to.CopyFrom(aside, offset, slot.Offset, slot.PaddedLength);
                offset += slot.PaddedLength;
            }
        }
    }

    private void RearrangeStepCounts(int group, IReadOnlyList<int> sources)
    {
        var old = sources.Select(source => Steps.Read(Layout.SlotsOf(new BlockAddress(group, source)))).ToList();
        for (var i = 0; i < old.Count; i++)
            Steps.Write(Layout.SlotsOf(new BlockAddress(group, i)), old[i]);
    }

    private void CheckAlike(BlockAddress from, BlockAddress to)
    {
        if (!Layout.Alike(from, to))
            throw new ArgumentException($"Block {from.Index} of group {from.Group} cannot become block {to.Index} of group {to.Group}: their parameters differ in shape, weight decay or momentum.", nameof(from));
    }

    private static void Copy(IReadOnlyList<ArenaSlot> fromSlots, FlatBuffer from, IReadOnlyList<ArenaSlot> toSlots, FlatBuffer to)
    {
        Debug.Assert(fromSlots.Count == toSlots.Count, "only blocks of the same form are copied");
        for (var i = 0; i < fromSlots.Count; i++)
            to.CopyFrom(from, fromSlots[i].Offset, toSlots[i].Offset, fromSlots[i].Length);
    }
}
