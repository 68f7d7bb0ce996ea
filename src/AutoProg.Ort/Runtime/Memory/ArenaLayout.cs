using System.Diagnostics.CodeAnalysis;
using AutoProg.Models;

namespace AutoProg.Ort.Runtime;

/// <summary>Where a parameter lies in every buffer of an arena.</summary>
/// <param name="Index">Place in memory order, from 0.</param>
/// <param name="Parameter">What the model declares.</param>
/// <param name="Offset">First element, a multiple of <see cref="ArenaLayout.Alignment"/>.</param>
/// <param name="Length">Number of elements, without padding.</param>
internal sealed record ArenaSlot(int Index, Parameter Parameter, long Offset, int Length)
{
    /// <summary>The reference implementation's name.</summary>
    public string Name => Parameter.Name;

    /// <summary>Number of elements up to the next parameter.</summary>
    public long PaddedLength => (Length + ArenaLayout.Alignment - 1L) / ArenaLayout.Alignment * ArenaLayout.Alignment;

    /// <summary>Its place with the padding.</summary>
    public ArenaRange Range => new(Offset, PaddedLength, Parameter.WeightDecay, Parameter.Running?.Momentum);
}

/// <summary>A contiguous piece of every buffer, made of whole parameters with their padding.</summary>
/// <param name="Offset">First element.</param>
/// <param name="Length">Number of elements.</param>
/// <param name="WeightDecay">Whether weight decay applies to all of it.</param>
/// <param name="Momentum">How all of it follows the batches, if it is running statistics (<see cref="RunningStatistic.Momentum"/>); null if it learns.</param>
internal readonly record struct ArenaRange(long Offset, long Length, bool WeightDecay, double? Momentum = null)
{
    /// <summary>The first element behind it.</summary>
    public long End => Offset + Length;

    /// <summary>Whether another range is treated alike.</summary>
    internal bool IsLike(ArenaRange other) => WeightDecay == other.WeightDecay && Momentum == other.Momentum;
}

/// <summary>
/// The order of a model's parameters in flat memory: first what weight decay applies to, then what else learns, then running statistics. Within each of the three
/// classes the parameters outside the blocks come first, then block by block. A block is therefore one contiguous range per class.
/// </summary>
internal sealed class ArenaLayout
{
    /// <summary>Every parameter starts at a multiple of so many elements (64 bytes); the gap before the next one is zero and stays so.</summary>
    public const int Alignment = 16;

    private readonly Dictionary<string, ArenaSlot> byName = new(StringComparer.Ordinal);
    private readonly Dictionary<BlockAddress, List<ArenaSlot>> byBlock = [];
    private readonly List<ArenaSlot> outside = [];

    /// <summary>Lays out the parameters of the complete model at full depth.</summary>
    /// <exception cref="ArgumentException">There is no parameter, a name occurs twice, or a shape has no elements or 2^31 and more.</exception>
    public ArenaLayout(IReadOnlyList<Parameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        if (parameters.Count == 0)
            throw new ArgumentException("The model declares no parameters; an arena needs at least one.", nameof(parameters));

        var slots = new List<ArenaSlot>(parameters.Count);
        var inOrder = parameters
            .OrderBy(parameter => parameter.IsBuffer)
            .ThenByDescending(parameter => parameter.WeightDecay)
            .ThenBy(parameter => parameter.Block is not null)
            .ThenBy(parameter => parameter.Block?.Group)
            .ThenBy(parameter => parameter.Block?.Index);
        foreach (var parameter in inOrder)
        {
            var slot = new ArenaSlot(slots.Count, parameter, Length, ElementCount(parameter));
            if (!byName.TryAdd(parameter.Name, slot))
                throw new ArgumentException($"Parameter '{parameter.Name}' is declared twice; names must be unique.", nameof(parameters));

            slots.Add(slot);
            SlotsAt(parameter.Block).Add(slot);
            Length = checked(Length + slot.PaddedLength);
        }

        Slots = slots;
        Blocks = [.. byBlock.Keys.OrderBy(block => block.Group).ThenBy(block => block.Index)];
    }

    /// <summary>All parameters in memory order.</summary>
    public IReadOnlyList<ArenaSlot> Slots { get; }

    /// <summary>All blocks, by group, then by place in the group.</summary>
    public IReadOnlyList<BlockAddress> Blocks { get; }

    /// <summary>Elements per buffer, padding included.</summary>
    public long Length { get; }

    /// <summary>The parameter of this name.</summary>
    /// <exception cref="ArgumentException">The model has none.</exception>
    public ArenaSlot this[string name] => TryFind(name, out var slot)
        ? slot
        : throw new ArgumentException($"The arena has no parameter '{name}'; it holds {Slots.Count}, the first is '{Slots[0].Name}'.", nameof(name));

    /// <summary>Whether the model has a parameter of this name.</summary>
    public bool TryFind(string name, [NotNullWhen(true)] out ArenaSlot? slot) => byName.TryGetValue(name, out slot);

    /// <summary>The parameters of a block, or those outside all blocks (null), in memory order.</summary>
    /// <exception cref="ArgumentException">The model has no such block.</exception>
    public IReadOnlyList<ArenaSlot> SlotsOf(BlockAddress? block) =>
        block is not { } address ? outside
        : byBlock.TryGetValue(address, out var slots) ? slots
        : throw new ArgumentException($"The arena has no block {address.Index} in group {address.Group}; {Describe(address.Group)}.", nameof(block));

    /// <summary>What learns outside the blocks and in the given blocks, merged into as few ranges as order and weight decay allow.</summary>
    /// <exception cref="ArgumentException">The model has no such block.</exception>
    public IReadOnlyList<ArenaRange> Ranges(IEnumerable<BlockAddress> activeBlocks) => Select(activeBlocks).Updated;

    /// <summary>What a step touches, by blocks: it changes what lies outside the blocks and the active blocks.</summary>
    /// <param name="activeBlocks">Blocks that the step uses.</param>
    /// <param name="averagedBlocks">Blocks that the step does not use but whose moving averages go on, as in an elastic supernet; active ones among them are ignored.</param>
    /// <exception cref="ArgumentException">The model has no such block.</exception>
    public ArenaSelection Select(IEnumerable<BlockAddress> activeBlocks, IEnumerable<BlockAddress>? averagedBlocks = null)
    {
        ArgumentNullException.ThrowIfNull(activeBlocks);
        var active = activeBlocks.ToHashSet();
        var averaged = (averagedBlocks ?? []).Where(block => !active.Contains(block)).Distinct();
        return new ArenaSelection(this, [.. outside, .. active.SelectMany(block => SlotsOf(block))], averaged.SelectMany(block => SlotsOf(block)));
    }

    /// <summary>What a step touches, by parameters: for learnable subsets that are finer than blocks.</summary>
    /// <param name="changed">Whether the step changes a parameter: it updates what learns, and lets running statistics follow its batch.</param>
    /// <param name="averaged">Whether the moving averages of a parameter go on that the step does not change; null is none.</param>
    public ArenaSelection Select(Func<Parameter, bool> changed, Func<Parameter, bool>? averaged = null)
    {
        ArgumentNullException.ThrowIfNull(changed);
        var split = Slots.ToLookup(slot => changed(slot.Parameter));
        return new ArenaSelection(this, split[true], averaged is null ? [] : split[false].Where(slot => averaged(slot.Parameter)));
    }

    /// <summary>Whether two blocks hold the same shapes in the same order, treated alike, so that one can be copied over the other.</summary>
    /// <exception cref="ArgumentException">The model has no such block.</exception>
    public bool Alike(BlockAddress left, BlockAddress right) => SlotsOf(left).Select(Form).SequenceEqual(SlotsOf(right).Select(Form));

    /// <summary>How many blocks a group has.</summary>
    internal int GroupSize(int group) => Blocks.Count(block => block.Group == group);

    private static (Graphs.Shape Shape, bool WeightDecay, RunningStatistic? Running) Form(ArenaSlot slot) => (slot.Parameter.Shape, slot.Parameter.WeightDecay, slot.Parameter.Running);

    private static int ElementCount(Parameter parameter)
    {
        var count = parameter.Shape.ElementCount;
        return count is > 0 and <= int.MaxValue
            ? (int)count
            : throw new ArgumentException($"Parameter '{parameter.Name}' has shape {parameter.Shape}, i.e. {count} elements; 1 to {int.MaxValue} are possible.", nameof(parameter));
    }

    private List<ArenaSlot> SlotsAt(BlockAddress? block)
    {
        if (block is not { } address)
            return outside;

        if (!byBlock.TryGetValue(address, out var slots))
            byBlock.Add(address, slots = []);

        return slots;
    }

    private string Describe(int group) => GroupSize(group) is var size and > 0 ? $"group {group} has {size} blocks" : $"there is no group {group}";
}
