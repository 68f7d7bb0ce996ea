using AutoProg.Graphs.Artifacts.Protos;
using AutoProg.Graphs.Import;
using Google.Protobuf;
using AttributeType = AutoProg.Graphs.Artifacts.Protos.AttributeProto.Types.AttributeType;

namespace AutoProg.Graphs.Tests.Import;

/// <summary>Small model files, written to a folder that goes away.</summary>
internal sealed class ModelFiles : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("autoprog-import-").FullName;

    public string At(string name) => Path.Combine(Folder, name);

    public OnnxModelFile Open(ModelProto model)
    {
        File.WriteAllBytes(At("model.onnx"), model.ToByteArray());
        return OnnxModelFile.Open(At("model.onnx"));
    }

    /// <summary>The message of a file that is refused, without the file's name.</summary>
    public string Refusal(ModelProto model, OnnxImportOptions? options = null)
    {
        File.WriteAllBytes(At("model.onnx"), model.ToByteArray());
        return Assert.Throws<OnnxFormatException>(() => OnnxImport.Build(OnnxModelFile.Open(At("model.onnx")), options)).Problem;
    }

    /// <summary>y = relu(x w) + b on x [2, 3] of opset 17.</summary>
    public static ModelProto Dense() => Model(
        [Node("MatMul", "xw", "x", "w"), Node("Relu", "h", "xw"), Node("Add", "y", "h", "b")],
        [Floats("w", [3, 4], [.. Enumerable.Range(0, 12).Select(static i => 0.25f * i)]), Floats("b", [4], [1, 2, 3, 4])]);

    public static ModelProto Model(IEnumerable<NodeProto> nodes, IEnumerable<TensorProto> initializers, params long[] input)
    {
        var graph = new GraphProto { Name = "test" };
        graph.Node.AddRange(nodes);
        graph.Initializer.AddRange(initializers);
        graph.Input.Add(Info("x", input.Length == 0 ? [2, 3] : input));
        graph.Output.Add(new ValueInfoProto { Name = "y", Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)ElementType.Float } } });
        var model = new ModelProto { IrVersion = 8, Graph = graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = 17 });
        return model;
    }

    /// <summary>An input; a size of 0 is a free one.</summary>
    public static ValueInfoProto Info(string name, params long[] dims)
    {
        var shape = new TensorShapeProto();
        shape.Dim.AddRange(dims.Select(static d => d == 0 ? new TensorShapeProto.Types.Dimension { DimParam = "N" } : new TensorShapeProto.Types.Dimension { DimValue = d }));
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)ElementType.Float, Shape = shape } } };
    }

    public static NodeProto Node(string op, string output, params string[] inputs) => new() { OpType = op, Name = $"/{output}", Output = { output }, Input = { inputs } };

    public static TensorProto Floats(string name, long[] dims, float[] elements) => new() { Name = name, DataType = (int)ElementType.Float, Dims = { dims }, FloatData = { elements } };

    public static TensorProto External(string name, long[] dims, params (string Key, string Value)[] entries) => new()
    {
        Name = name,
        DataType = (int)ElementType.Float,
        Dims = { dims },
        DataLocation = TensorProto.Types.DataLocation.External,
        ExternalData = { entries.Select(static e => new StringStringEntryProto { Key = e.Key, Value = e.Value }) },
    };

    public static AttributeProto Ints(string name, params long[] values) => new() { Name = name, Type = AttributeType.Ints, Ints = { values } };

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
