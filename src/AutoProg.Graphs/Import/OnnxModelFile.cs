using AutoProg.Graphs.Artifacts.Protos;
using Google.Protobuf;

namespace AutoProg.Graphs.Import;

/// <summary>A tensor of a model file's interface.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Element type.</param>
/// <param name="Dims">Sizes; null where the file leaves one open. Null as a whole where it does not even tell the number of axes.</param>
public sealed record OnnxTensor(string Name, ElementType Type, IReadOnlyList<long?>? Dims)
{
    /// <summary>As messages show it: <c>[?, 3, 224, 224]</c>.</summary>
    public string ShownDims => Dims is null ? "of unknown rank" : $"[{string.Join(", ", Dims.Select(static dim => dim?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "?"))}]";
}

/// <summary>A stored tensor of a model file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Shape.</param>
public sealed record OnnxInitializer(string Name, ElementType Type, Shape Shape);

/// <summary>
/// A forward model from anywhere, opened and checked: opset 13 to 23, weights inside or in files beside it. Elements stay in the files, and are read whenever they are asked for;
/// so the files must stay as they are.
/// </summary>
public sealed class OnnxModelFile
{
    private readonly ModelOutline outline;
    private readonly Dictionary<string, TensorProto> stored;
    private readonly ElementReader elements;

    private OnnxModelFile(string path)
    {
        (Path, outline) = (path, new ModelOutline(path));
        var model = outline.Model;
        elements = new ElementReader(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        Opset = OpsetOf(model);
        stored = GraphStructure.Check(model.Graph ?? throw new GraphException("there is no graph in it."));
        Initializers = stored.ToDictionary(static i => i.Key, static i => new OnnxInitializer(i.Key, ElementReader.TypeOf(i.Value.DataType), ElementReader.ShapeOf(i.Value)), StringComparer.Ordinal);
        Inputs = [.. model.Graph.Input.Where(input => !stored.ContainsKey(input.Name)).Select(Describe)];
        Outputs = [.. model.Graph.Output.Select(Describe)];
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Version of ai.onnx that the file is written for.</summary>
    public long Opset { get; }

    /// <summary>What is fed, in the file's order.</summary>
    public IReadOnlyList<OnnxTensor> Inputs { get; }

    /// <summary>What is returned, in the file's order.</summary>
    public IReadOnlyList<OnnxTensor> Outputs { get; }

    /// <summary>
    /// Stored tensors by name. Where an exporter has written equal tensors once, and the others as an <c>Identity</c> of it (PyTorch does), the others are here, too,
    /// under the name of that node's output: they are parameters of their own.
    /// </summary>
    public IReadOnlyDictionary<string, OnnxInitializer> Initializers { get; }

    /// <summary>The file without the elements of its initialisers.</summary>
    internal ModelProto Model => outline.Model;

    /// <summary>Opens and checks a file.</summary>
    /// <exception cref="OnnxFormatException">It is damaged, contradicts itself, asks for too much, or is of an opset that is not read.</exception>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    public static OnnxModelFile Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"{path}: there is no such model file.");
        }

        try
        {
            return new OnnxModelFile(path);
        }
        catch (InvalidProtocolBufferException error)
        {
            throw new OnnxFormatException(path, $"is no ONNX model, or is damaged: {error.Message}", error);
        }
        catch (GraphException error)
        {
            throw new OnnxFormatException(path, error.Message, error);
        }
    }

    /// <summary>The elements of a stored tensor.</summary>
    /// <exception cref="OnnxFormatException">They do not fit type and shape, or cannot be read; or the file has changed since it was opened.</exception>
    /// <exception cref="KeyNotFoundException">There is no such tensor.</exception>
    public Tensor Read(string initializer) => Reading(initializer, elements.Read);

    internal Attributes AttributesOf(NodeProto node) => AttributeReader.Read(node, elements);

    /// <summary>A stored tensor as the file has it, under the name of the one that it is a copy of.</summary>
    /// <exception cref="OnnxFormatException">It cannot be read any more.</exception>
    internal TensorProto Stored(string initializer) => Reading(initializer, static complete => complete);

    private T Reading<T>(string initializer, Func<TensorProto, T> read)
    {
        var tensor = stored[initializer];
        try
        {
            return read(outline.Complete(tensor));
        }
        catch (GraphException error)
        {
            throw new OnnxFormatException(Path, $"initializer '{UntrustedText.Shown(initializer)}': {error.Message}", error);
        }
    }

    private static long OpsetOf(ModelProto model)
    {
        var opset = model.OpsetImport.LastOrDefault(static o => o.Domain is "" or "ai.onnx")?.Version;
        return opset is >= OnnxLimits.OldestOpset and <= OnnxLimits.NewestOpset ? opset.Value : throw new GraphException(
            $"is of opset {opset?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "unknown"}; {OnnxLimits.OldestOpset} to {OnnxLimits.NewestOpset} are read. Export it again with opset_version=17, or convert it.");
    }

    private static OnnxTensor Describe(ValueInfoProto value)
    {
        if (value.Type?.TensorType is not { } tensor)
        {
            throw new GraphException($"'{UntrustedText.Shown(value.Name)}' is no tensor; sequences, maps and optional values are not supported.");
        }

        // An exporter that does not know a size leaves it out, or writes a symbol, or 0 or less.
        return new OnnxTensor(value.Name, ElementReader.TypeOf(tensor.ElemType), tensor.Shape is null ? null : [.. tensor.Shape.Dim.Select(static d => d.DimValue > 0 ? d.DimValue : (long?)null)]);
    }
}
