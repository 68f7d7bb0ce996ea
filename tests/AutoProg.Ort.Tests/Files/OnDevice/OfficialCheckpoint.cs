using Google.FlatBuffers;

namespace AutoProg.Ort.Tests.Files.OnDevice;

/// <summary>A tensor of a checkpoint.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Dims">Its shape.</param>
/// <param name="Elements">Little-endian.</param>
/// <param name="Type">Number of the element type in ONNX; 1 is float.</param>
internal sealed record OfficialTensor(string Name, IReadOnlyList<long> Dims, byte[] Elements, int Type = 1);

/// <summary>What the optimizer has of a group of parameters.</summary>
internal sealed record OfficialGroup(string Name, long Step, float LearningRate, IReadOnlyDictionary<string, OfficialTensor[]> Moments);

/// <summary>
/// A checkpoint as ONNX Runtime 1.19 lays it out, byte for byte: tables and field numbers of ort_training_checkpoint.fbs and ort.fbs, in the order in which its SaveCheckpoint fills a
/// FlatBufferBuilder. It shares nothing with the engine's own writer and its schema, so that reader and writer cannot be wrong in the same way.
/// </summary>
internal sealed record OfficialCheckpoint
{
    public IReadOnlyList<OfficialTensor> Learns { get; init; } = [];

    public IReadOnlyList<OfficialTensor> Frozen { get; init; } = [];

    public IReadOnlyList<OfficialGroup> Groups { get; init; } = [];

    /// <summary>Values are long, float or string.</summary>
    public IReadOnlyDictionary<string, object> Properties { get; init; } = new Dictionary<string, object>();

    public bool IsNominal { get; init; }

    /// <summary>Says that the elements lie in a second file, and leaves them out.</summary>
    public bool HasExternalData { get; init; }

    public byte[] Encode()
    {
        var b = new FlatBufferBuilder(1024);
        var module = Module(b);
        int[] groups = [.. Sorted(Groups, static g => g.Name).Select(g => Group(b, g))];
        var properties = Properties.Count == 0 ? 0 : Bag(b);
        var groupList = Offsets(b, groups);
        b.StartTable(4);
        b.AddInt(0, 2, 0);
        b.AddOffset(1, module, 0);
        b.AddOffset(2, groupList, 0);
        b.AddOffset(3, properties, 0);
        b.Finish(b.EndTable(), "ODTC");
        return b.SizedByteArray();
    }

    private int Module(FlatBufferBuilder b)
    {
        int[] learns = Tensors(b, Learns), frozen = Tensors(b, Frozen);
        var (learnsAt, frozenAt) = (Offsets(b, learns), Offsets(b, frozen));
        b.StartTable(4);
        b.AddOffset(0, learnsAt, 0);
        b.AddOffset(1, frozenAt, 0);
        b.AddBool(2, IsNominal, false);
        b.AddBool(3, HasExternalData, false);
        return b.EndTable();
    }

    private int Group(FlatBufferBuilder b, OfficialGroup group)
    {
        int[] states = [.. Sorted(group.Moments, static m => m.Key).Select(m => State(b, m.Key, m.Value))];
        var name = b.CreateString(group.Name).Value;
        var statesAt = Offsets(b, states);
        b.StartTable(4);
        b.AddOffset(0, name, 0);
        b.AddFloat(2, group.LearningRate, 0);
        b.AddLong(1, group.Step, 0);
        b.AddOffset(3, statesAt, 0);
        return b.EndTable();
    }

    private int State(FlatBufferBuilder b, string parameter, OfficialTensor[] moments)
    {
        var tensors = Tensors(b, moments);
        var name = b.CreateString(parameter).Value;
        var moment = Offsets(b, tensors);
        b.StartTable(2);
        b.AddOffset(0, name, 0);
        b.AddOffset(1, moment, 0);
        return b.EndTable();
    }

    private int[] Tensors(FlatBufferBuilder b, IEnumerable<OfficialTensor> tensors) => [.. Sorted(tensors, static t => t.Name).Select(t => Tensor(b, t))];

    private int Tensor(FlatBufferBuilder b, OfficialTensor tensor)
    {
        var name = b.CreateString(tensor.Name).Value;
        b.StartVector(sizeof(long), tensor.Dims.Count, sizeof(long));
        foreach (var size in tensor.Dims.Reverse())
        {
            b.AddLong(size);
        }

        var dims = b.EndVector().Value;
        var elements = HasExternalData ? 0 : Elements(b, tensor.Elements);
        b.StartTable(7);
        b.AddOffset(0, name, 0);
        b.AddOffset(2, dims, 0);
        b.AddInt(3, tensor.Type, 0);
        b.AddOffset(4, elements, 0);
        b.AddLong(6, HasExternalData ? 0 : -1, -1);
        return b.EndTable();
    }

    private static int Elements(FlatBufferBuilder b, byte[] elements)
    {
        b.StartVector(1, elements.Length, 1);
        b.Add(elements);
        return b.EndVector().Value;
    }

    private int Bag(FlatBufferBuilder b)
    {
        var lists = new Dictionary<Type, List<int>> { [typeof(long)] = [], [typeof(float)] = [], [typeof(string)] = [] };
        foreach (var (name, value) in Sorted(Properties, static p => p.Key))
        {
            lists[value.GetType()].Add(Property(b, name, value));
        }

        int[] at = [.. lists.Values.Select(list => Offsets(b, list))];
        b.StartTable(3);
        for (var field = 0; field < at.Length; field++)
        {
            b.AddOffset(field, at[field], 0);
        }

        return b.EndTable();
    }

    private static int Property(FlatBufferBuilder b, string name, object value)
    {
        var nameAt = b.CreateString(name).Value;
        var textAt = value is string text ? b.CreateString(text).Value : 0;
        b.StartTable(2);
        b.AddOffset(0, nameAt, 0);
        switch (value)
        {
            case long number:
                b.AddLong(1, number, 0);
                break;
            case float number:
                b.AddFloat(1, number, 0);
                break;
            default:
                b.AddOffset(1, textAt, 0);
                break;
        }

        return b.EndTable();
    }

    private static int Offsets(FlatBufferBuilder b, IReadOnlyList<int> tables)
    {
        b.StartVector(sizeof(int), tables.Count, sizeof(int));
        foreach (var table in tables.Reverse())
        {
            b.AddOffset(table);
        }

        return b.EndVector().Value;
    }

    private static IEnumerable<T> Sorted<T>(IEnumerable<T> items, Func<T, string> name) => items.OrderBy(name, StringComparer.Ordinal);
}
