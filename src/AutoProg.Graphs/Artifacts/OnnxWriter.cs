using AutoProg.Graphs.Artifacts.Protos;
using AutoProg.Graphs.Passes;
using Google.Protobuf;

namespace AutoProg.Graphs.Artifacts;

/// <summary>Writes graphs as ONNX models. Equal graphs give equal bytes.</summary>
public static class OnnxWriter
{
    /// <summary>The IR version of the files: 8 goes with opset 18 and is read by every ONNX Runtime since 1.14.</summary>
    public const int IrVersion = 8;

    /// <summary>The largest model that fits one file: protobuf ends at 2 GiB.</summary>
    public const long MaxBytes = int.MaxValue;

    /// <summary>A model whose parameters are inputs, to be bound to memory: the form in which graphs are trained.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="name">Name stored in the file.</param>
    /// <param name="metadata">Key and value pairs stored in the file.</param>
    public static byte[] Write(Graph graph, string name, IEnumerable<KeyValuePair<string, string>>? metadata = null) => Model(graph, name, metadata, static (_, _) => null).ToByteArray();

    /// <summary>A model whose parameters are stored in the file, and what depends on them alone instead of them: the form in which models are deployed.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="name">Name stored in the file.</param>
    /// <param name="weights">Elements of every parameter by name.</param>
    /// <param name="metadata">Key and value pairs stored in the file.</param>
    /// <param name="batchAxes">Inputs and outputs with an axis that may have any size; see <see cref="DynamicBatch"/>. Null for a graph of static shapes.</param>
    /// <exception cref="GraphException">The weights exceed what one file can hold.</exception>
    public static byte[] WriteWithWeights(
        Graph graph, string name, Func<string, Tensor> weights, IEnumerable<KeyValuePair<string, string>>? metadata = null, IReadOnlyDictionary<string, int>? batchAxes = null) =>
        WriteWithWeights(graph, name, weights, (tensor, axis) => batchAxes is not null && batchAxes.TryGetValue(tensor, out var batchAxis) && axis == batchAxis ? "batch" : null, metadata);

    /// <summary>A model whose parameters are stored in the file and whose inputs and outputs have free axes: for graphs in which no node depends on their sizes.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="name">Name stored in the file.</param>
    /// <param name="weights">Elements of every parameter by name.</param>
    /// <param name="symbolOf">The symbol of an axis of an input or output, e.g. <c>batch</c>; null for a fixed size.</param>
    /// <param name="metadata">Key and value pairs stored in the file.</param>
    /// <exception cref="GraphException">The weights exceed what one file can hold.</exception>
    public static byte[] WriteWithWeights(
        Graph graph, string name, Func<string, Tensor> weights, Func<string, int, string?> symbolOf, IEnumerable<KeyValuePair<string, string>>? metadata = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(symbolOf);
        var bytes = graph.Parameters.Sum(p => p.Shape.ElementCount * p.Type.Size());
        if (bytes > MaxBytes * 0.99)
        {
            throw new GraphException($"The weights of '{name}' take {bytes} bytes; one ONNX file holds at most {MaxBytes}.");
        }

        return Model(StoredWeights.Fold(graph, weights), name, metadata, symbolOf).ToByteArray();
    }

    private static ModelProto Model(Graph graph, string name, IEnumerable<KeyValuePair<string, string>>? metadata, Func<string, int, string?> symbolOf)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var publicNames = graph.Outputs.GroupBy(o => o.Value).ToDictionary(g => g.Key, g => g.First().Name);
        string NameOf(Value? value) => value is null ? "" : value.Kind == ValueKind.Result && publicNames.TryGetValue(value, out var output) ? output : value.Name;

        var proto = new GraphProto { Name = name };
        proto.Input.AddRange(graph.Inputs.Concat(graph.Parameters).Select(v => Info(v.Name, v, symbolOf)));
        proto.Output.AddRange(graph.Outputs.Select(o => Info(o.Name, o.Value, symbolOf)));
        proto.Initializer.AddRange(graph.Constants.Select(c => Initializer(c.Name, c.Constant!)));
        proto.Node.AddRange(graph.Nodes.Select(n => Node(n, NameOf)));

        // A result with two public names, and an output that is itself an input or a constant, need a node of their own.
        proto.Node.AddRange(graph.Outputs.Where(o => NameOf(o.Value) != o.Name).Select(o => new NodeProto
        {
            Name = $"output/{o.Name}",
            OpType = "Identity",
            Input = { NameOf(o.Value) },
            Output = { o.Name },
        }));

        var model = Frame(proto);
        model.MetadataProps.AddRange((metadata ?? []).Select(m => new StringStringEntryProto { Key = m.Key, Value = m.Value }));
        return model;
    }

    /// <summary>What every model file says around its graph: the IR version and the operator sets.</summary>
    internal static ModelProto Frame(GraphProto graph)
    {
        var model = new ModelProto { IrVersion = IrVersion, ProducerName = "AutoProg.Ort", Graph = graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = GraphBuilder.Opset });
        if (graph.Node.Any(n => n.Domain == GraphBuilder.MicrosoftDomain))
        {
            model.OpsetImport.Add(new OperatorSetIdProto { Domain = GraphBuilder.MicrosoftDomain, Version = 1 });
        }

        return model;
    }

    private static NodeProto Node(Node node, Func<Value?, string> nameOf)
    {
        var proto = new NodeProto { Name = node.Name, OpType = node.Operator, Domain = node.Domain };
        proto.Input.AddRange(node.Inputs.Select(nameOf));
        proto.Output.AddRange(node.Outputs.Select(nameOf));
        proto.Attribute.AddRange(node.Attributes.Select(a => Attribute(a.Key, a.Value)));
        return proto;
    }

    internal static AttributeProto Attribute(string name, object value)
    {
        var proto = new AttributeProto { Name = name };
        switch (value)
        {
            case long number:
                proto.Type = AttributeProto.Types.AttributeType.Int;
                proto.I = number;
                break;
            case float number:
                proto.Type = AttributeProto.Types.AttributeType.Float;
                proto.F = number;
                break;
            case string text:
                proto.Type = AttributeProto.Types.AttributeType.String;
                proto.S = ByteString.CopyFromUtf8(text);
                break;
            case long[] numbers:
                proto.Type = AttributeProto.Types.AttributeType.Ints;
                proto.Ints.AddRange(numbers);
                break;
            case float[] numbers:
                proto.Type = AttributeProto.Types.AttributeType.Floats;
                proto.Floats.AddRange(numbers);
                break;
            case Tensor tensor:
                proto.Type = AttributeProto.Types.AttributeType.Tensor;
                proto.T = Initializer("", tensor);
                break;
            default:
                throw new GraphException($"Attribute '{name}' has type {value.GetType().Name}, which cannot be written.");
        }

        return proto;
    }

    private static TensorProto Initializer(string name, Tensor tensor)
    {
        var proto = new TensorProto { Name = name, DataType = (int)tensor.Type, RawData = ByteString.CopyFrom(tensor.Bytes) };
        proto.Dims.AddRange(tensor.Shape);
        return proto;
    }

    private static ValueInfoProto Info(string name, Value value, Func<string, int, string?> symbolOf)
    {
        var shape = new TensorShapeProto();
        shape.Dim.AddRange(value.Shape.Select((dim, axis) => symbolOf(name, axis) is { } symbol ? new TensorShapeProto.Types.Dimension { DimParam = symbol } : new TensorShapeProto.Types.Dimension { DimValue = dim }));
        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)value.Type, Shape = shape } },
        };
    }
}
