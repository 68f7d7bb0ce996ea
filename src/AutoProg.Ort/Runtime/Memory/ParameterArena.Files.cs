using AutoProg.Graphs;

namespace AutoProg.Ort.Runtime;

/// <summary>One parameter in one buffer, for writing to a file.</summary>
/// <param name="Name">The reference implementation's name.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Memory">The buffer, owned by the arena.</param>
/// <param name="Offset">First element.</param>
internal readonly record struct ArenaTensor(string Name, Shape Shape, FlatBuffer Memory, long Offset)
{
    /// <summary>The elements, read where they lie or copied from another device; valid until the arena is disposed of.</summary>
    public ReadOnlySpan<float> Values => Memory.Read(Offset, (int)Shape.ElementCount);
}

/// <summary>Reads one tensor of a file.</summary>
/// <param name="name">The reference implementation's name.</param>
/// <param name="shape">Its dimensions; a file that has others is refused by the reader.</param>
/// <param name="destination">Where the elements go.</param>
/// <returns>False if the file has no such tensor; the destination is then left alone.</returns>
internal delegate bool TensorReader(string name, Shape shape, Span<float> destination);

/// <content>The way to checkpoints and back.</content>
internal sealed partial class ParameterArena
{
    /// <summary>Every parameter of a buffer, in memory order.</summary>
    /// <exception cref="ArgumentException">The arena does not keep the buffer.</exception>
    public IEnumerable<ArenaTensor> Tensors(ArenaBuffer buffer)
    {
        var flat = this[buffer];
        return Layout.Slots.Select(slot => new ArenaTensor(slot.Name, slot.Parameter.Shape, flat, slot.Offset));
    }

    /// <summary>Asks the reader for every parameter of a buffer, in memory order.</summary>
    /// <returns>Names that the reader does not have; their elements are unchanged. The caller decides whether that is an error.</returns>
    /// <exception cref="ArgumentException">The arena does not keep the buffer.</exception>
    public IReadOnlyList<string> Load(ArenaBuffer buffer, TensorReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        var flat = this[buffer];
        return [.. Layout.Slots.Where(slot => !flat.TryFill(slot.Offset, slot.Length, elements => reader(slot.Name, slot.Parameter.Shape, elements))).Select(slot => slot.Name)];
    }

    /// <summary>Sets one parameter of a buffer.</summary>
    /// <exception cref="ArgumentException">The arena has no such buffer or parameter, or the shape or the number of values is not the parameter's.</exception>
    public void Set(ArenaBuffer buffer, string name, Shape shape, ReadOnlySpan<float> values)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var slot = Layout[name];
        if (!shape.Equals(slot.Parameter.Shape))
            throw new ArgumentException($"'{name}' has shape {shape}, but the model declares {slot.Parameter.Shape}.", nameof(shape));

        if (values.Length != slot.Length)
            throw new ArgumentException($"'{name}' got {values.Length} values, but shape {shape} has {slot.Length}.", nameof(values));

        this[buffer].Upload(slot.Offset, values);
    }
}
