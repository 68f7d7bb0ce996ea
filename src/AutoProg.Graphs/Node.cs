namespace AutoProg.Graphs;

/// <summary>One operator of a graph, as ONNX defines it.</summary>
public sealed class Node
{
    internal Node(string name, string op, string domain, IReadOnlyList<Value?> inputs, Attributes attributes)
    {
        Name = name;
        Operator = op;
        Domain = domain;
        Inputs = inputs;
        Attributes = attributes;
    }

    /// <summary>Unique in its graph; tells the place in the model, e.g. <c>blocks.3.attn/MatMul</c>.</summary>
    public string Name { get; }

    /// <summary>ONNX operator, e.g. <c>Gemm</c>.</summary>
    public string Operator { get; }

    /// <summary>Operator set: empty for ai.onnx, or <c>com.microsoft</c>.</summary>
    public string Domain { get; }

    /// <summary>Inputs in ONNX's order; null is an optional input left out.</summary>
    public IReadOnlyList<Value?> Inputs { get; }

    /// <summary>Outputs in ONNX's order.</summary>
    public IReadOnlyList<Value> Outputs { get; internal set; } = [];

    /// <summary>Attributes.</summary>
    public Attributes Attributes { get; }

    /// <summary>The first output.</summary>
    public Value Output => Outputs[0];

    /// <summary>An input that must be there.</summary>
    /// <exception cref="GraphException">It was left out.</exception>
    public Value Input(int index) =>
        OptionalInput(index) ?? throw new GraphException($"{this}: input {index} is missing.");

    /// <summary>An input, or null where it is left out.</summary>
    public Value? OptionalInput(int index) => index < Inputs.Count ? Inputs[index] : null;

    /// <summary>Integers that an input holds, for operators whose axes, shapes or pads are inputs.</summary>
    /// <exception cref="GraphException">The input is not a constant.</exception>
    public long[]? ConstantInts(int index) => OptionalInput(index) is not { } input
        ? null
        : input.Constant?.Longs() ?? throw new GraphException($"{this}: input {index} ('{input.Name}') must be a constant, because shapes are static.");

    /// <summary>This node reading replacements instead; the same node where nothing it reads is replaced.</summary>
    internal Node Reading(IReadOnlyDictionary<Value, Value> replacements)
    {
        if (!Inputs.Any(i => i is not null && replacements.ContainsKey(i)))
        {
            return this;
        }

        var node = new Node(Name, Operator, Domain, [.. Inputs.Select(i => i is null ? null : replacements.GetValueOrDefault(i, i))], Attributes);
        node.Outputs = [.. Outputs.Select(o => new Value(ValueKind.Result, o.Name, o.Type, o.Shape) { Producer = node })];
        return node;
    }

    /// <summary>This node without its optional outputs.</summary>
    internal Node WithFirstOutput()
    {
        var node = new Node(Name, Operator, Domain, Inputs, Attributes);
        node.Outputs = [new Value(ValueKind.Result, Output.Name, Output.Type, Output.Shape) { Producer = node }];
        return node;
    }

    /// <inheritdoc />
    public override string ToString() => $"node '{Name}' ({Operator})";
}
