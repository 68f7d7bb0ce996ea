namespace AutoProg.Graphs.Import;

/// <summary>An operator of a model file on its way into a graph: as the file has it, its operands built already.</summary>
/// <param name="Name">Name in the file; where it has none, its place in the list of nodes.</param>
/// <param name="Operator">E.g. <c>Gemm</c>.</param>
/// <param name="Domain">Operator set: empty for ai.onnx.</param>
/// <param name="Opset">Version of that operator set that the file is written for.</param>
/// <param name="Inputs">In the file's order; null is an optional input left out.</param>
/// <param name="Attributes">As the file has them.</param>
/// <param name="OutputCount">How many outputs the file lists; those behind the last that is used are left away.</param>
internal sealed record ForeignNode(
    string Name, string Operator, string Domain, long Opset, IReadOnlyList<Value?> Inputs, Attributes Attributes, int OutputCount)
{
    /// <summary>An input, or null where it is left out.</summary>
    public Value? OptionalInput(int index) => index < Inputs.Count ? Inputs[index] : null;

    /// <summary>An input that must be there.</summary>
    /// <exception cref="GraphException">It was left out.</exception>
    public Value Input(int index) => OptionalInput(index) ?? throw new GraphException($"input {index} is missing.");

    /// <summary>Integers that an input or, in older operator sets, an attribute holds: axes, sizes, pads. Null where both are left out.</summary>
    /// <exception cref="GraphException">The input is computed from what is not known while the graph is built.</exception>
    public long[]? Ints(int index, string attribute) => OptionalInput(index) is not { } input
        ? Attributes.Ints(attribute)
        : input.Constant?.Longs() ?? throw new GraphException($"input {index} ('{input.Name}') is computed from the data; shapes are static, so it must be known while the graph is built.");

    /// <summary>Integers as in <see cref="Ints"/> that must be there.</summary>
    /// <exception cref="GraphException">They are left out, or computed from the data.</exception>
    public long[] RequiredInts(int index) => KnownInput(index).Longs();

    /// <summary>The elements of an input that must be known while the graph is built.</summary>
    /// <exception cref="GraphException">It is left out, or computed from the data.</exception>
    public Tensor KnownInput(int index) => Input(index).Constant
        ?? throw new GraphException($"input {index} ('{Input(index).Name}') is computed from the data; shapes are static, so it must be known while the graph is built.");
}
