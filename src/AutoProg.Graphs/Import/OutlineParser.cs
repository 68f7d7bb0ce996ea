using AutoProg.Graphs.Artifacts.Protos;
using Google.Protobuf;

namespace AutoProg.Graphs.Import;

/// <summary>
/// Parses a model file without the elements of its initialisers. Walks over the file, collects what lies between elements, and counts it before it is parsed: a few bytes of a
/// file may become a large object, elements excepted. In protobuf, a message may be merged piece by piece.
/// </summary>
internal sealed class OutlineParser : IDisposable
{
    private const int TensorFloats = 4;
    private const int TensorRawData = 9;
    private const int TensorDoubles = 10;

    private static readonly uint ModelGraph = WireFormat.MakeTag(7, WireFormat.WireType.LengthDelimited);
    private static readonly uint GraphInitializer = WireFormat.MakeTag(5, WireFormat.WireType.LengthDelimited);

    private readonly FileStream file;
    private readonly CodedInputStream input;
    private readonly ModelProto model = new();
    private readonly Dictionary<TensorProto, (long Start, long End)> places = new(ReferenceEqualityComparer.Instance);
    private long kept;

    private OutlineParser(FileStream file)
    {
        this.file = file;
        input = CodedInputStream.CreateWithLimits(file, int.MaxValue, recursionLimit: 100);
    }

    /// <summary>Parses a file.</summary>
    /// <param name="file">The file, from its beginning on.</param>
    /// <returns>The model, and where each of its initialisers lies in the file with its elements.</returns>
    /// <exception cref="InvalidProtocolBufferException">It is no protobuf message.</exception>
    /// <exception cref="GraphException">It is torn, or too large.</exception>
    public static (ModelProto Model, IReadOnlyDictionary<TensorProto, (long Start, long End)> Places) Parse(FileStream file)
    {
        using var parser = new OutlineParser(file);
        parser.ReadModel(file.Length);
        return (parser.model, parser.places);
    }

    public void Dispose() => input.Dispose();

    private void ReadModel(long end) => Read(model, end, tag => tag == ModelGraph && Enter(end, ReadGraph));

    private void ReadGraph(long end)
    {
        model.Graph ??= new GraphProto();
        Read(model.Graph, end, tag => tag == GraphInitializer && Enter(end, ReadInitializer));
    }

    private void ReadInitializer(long end)
    {
        Require(places.Count < OnnxLimits.Initializers, $"has more than {OnnxLimits.Initializers} initializers.");
        var tensor = new TensorProto();
        model.Graph.Initializer.Add(tensor);
        places.Add(tensor, (input.Position, end));
        Read(tensor, end, SkipElements);
    }

    private bool SkipElements(uint tag)
    {
        if (WireFormat.GetTagFieldNumber(tag) is not (TensorFloats or TensorRawData or TensorDoubles))
        {
            return false;
        }

        input.SkipLastField();
        return true;
    }

    /// <summary>Reads the message whose tag has been read; true, as it has been taken.</summary>
    private bool Enter(long end, Action<long> read)
    {
        var length = input.ReadLength();
        Require(length >= 0 && input.Position + length <= end, Torn);
        read(input.Position + length);
        return true;
    }

    /// <summary>Gives a message all fields up to an end but those that are taken by somebody else.</summary>
    private void Read(IMessage message, long end, Func<uint, bool> takes)
    {
        var from = input.Position;
        while (input.Position < end)
        {
            var start = input.Position;
            var tag = input.ReadTag();
            Require(tag != 0, Torn);
            if (takes(tag))
            {
                Merge(message, from, start);
                from = input.Position;
            }
            else
            {
                input.SkipLastField();
            }
        }

        Require(input.Position == end, Torn);
        Merge(message, from, end);
    }

    private void Merge(IMessage message, long from, long to)
    {
        kept += to - from;
        Require(kept <= OnnxLimits.StructureBytes, $"has more than {OnnxLimits.StructureBytes} bytes beside the elements of initializers. Store weights as initializers.");
        if (to > from)
        {
            message.MergeFrom(FileBytes.Read(file.SafeFileHandle, from, to - from));
        }
    }

    private const string Torn = "is no ONNX model, or is damaged: a part of it ends behind what it is a part of.";

    private static void Require(bool holds, string problem)
    {
        if (!holds)
        {
            throw new GraphException(problem);
        }
    }
}
