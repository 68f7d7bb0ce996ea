using AutoProg.Graphs.Artifacts.Protos;

namespace AutoProg.Graphs.Import;

/// <summary>How a model file becomes a graph.</summary>
public sealed record OnnxImportOptions
{
    /// <summary>Size of the first axis of every input that <see cref="Shapes"/> does not name; null takes what the file says. It replaces the size that the model was exported with.</summary>
    public long? Batch { get; init; }

    /// <summary>Shapes of inputs by name, for what the file leaves open.</summary>
    public IReadOnlyDictionary<string, Shape> Shapes { get; init; } = new Dictionary<string, Shape>();

    /// <summary>Which stored tensors become parameters; only Float ones are asked for. The others become constants.</summary>
    public Func<string, bool> IsParameter { get; init; } = static _ => false;

    /// <summary>Which outputs are wanted; what only the others need is left away. Null wants the first.</summary>
    public IReadOnlyList<string>? Outputs { get; init; }

    /// <summary>What inputs are called in the graph, by their name in the file; others keep it.</summary>
    public IReadOnlyDictionary<string, string> InputNames { get; init; } = new Dictionary<string, string>();
}

/// <summary>A model file as a graph, still open: a loss and gradients may be added.</summary>
/// <param name="Builder">The graph; parameters stand in the order in which its nodes read them.</param>
/// <param name="Outputs">What was wanted, by the file's names. Not declared as outputs of the graph yet.</param>
public sealed record ImportedGraph(GraphBuilder Builder, IReadOnlyDictionary<string, Value> Outputs);

/// <summary>
/// Builds the graph of a model file. Shapes are inferred node by node; what depends on shapes and constants alone is computed on the way. Each operator goes through
/// <see cref="CanonicalOperators"/>.
/// </summary>
public sealed class OnnxImport
{
    private readonly OnnxModelFile file;
    private readonly OnnxImportOptions options;
    private readonly GraphBuilder builder = new(CanonicalOperators.ComputableElements);
    private readonly Dictionary<string, Value> values = new(StringComparer.Ordinal);

    private OnnxImport(OnnxModelFile file, OnnxImportOptions options) => (this.file, this.options) = (file, options);

    /// <summary>Builds the graph.</summary>
    /// <exception cref="OnnxFormatException">A node is not supported (all of them are named), its operands do not fit, or a size is open.</exception>
    /// <exception cref="ArgumentException">The options name an input or output that the file does not have.</exception>
    public static ImportedGraph Build(OnnxModelFile file, OnnxImportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(file);
        return new OnnxImport(file, options ?? new OnnxImportOptions()).Run();
    }

    private ImportedGraph Run()
    {
        var wanted = options.Outputs ?? [file.Outputs[0].Name];
        var unknown = wanted.Except(file.Outputs.Select(static o => o.Name)).FirstOrDefault();
        if (unknown is not null)
        {
            throw new ArgumentException($"{file.Path} has no output '{unknown}'; it has {string.Join(", ", file.Outputs.Select(static o => o.Name))}.");
        }

        var flow = new NodeFlow(file, wanted);
        UnsupportedNodes.Refuse(file, flow, options.IsParameter);
        foreach (var (input, shape) in InputShapes.Of(file, options))
        {
            values.Add(input.Name, builder.Input(options.InputNames.GetValueOrDefault(input.Name, input.Name), input.Type, shape));
        }

        foreach (var (node, place) in flow.Nodes)
        {
            Add(node, GraphStructure.NameOf(node, place));
        }

        return new ImportedGraph(builder, wanted.ToDictionary(static name => name, Result, StringComparer.Ordinal));
    }

    private void Add(NodeProto node, string name)
    {
        if (GraphStructure.IsCopy(node) && file.Initializers.ContainsKey(node.Output[0]))
        {
            return;
        }

        var shown = $"node '{UntrustedText.Shown(name)}' ({UntrustedText.Shown(node.OpType)})";
        try
        {
            var inputs = node.Input.Select(input => input.Length == 0 ? null : ValueOf(input)).ToList();
            var domain = node.Domain == "ai.onnx" ? "" : node.Domain;
            using var scope = builder.RootScope(name.TrimStart('/'));
            var foreign = new ForeignNode(name, node.OpType, domain, file.Opset, inputs, file.AttributesOf(node), OutputCount(node));
            var results = CanonicalOperators.Add(builder, foreign);
            foreach (var (output, value) in node.Output.Zip(results))
            {
                _ = ElementReader.CheckedShape(value.Shape.ToArray());
                values[output] = value;
            }
        }
        catch (Exception error) when (error is GraphException or ArgumentException or ArithmeticException or InvalidOperationException or InvalidCastException or IndexOutOfRangeException)
        {
            // What shape rules and host kernels throw at operands that do not fit; any of them speaks of this node.
            throw new OnnxFormatException(file.Path, $"{shown}: {error.Message}", error);
        }
    }

    /// <summary>Outputs that the file lists, without those at the end that have no name.</summary>
    private static int OutputCount(NodeProto node) => node.Output.Count - node.Output.Reverse().TakeWhile(static o => o.Length == 0).Count();

    private Value Result(string output)
    {
        var value = ValueOf(output);
        var declared = file.Outputs.First(o => o.Name == output);
        var differs = declared.Dims is { } dims && (dims.Count != value.Shape.Rank || dims.Skip(1).Zip(value.Shape.Skip(1)).Any(static pair => pair.First is { } dim && dim != pair.Second));
        return !differs ? value : throw new OnnxFormatException(file.Path, $"output '{UntrustedText.Shown(output)}' comes to {value.Shape}, the file says {declared.ShownDims}. {BakedIn}");
    }

    /// <summary>A value by its name in the file; stored tensors join the graph where they are read first.</summary>
    private Value ValueOf(string name)
    {
        if (!values.TryGetValue(name, out var value))
        {
            var stored = file.Initializers[name];
            using var root = builder.RootScope("");
            value = stored.Type == ElementType.Float && options.IsParameter(name) ? builder.Parameter(name, stored.Shape) : builder.Constant(file.Read(name));
            values.Add(name, value);
        }

        return value;
    }

    internal const string BakedIn = "Sizes of the export may be written into the model; use those, or export it with dynamic axes.";
}
