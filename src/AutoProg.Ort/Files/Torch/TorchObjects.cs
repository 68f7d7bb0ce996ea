using AutoProg.Graphs;

namespace AutoProg.Ort.Files.Torch;

/// <summary>The bytes of an archive that tensors are views of.</summary>
/// <param name="Type">Element type.</param>
/// <param name="Count">Elements.</param>
/// <param name="Offset">First byte, from the start of the file.</param>
internal sealed record TorchStorage(TensorType Type, long Count, long Offset);

/// <summary>A view of a storage.</summary>
/// <param name="Storage">Where the elements lie.</param>
/// <param name="First">Index of the first element in the storage.</param>
/// <param name="Shape">Dimensions.</param>
/// <param name="Strides">Distance of neighbours along each dimension, in elements.</param>
internal sealed record TorchTensor(TorchStorage Storage, long First, Shape Shape, IReadOnlyList<long> Strides);

/// <summary>What the names in a checkpoint mean: the whole list of them. Whatever is not in it is refused by name.</summary>
/// <param name="path">The file, for messages.</param>
/// <param name="entries">The archive.</param>
/// <param name="prefix">Folder in the archive under which everything lies, with a slash.</param>
internal sealed class TorchObjects(string path, IReadOnlyDictionary<string, ZipEntry> entries, string prefix)
{
    /// <summary>What to do about a checkpoint that holds more than tensors.</summary>
    public const string Cure = "Save the weights alone, e.g. torch.save(model.state_dict(), 'weights.pt'), or as safetensors";

    private const int MostTensors = 100_000;
    private const int MostDimensions = 32;

    private static readonly Dictionary<string, object> Known = new(StringComparer.Ordinal)
    {
        ["collections.OrderedDict"] = Callable.OrderedDict,
        ["torch._utils._rebuild_tensor_v2"] = Callable.RebuildTensor,
        ["torch._utils._rebuild_parameter"] = Callable.RebuildParameter,
        ["torch.FloatStorage"] = TensorType.F32,
        ["torch.DoubleStorage"] = TensorType.F64,
        ["torch.HalfStorage"] = TensorType.F16,
        ["torch.BFloat16Storage"] = TensorType.BF16,
        ["torch.LongStorage"] = TensorType.I64,
        ["torch.IntStorage"] = TensorType.I32,
        ["torch.ShortStorage"] = TensorType.I16,
        ["torch.CharStorage"] = TensorType.I8,
        ["torch.ByteStorage"] = TensorType.U8,
        ["torch.BoolStorage"] = TensorType.Bool,
    };

    private int tensors;

    private enum Callable
    {
        OrderedDict,
        RebuildTensor,
        RebuildParameter,
    }

    /// <summary>What a name means.</summary>
    /// <exception cref="FileFormatException">It is not one of the few that state dicts need.</exception>
    public object Find(string module, string name, int at) => Known.TryGetValue($"{module}.{name}", out var known)
        ? known
        : throw Refuse($"refers to {UntrustedText.Shown($"{module}.{name}")}, which is no tensor; only tensors and plain containers are read, and nothing was executed. {Cure}", at);

    /// <summary>The storage that a persistent id names: <c>("storage", type, key, device, count)</c>.</summary>
    public TorchStorage Load(object? id, int at)
    {
        if (id is not object?[] fields || fields is not ["storage", TensorType type, string key, string, long count])
        {
            throw Refuse("has a persistent id that is no storage", at);
        }

        var where = $"storage '{UntrustedText.Shown(key)}'";
        if (!entries.TryGetValue($"{prefix}data/{key}", out var entry))
        {
            throw Refuse($"refers to {where}, which the archive does not have", at);
        }

        if (!entry.Stored)
        {
            throw Refuse($"refers to {where}, which is compressed; torch.save stores it uncompressed, so the archive was packed by something else", at);
        }

        return count >= 0 && (Int128)count * type.Size() == entry.Length
            ? new TorchStorage(type, count, entry.Offset)
            : throw Refuse($"says that {where} has {count} elements of {type.Size()} bytes, but the archive has {entry.Length} bytes of it", at);
    }

    /// <summary>What a call gives.</summary>
    /// <param name="callable">What <see cref="Find"/> gave.</param>
    /// <param name="arguments">Arguments of the call.</param>
    /// <param name="at">Place in the pickle, for messages.</param>
    public object Call(object? callable, object?[] arguments, int at) => (callable, arguments) switch
    {
        (Callable.OrderedDict, []) => new PickledDict(ordered: true),
        (Callable.RebuildParameter, [TorchTensor data, bool, ..]) => data,
        (Callable.RebuildTensor, [TorchStorage storage, long first, object?[] sizes, object?[] strides, bool, ..]) => View(storage, first, sizes, strides, at),
        (Callable known, _) => throw Refuse($"calls {known} with arguments that PyTorch does not write", at),
        _ => throw Refuse($"calls something that is no function; nothing was executed. {Cure}", at),
    };

    /// <summary>The error for something in the pickle.</summary>
    /// <param name="finding">What was found and what was expected.</param>
    /// <param name="at">Place in the pickle.</param>
    public FileFormatException Refuse(string finding, int at) => new(path, $"{prefix}data.pkl, byte {at}: {finding}");

    private TorchTensor View(TorchStorage storage, long first, object?[] sizes, object?[] strides, int at)
    {
        if (++tensors > MostTensors)
        {
            throw Refuse($"has more than {MostTensors} tensors", at);
        }

        if (sizes.Length != strides.Length || sizes.Length > MostDimensions || first < 0 || !sizes.Concat(strides).All(static value => value is long and >= 0))
        {
            throw Refuse($"has a tensor whose sizes, strides and offset are not as many whole numbers from 0, at most {MostDimensions}", at);
        }

        long[] dims = [.. sizes.Cast<long>()];
        long[] steps = [.. strides.Cast<long>()];
        var (count, last) = ((Int128)1, (Int128)first);
        for (var i = 0; i < dims.Length; i++)
        {
            count *= dims[i];
            last += (Int128)(dims[i] - 1) * steps[i];
            if (count > long.MaxValue || last > long.MaxValue)
            {
                throw Refuse($"has a tensor of shape [{string.Join(", ", dims)}], larger than any file", at);
            }
        }

        if (count > 0 && last >= storage.Count)
        {
            throw Refuse($"has a tensor of shape [{string.Join(", ", dims)}] that reaches to element {last} of a storage of {storage.Count}", at);
        }

        // Whoever makes room for what a file declares must find at least as much in the file.
        return count <= storage.Count
            ? new TorchTensor(storage, first, Shape.Of(dims), steps)
            : throw Refuse($"has a tensor of shape [{string.Join(", ", dims)}] that repeats the elements of a storage of {storage.Count}; save it with .contiguous()", at);
    }
}
