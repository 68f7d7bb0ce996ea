using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using AutoProg.Graphs;

namespace AutoProg.Ort.Files.OnDevice;

/// <summary>
/// Reads checkpoints of ONNX Runtime's on-device training, ours and those that a device has saved: parameters, the optimizer's moments where they were saved along, and
/// properties. Only the structure stays in memory. Not thread-safe.
/// </summary>
public sealed class OnDeviceCheckpointReader : IWeightsFile
{
    private const int MostDimensions = 32;
    private const int MostMoments = 2;
    private const int LongestProperty = 1 << 20;
    private const int MostPropertyText = 1 << 22;
    private const int MostProperties = 100;

    private static readonly Dictionary<int, TensorType> Types = new()
    {
        [1] = TensorType.F32,
        [2] = TensorType.U8,
        [3] = TensorType.I8,
        [4] = TensorType.U16,
        [5] = TensorType.I16,
        [6] = TensorType.I32,
        [7] = TensorType.I64,
        [9] = TensorType.Bool,
        [10] = TensorType.F16,
        [11] = TensorType.F64,
        [12] = TensorType.U32,
        [13] = TensorType.U64,
        [16] = TensorType.BF16,
    };

    private readonly TensorStream stream;
    private readonly Dictionary<string, Stored> parameters = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Parameter, string Moment), Stored> moments = [];

    private OnDeviceCheckpointReader(TensorStream file)
    {
        stream = file;
        var root = FlatTable.Root(file, CheckpointSchema.Identifier);
        if (root.Int(CheckpointSchema.Root.Version) is var version && version != CheckpointSchema.Version)
        {
            throw new FileFormatException(Path, $"is a checkpoint of version {version}; ONNX Runtime 1.19.2 and this engine read version {CheckpointSchema.Version}");
        }

        var module = root.Table(CheckpointSchema.Root.Module) ?? throw new FileFormatException(Path, "holds no parameters, not even an empty list of them");
        RefuseAbsentElements(module);
        var (learns, frozen) = (ReadParameters(module, CheckpointSchema.Module.Learns), ReadParameters(module, CheckpointSchema.Module.Frozen));
        Learnable = learns.Select(static entry => entry.Name).ToHashSet(StringComparer.Ordinal);
        Entries = [.. learns, .. frozen];
        OptimizerStep = ReadOptimizer(root);
        Metadata = ReadProperties(root);
    }

    /// <inheritdoc />
    public string Path => stream.Path;

    /// <summary>All parameters: those that learn in front.</summary>
    public IReadOnlyList<WeightsEntry> Entries { get; }

    /// <summary>Names of the parameters that learn; the others are frozen.</summary>
    public IReadOnlySet<string> Learnable { get; }

    /// <summary>Updates that the optimizer has made; null where its state was not saved.</summary>
    public long? OptimizerStep { get; }

    /// <summary>What was saved along by name, numbers as text.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>True for a file of this kind, by its first bytes.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static bool Recognizes(string path)
    {
        using var file = TensorStream.Open(path);
        return FlatTable.HasIdentifier(file, CheckpointSchema.Identifier);
    }

    /// <summary>Opens a file and checks all of its structure.</summary>
    /// <exception cref="FileFormatException">The file is damaged, cut short, of another format or version, or its elements lie elsewhere.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static OnDeviceCheckpointReader Open(string path)
    {
        var file = TensorStream.Open(path);
        try
        {
            return new OnDeviceCheckpointReader(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public bool TryGet(string name, [NotNullWhen(true)] out WeightsEntry? entry)
    {
        entry = parameters.TryGetValue(name, out var tensor) ? tensor.Entry : null;
        return entry is not null;
    }

    /// <inheritdoc />
    public void Read(string name, Span<float> destination) =>
        Read(parameters.TryGetValue(name, out var tensor) ? tensor : throw new FileFormatException(Path, $"holds no tensor '{name}' among its {Entries.Count}"), destination);

    /// <summary>Reads what the optimizer remembers of a parameter.</summary>
    /// <param name="moment">0 is the mean of the gradient, 1 that of its square.</param>
    /// <param name="name">The parameter.</param>
    /// <param name="destination">As many elements as the parameter has.</param>
    /// <exception cref="FileFormatException">The file holds no such moment.</exception>
    public void ReadMoment(int moment, string name, Span<float> destination) =>
        Read(moments.TryGetValue((name, CheckpointSchema.MomentName(moment)), out var tensor) ? tensor : throw new FileFormatException(Path, $"holds no moment {moment} of '{name}'; save the optimizer's state along"), destination);

    /// <inheritdoc />
    public void Dispose() => stream.Dispose();

    private void Read(Stored tensor, Span<float> destination)
    {
        if (destination.Length != tensor.Entry.Shape.ElementCount)
        {
            throw new ArgumentException(
                $"{Path}: tensor '{tensor.Entry.Name}' of shape {tensor.Entry.Shape} has {tensor.Entry.Shape.ElementCount} elements; {destination.Length} were asked for.", nameof(destination));
        }

        stream.Read(tensor.Offset, tensor.Entry.Type, destination);
    }

    private void RefuseAbsentElements(FlatTable module)
    {
        if (module.Flag(CheckpointSchema.Module.IsNominal))
        {
            throw new FileFormatException(Path, "is nominal: it names parameters and holds no values of them; save a complete checkpoint");
        }

        if (module.Flag(CheckpointSchema.Module.HasExternalData))
        {
            throw new FileFormatException(Path, "keeps its values in another file, which is not read; save a checkpoint below 2 GB");
        }
    }

    /// <summary>Parameters of a list. A name that comes again ends the reading, so that a list which is the same tensor many times costs no memory.</summary>
    private List<WeightsEntry> ReadParameters(FlatTable module, int field)
    {
        var entries = new List<WeightsEntry>();
        foreach (var tensor in Tensors(module, field))
        {
            if (!parameters.TryAdd(tensor.Entry.Name, tensor))
            {
                throw new FileFormatException(Path, $"holds '{UntrustedText.Shown(tensor.Entry.Name)}' twice");
            }

            entries.Add(tensor.Entry);
        }

        return entries;
    }

    /// <summary>Tensors of a list, each read when it is asked for.</summary>
    private IEnumerable<Stored> Tensors(FlatTable table, int field, int most = FlatTable.MostTables) =>
        (table.Tables(field, most) ?? throw new FileFormatException(Path, "lacks a list of tensors that is required even when empty")).Select(ReadTensor);

    private Stored ReadTensor(FlatTable table)
    {
        var name = table.Text(CheckpointSchema.Tensor.Name) ?? throw new FileFormatException(Path, "holds a tensor without a name");
        var where = $"tensor '{UntrustedText.Shown(name)}'";
        if (!Types.TryGetValue(table.Int(CheckpointSchema.Tensor.Type), out var type))
        {
            throw new FileFormatException(Path, $"{where} has element type {table.Int(CheckpointSchema.Tensor.Type)}; known are numbers and truth values");
        }

        var dims = table.Longs(CheckpointSchema.Tensor.Dims, MostDimensions) ?? throw new FileFormatException(Path, $"{where} has no shape");
        var elements = table.Vector(CheckpointSchema.Tensor.Elements, 1) ?? throw new FileFormatException(Path, $"{where} has no elements");
        var expected = dims.Aggregate((Int128)type.Size(), static (product, size) => size < 0 || product < 0 || product > CheckpointSchema.MostBytes ? -1 : product * size);
        return expected == elements.Count
            ? new Stored(new WeightsEntry(name, type, Shape.Of(dims)), elements.Place)
            : throw new FileFormatException(Path, $"{where} has {elements.Count} bytes, which are not [{string.Join(", ", dims)}] elements of {type.Size()} bytes");
    }

    private long? ReadOptimizer(FlatTable root)
    {
        if (root.Tables(CheckpointSchema.Root.Optimizers)?.Select(static g => (FlatTable?)g).FirstOrDefault(static g => g!.Value.Text(CheckpointSchema.Group.Name) == CheckpointSchema.GroupName) is not { } group)
        {
            return null;
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var state in group.Tables(CheckpointSchema.Group.States) ?? [])
        {
            var parameter = state.Text(CheckpointSchema.State.Parameter) ?? throw new FileFormatException(Path, "holds an optimizer's state without a parameter");
            if (!Learnable.Contains(parameter))
            {
                continue; // as the runtime does; so there is no more to read than there are parameters
            }

            if (!seen.Add(parameter))
            {
                throw new FileFormatException(Path, $"holds the optimizer's state of '{UntrustedText.Shown(parameter)}' twice");
            }

            var shape = parameters[parameter].Entry.Shape;
            foreach (var moment in Tensors(state, CheckpointSchema.State.Moments, MostMoments))
            {
                moments[(parameter, moment.Entry.Name)] = moment.Entry.Shape.Equals(shape)
                    ? moment
                    : throw new FileFormatException(Path, $"holds '{UntrustedText.Shown(moment.Entry.Name)}' of '{UntrustedText.Shown(parameter)}' in shape {moment.Entry.Shape}, expected the parameter's, {shape}");
            }
        }

        return group.Long(CheckpointSchema.Group.Step);
    }

    private Dictionary<string, string> ReadProperties(FlatTable root)
    {
        var properties = new Dictionary<string, string>(StringComparer.Ordinal);
        if (root.Table(CheckpointSchema.Root.Properties) is not { } bag)
        {
            return properties;
        }

        Add(CheckpointSchema.Properties.Integers, static p => p.Long(CheckpointSchema.Property.Value).ToString(CultureInfo.InvariantCulture));
        Add(CheckpointSchema.Properties.Floats, static p => BitConverter.Int32BitsToSingle(p.Int(CheckpointSchema.Property.Value)).ToString(CultureInfo.InvariantCulture));
        var characters = 0;
        Add(CheckpointSchema.Properties.Texts, p => Counted(p.Text(CheckpointSchema.Property.Value, LongestProperty) ?? ""));
        return properties;

        // Many properties may be the same long text.
        string Counted(string text) => (characters += text.Length) <= MostPropertyText
            ? text
            : throw new FileFormatException(Path, $"holds properties of more than {MostPropertyText} characters in all; it is damaged, or keep long texts in a file of their own");

        void Add(int field, Func<FlatTable, string> value)
        {
            foreach (var property in bag.Tables(field, MostProperties) ?? [])
            {
                var name = property.Text(CheckpointSchema.Property.Name) ?? throw new FileFormatException(Path, "holds a property without a name");
                properties[name] = value(property);
            }
        }
    }

    /// <summary>A tensor and the place of its first element in the file.</summary>
    private sealed record Stored(WeightsEntry Entry, long Offset);
}
