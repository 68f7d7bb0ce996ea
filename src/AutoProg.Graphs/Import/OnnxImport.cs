using AutoProg.Graphs.Artifacts.Protos;

namespace AutoProg.Graphs.Import;

/// <summary>How a model file becomes a graph.</summary>
public sealed record OnnxImportOptions
{
    /// <summary>Size of the first axis of every input that <see cref="Shapes"/> does not name; null takes what the file says. It replaces the size that the model was exported with.</summary>
    public long? Batch { get; init; }

    /// <summary>Shapes of inputs by name, for what the file leaves open.</summary>
    public IReadOnlyDictionary<string, Shape> Shapes { get; init; } = new Dictionary<string, Shape>();

    /// <summary>Which stored tensors become parameters; only Float ones are asked for, and no running statistics of batch normalisation. The others become constants.</summary>
    public Func<string, bool> IsParameter { get; init; } = static _ => false;

    /// <summary>Which outputs are wanted; what only the others need is left away. Null wants the first.</summary>
    public IReadOnlyList<string>? Outputs { get; init; }

    /// <summary>What batch normalisation does while the model is trained.</summary>
    public BatchNormMode BatchNorm { get; init; }

    /// <summary>
    /// Whether the graph is for training. If not, normalisations that follow the batches in training read their running statistics, which are parameters then: the graph that
    /// evaluates what is being trained.
    /// </summary>
    public bool Training { get; init; } = true;

    /// <summary>Whether running variances follow m / (m - 1) times the batch's, m elements per channel, as in PyTorch; ONNX takes the batch's as it is.</summary>
    public bool UnbiasedVariance { get; init; } = true;

    /// <summary>What inputs are called in the graph, by their name in the file; others keep it.</summary>
    public IReadOnlyDictionary<string, string> InputNames { get; init; } = new Dictionary<string, string>();
}

/// <summary>A model file as a graph, still open: a loss and gradients may be added.</summary>
/// <param name="Builder">The graph; parameters stand in the order in which its nodes read them.</param>
/// <param name="Outputs">What was wanted, by the file's names. Not declared as outputs of the graph yet.</param>
/// <param name="Statistics">Running statistics that follow the batches, with what this batch says; empty if the graph is not for training.</param>
public sealed record ImportedGraph(GraphBuilder Builder, IReadOnlyDictionary<string, Value> Outputs, IReadOnlyList<ImportedStatistic> Statistics);

/// <summary>
/// Builds the graph of a model file. Shapes are inferred node by node; what depends on shapes and constants alone is computed on the way. Operators take the one form that gradient
/// rules know, whatever their opset.
/// </summary>
public sealed class OnnxImport
{
    internal const string BakedIn = "Sizes of the export may be written into the model; use those, or export it with dynamic axes.";

    // X, scale and bias of a batch normalisation come first.
    private const int FirstStatistic = 3;

    private readonly OnnxModelFile file;
    private readonly OnnxImportOptions options;
    private readonly GraphBuilder builder = new(CanonicalOperators.ComputableElements);
    private readonly BatchNormImport batchNorms;
    private readonly Dictionary<string, Value> values = new(StringComparer.Ordinal);
    private readonly HashSet<string> statistics = new(StringComparer.Ordinal);

    private OnnxImport(OnnxModelFile file, OnnxImportOptions options)
    {
        (this.file, this.options) = (file, options);
        batchNorms = new BatchNormImport(builder, options);
    }

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
        statistics.UnionWith(flow.Nodes.Select(static n => n.Node).Where(GraphStructure.IsBatchNorm).SelectMany(static n => n.Input.Skip(FirstStatistic)));
        UnsupportedNodes.Refuse(file, flow, Learns);
        foreach (var (input, shape) in InputShapes.Of(file, options))
        {
            values.Add(input.Name, builder.Input(options.InputNames.GetValueOrDefault(input.Name, input.Name), input.Type, shape));
        }

        foreach (var (node, place) in flow.Nodes)
        {
            Add(node, GraphStructure.NameOf(node, place));
        }

        return new ImportedGraph(builder, wanted.ToDictionary(static name => name, Result, StringComparer.Ordinal), batchNorms.Statistics);
    }

    private bool Learns(string name) => file.Initializers.TryGetValue(name, out var stored) && stored.Type == ElementType.Float && !statistics.Contains(name) && options.IsParameter(name);

    private void Add(NodeProto node, string name)
    {
        if (GraphStructure.IsCopy(node) && file.Initializers.ContainsKey(node.Output[0]))
        {
            return;
        }

        var shown = $"node '{UntrustedText.Shown(name)}' ({UntrustedText.Shown(node.OpType)})";
        try
        {
            using var scope = builder.RootScope(name.TrimStart('/'));
            foreach (var (output, value) in node.Output.Zip(Results(node, name)))
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

    private IReadOnlyList<Value> Results(NodeProto node, string name)
    {
        var attributes = file.AttributesOf(node);
        var follows = GraphStructure.IsBatchNorm(node) && batchNorms.FollowsBatches(attributes);
        var inputs = node.Input.Select((input, place) => input.Length == 0 ? null
            : !follows || place < FirstStatistic ? ValueOf(input)
            : Buffer(input, ValueOf(node.Input[0]).Shape)).ToList();
        var foreign = new ForeignNode(name, node.OpType, node.Domain == "ai.onnx" ? "" : node.Domain, file.Opset, inputs, attributes, OutputCount(node));
        if (!GraphStructure.IsBatchNorm(node))
        {
            return CanonicalOperators.Add(builder, foreign);
        }

        return node.Input.Count > FirstStatistic + 1
            ? [batchNorms.Add(foreign, node.Input[FirstStatistic], node.Input[FirstStatistic + 1])]
            : throw new GraphException($"has {node.Input.Count} inputs, {FirstStatistic + 2} are needed.");
    }

    /// <summary>A running statistic as memory that outlives runs; a graph for training does not read it, so that no shape rule looks at it.</summary>
    /// <param name="name">The stored tensor.</param>
    /// <param name="normalized">[batch, channels, ...].</param>
    private Value? Buffer(string name, Shape normalized)
    {
        var stored = file.Initializers.TryGetValue(name, out var found) && found.Type == ElementType.Float
            ? found
            : throw new GraphException($"its running statistic '{UntrustedText.Shown(name)}' is no stored Float tensor; use the evaluation mode.");
        if (normalized.Rank < 2 || !stored.Shape.Equals([normalized[1]]))
        {
            throw new GraphException($"its running statistic '{UntrustedText.Shown(name)}' has shape {stored.Shape}; a number per channel of {normalized} is needed.");
        }

        if (!options.Training && !values.ContainsKey(name))
        {
            using var root = builder.RootScope("");
            values.Add(name, builder.Parameter(name, stored.Shape));
        }

        return options.Training ? null : values[name];
    }

    /// <summary>Outputs that the file lists, without those at the end that have no name.</summary>
    private static int OutputCount(NodeProto node) => node.Output.Count - node.Output.Reverse().TakeWhile(static o => o.Length == 0).Count();

    private Value Result(string output)
    {
        if (!values.ContainsKey(output) && !file.Initializers.ContainsKey(output))
        {
            throw new OnnxFormatException(file.Path, $"output '{UntrustedText.Shown(output)}' is a second result of its node, which is not supported; ask for another one.");
        }

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
            var stored = file.Initializers.TryGetValue(name, out var found)
                ? found
                : throw new GraphException($"reads '{UntrustedText.Shown(name)}', a second result that is not supported.");
            using var root = builder.RootScope("");
            value = Learns(name) ? builder.Parameter(name, stored.Shape) : builder.Constant(file.Read(name));
            values.Add(name, value);
        }

        return value;
    }
}
