using System.Diagnostics.CodeAnalysis;

namespace AutoProg.Ort.Files;

/// <summary>Reads tensors from a safetensors file one at a time; nothing but the header stays in memory. Not thread-safe.</summary>
public sealed class SafetensorsReader : IWeightsFile
{
    private readonly TensorStream stream;
    private readonly Dictionary<string, SafetensorsEntry> byName;

    private SafetensorsReader(TensorStream file, SafetensorsHeader header)
    {
        stream = file;
        Entries = header.Entries;
        Metadata = header.Metadata;
        byName = header.Entries.ToDictionary(static entry => entry.Name, StringComparer.Ordinal);
    }

    /// <inheritdoc />
    public string Path => stream.Path;

    /// <summary>All tensors in the order of the file's data.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <inheritdoc />
    IReadOnlyList<WeightsEntry> IWeightsFile.Entries => Entries;

    /// <inheritdoc />
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>A tensor by name.</summary>
    /// <exception cref="FileFormatException">The file has no such tensor.</exception>
    public SafetensorsEntry this[string name] => byName.TryGetValue(name, out var entry)
        ? entry
        : throw new FileFormatException(Path, $"holds no tensor '{name}' among its {Entries.Count}");

    /// <summary>Opens a file and checks its header: sizes, bounds, overlaps, duplicates.</summary>
    /// <exception cref="FileFormatException">The file is damaged, cut short or of another format.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static SafetensorsReader Open(string path)
    {
        var file = TensorStream.Open(path);
        try
        {
            return new SafetensorsReader(file, SafetensorsHeader.Read(file.Stream, path));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Looks for a tensor.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out SafetensorsEntry? entry) => byName.TryGetValue(name, out entry);

    /// <inheritdoc />
    bool IWeightsFile.TryGet(string name, [NotNullWhen(true)] out WeightsEntry? entry)
    {
        var found = byName.TryGetValue(name, out var own);
        entry = own;
        return found;
    }

    /// <inheritdoc />
    public void Read(string name, Span<float> destination)
    {
        var entry = this[name];
        if (destination.Length != entry.Shape.ElementCount)
        {
            throw new ArgumentException($"{Path}: tensor '{name}' of shape {entry.Shape} has {entry.Shape.ElementCount} elements; {destination.Length} were asked for.", nameof(destination));
        }

        stream.Read(entry.Offset, entry.Type, destination);
    }

    /// <summary>Reads a tensor as it is stored, little-endian.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="destination">As many bytes as the tensor takes.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> has another length.</exception>
    /// <exception cref="FileFormatException">The file has no such tensor, or was cut short since it was opened.</exception>
    public void ReadBytes(string name, Span<byte> destination)
    {
        var entry = this[name];
        if (destination.Length != entry.ByteLength)
        {
            throw new ArgumentException($"{Path}: tensor '{name}' takes {entry.ByteLength} bytes; {destination.Length} were asked for.", nameof(destination));
        }

        stream.ReadBytes(entry.Offset, destination);
    }

    /// <inheritdoc />
    public void Dispose() => stream.Dispose();
}
