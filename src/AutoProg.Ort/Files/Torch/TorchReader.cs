using System.Diagnostics.CodeAnalysis;
using AutoProg.Graphs;

namespace AutoProg.Ort.Files.Torch;

/// <summary>
/// Reads tensors from a file of PyTorch's <c>torch.save</c> (the zip format, since version 1.6) without executing its pickle: tensors and plain containers are understood,
/// every other name is refused. Views with offsets and strides are read in row-major order. Not thread-safe.
/// </summary>
public sealed class TorchReader : IWeightsFile
{
    private static readonly string[] Extensions = [".pt", ".pth"];

    private readonly TensorStream stream;
    private readonly OrderedDictionary<string, TorchTensor> tensors;

    private TorchReader(TensorStream file, StateDict dict)
    {
        stream = file;
        Key = dict.Key;
        tensors = dict.Tensors;
        Entries = [.. tensors.Select(static pair => Entry(pair.Key, pair.Value))];
    }

    /// <inheritdoc />
    public string Path => stream.Path;

    /// <summary>The part of the checkpoint that was taken; null is the whole.</summary>
    public string? Key { get; }

    /// <summary>All tensors in the order of the checkpoint; those of nested dictionaries have names joined by dots.</summary>
    public IReadOnlyList<WeightsEntry> Entries { get; }

    /// <summary>True for a file that is to be read as PyTorch's: by its first bytes, or else by its name.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static bool Recognizes(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        using var file = TensorStream.Open(path);
        return TorchFormat.Of(file) != TorchFormat.Kind.Other || Extensions.Contains(System.IO.Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Opens a file and reads everything but the elements: archive, pickle, shapes and bounds.</summary>
    /// <param name="path">The file.</param>
    /// <param name="key">
    /// Which part of a checkpoint such as <c>{"model": ..., "ema": ..., "opt": ...}</c>. Null takes the first of <c>ema</c>, <c>model</c>, <c>state_dict</c> that is
    /// there, else the whole. A prefix <c>module.</c> that all names have is taken off.
    /// </param>
    /// <exception cref="FileFormatException">The file is damaged, cut short, of another format, refers to more than tensors and plain containers, or has no such part.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static TorchReader Open(string path, string? key = null)
    {
        var file = TensorStream.Open(path);
        try
        {
            TorchFormat.RequireZip(file);
            var entries = ZipDirectory.Read(file);
            var prefix = Prefix(entries, path);
            RequireLittleEndian(file, entries, prefix);
            var pickle = Content(file, entries[$"{prefix}data.pkl"], PickleReader.MostBytes);
            return new TorchReader(file, StateDict.Of(PickleReader.Read(pickle, new TorchObjects(path, entries, prefix)), key, path));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    public IReadOnlyDictionary<string, string> Metadata { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <inheritdoc />
    public bool TryGet(string name, [NotNullWhen(true)] out WeightsEntry? entry)
    {
        entry = tensors.TryGetValue(name, out var tensor) ? Entry(name, tensor) : null;
        return entry is not null;
    }

    /// <inheritdoc />
    public void Read(string name, Span<float> destination)
    {
        if (!tensors.TryGetValue(name, out var tensor))
        {
            throw new FileFormatException(Path, $"holds no tensor '{name}' among its {Entries.Count}");
        }

        if (destination.Length != tensor.Shape.ElementCount)
        {
            throw new ArgumentException($"{Path}: tensor '{name}' of shape {tensor.Shape} has {tensor.Shape.ElementCount} elements; {destination.Length} were asked for.", nameof(destination));
        }

        if (destination.IsEmpty)
        {
            return;
        }

        var (storage, from) = (tensor.Storage, tensor.Storage.Offset + (tensor.First * tensor.Storage.Type.Size()));
        if (IsRowMajor(tensor))
        {
            stream.Read(from, storage.Type, destination);
            return;
        }

        var span = 1 + tensor.Shape.Zip(tensor.Strides, static (size, stride) => (size - 1) * stride).Sum();
        if (span > Array.MaxLength)
        {
            throw new FileFormatException(Path, $"tensor '{name}' is a view over {span} elements; save it with .contiguous()");
        }

        var elements = new float[span];
        stream.Read(from, storage.Type, elements);
        Gather(elements, tensor, destination);
    }

    /// <inheritdoc />
    public void Dispose() => stream.Dispose();

    private static WeightsEntry Entry(string name, TorchTensor tensor) => new(name, tensor.Storage.Type, tensor.Shape);

    /// <summary>Everything lies under one folder, which has the pickle.</summary>
    private static string Prefix(IReadOnlyDictionary<string, ZipEntry> entries, string path)
    {
        var pickles = entries.Keys.Where(static name => name.EndsWith("/data.pkl", StringComparison.Ordinal) && name.IndexOf('/', StringComparison.Ordinal) == name.Length - "/data.pkl".Length).ToList();
        if (pickles.Count != 1)
        {
            throw new FileFormatException(path, $"is a zip file with {pickles.Count} entries named */data.pkl; torch.save writes one");
        }

        var prefix = pickles[0][..^"data.pkl".Length];
        return entries.ContainsKey($"{prefix}constants.pkl")
            ? throw new FileFormatException(path, $"is a TorchScript program, which would have to be executed; {TorchObjects.Cure}")
            : prefix;
    }

    private static void RequireLittleEndian(TensorStream file, IReadOnlyDictionary<string, ZipEntry> entries, string prefix)
    {
        if (entries.TryGetValue($"{prefix}byteorder", out var entry) && !Content(file, entry, most: 16).AsSpan().SequenceEqual("little"u8))
        {
            throw new FileFormatException(file.Path, "was saved on a machine whose numbers are not little-endian; load and save it on another one");
        }
    }

    private static byte[] Content(TensorStream file, ZipEntry entry, int most)
    {
        if (!entry.Stored)
        {
            throw new FileFormatException(file.Path, $"has a compressed '{UntrustedText.Shown(entry.Name)}'; torch.save stores it uncompressed, so the archive was packed by something else");
        }

        if (entry.Length > most)
        {
            throw new FileFormatException(file.Path, $"has a '{UntrustedText.Shown(entry.Name)}' of {entry.Length} bytes, more than {most}");
        }

        var content = new byte[entry.Length];
        file.ReadBytes(entry.Offset, content);
        return content;
    }

    private static bool IsRowMajor(TorchTensor tensor)
    {
        var expected = 1L;
        for (var axis = tensor.Shape.Rank - 1; axis >= 0; axis--)
        {
            if (tensor.Shape[axis] != 1 && tensor.Strides[axis] != expected)
            {
                return false;
            }

            expected *= tensor.Shape[axis];
        }

        return true;
    }

    private static void Gather(ReadOnlySpan<float> elements, TorchTensor tensor, Span<float> destination)
    {
        var index = new long[tensor.Shape.Rank];
        var at = 0L;
        foreach (ref var element in destination)
        {
            element = elements[(int)at];

            // The next index, last axis first, as a counter.
            for (var axis = index.Length - 1; axis >= 0; axis--)
            {
                at += tensor.Strides[axis];
                if (++index[axis] < tensor.Shape[axis])
                {
                    break;
                }

                at -= tensor.Strides[axis] * tensor.Shape[axis];
                index[axis] = 0;
            }
        }
    }
}
