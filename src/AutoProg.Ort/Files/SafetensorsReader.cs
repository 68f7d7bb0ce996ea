using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace AutoProg.Ort.Files;

/// <summary>Reads tensors from a safetensors file one at a time; nothing but the header stays in memory. Not thread-safe.</summary>
public sealed class SafetensorsReader : IDisposable
{
    private const int ChunkBytes = 1 << 18;

    private readonly FileStream stream;
    private readonly Dictionary<string, SafetensorsEntry> byName;

    private SafetensorsReader(FileStream stream, string path, SafetensorsHeader header)
    {
        this.stream = stream;
        Path = path;
        Entries = header.Entries;
        Metadata = header.Metadata;
        byName = header.Entries.ToDictionary(static entry => entry.Name, StringComparer.Ordinal);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>All tensors in the order of the file's data.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <summary>Free text that was saved along.</summary>
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
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        try
        {
            return new SafetensorsReader(file, path, SafetensorsHeader.Read(file, path));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Looks for a tensor.</summary>
    public bool TryGet(string name, [NotNullWhen(true)] out SafetensorsEntry? entry) => byName.TryGetValue(name, out entry);

    /// <summary>Reads a tensor of any type as single precision; F64 is rounded, integers beyond 2^24 are too, Bool becomes 0 or 1.</summary>
    /// <param name="name">The tensor.</param>
    /// <param name="destination">As many elements as the tensor has.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> has another length.</exception>
    /// <exception cref="FileFormatException">The file has no such tensor, or was cut short since it was opened.</exception>
    public void Read(string name, Span<float> destination)
    {
        var entry = this[name];
        if (destination.Length != entry.Shape.ElementCount)
        {
            throw new ArgumentException($"{Path}: tensor '{name}' of shape {entry.Shape} has {entry.Shape.ElementCount} elements; {destination.Length} were asked for.", nameof(destination));
        }

        stream.Position = entry.Offset;
        if (entry.Type == TensorType.F32)
        {
            Fill(MemoryMarshal.AsBytes(destination));
            return;
        }

        var size = entry.Type.Size();
        var buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            for (var done = 0; done < destination.Length;)
            {
                var count = Math.Min(ChunkBytes / size, destination.Length - done);
                var bytes = buffer.AsSpan(0, count * size);
                Fill(bytes);
                Convert(entry.Type, bytes, destination.Slice(done, count));
                done += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
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

        stream.Position = entry.Offset;
        Fill(destination);
    }

    /// <inheritdoc />
    public void Dispose() => stream.Dispose();

    private static void Convert(TensorType type, ReadOnlySpan<byte> bytes, Span<float> destination)
    {
        switch (type)
        {
            case TensorType.F16: TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(bytes), destination); break;
            case TensorType.BF16: Widen(MemoryMarshal.Cast<byte, ushort>(bytes), destination); break;
            case TensorType.F64: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, double>(bytes), destination); break;
            case TensorType.I64: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, long>(bytes), destination); break;
            case TensorType.U64: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, ulong>(bytes), destination); break;
            case TensorType.I32: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, int>(bytes), destination); break;
            case TensorType.U32: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, uint>(bytes), destination); break;
            case TensorType.I16: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, short>(bytes), destination); break;
            case TensorType.U16: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, ushort>(bytes), destination); break;
            case TensorType.I8: TensorPrimitives.ConvertTruncating(MemoryMarshal.Cast<byte, sbyte>(bytes), destination); break;
            case TensorType.U8: TensorPrimitives.ConvertTruncating(bytes, destination); break;
            case TensorType.Bool: Truth(bytes, destination); break;
            default: throw new ArgumentOutOfRangeException(nameof(type), type, "Unknown element type.");
        }
    }

    private static void Widen(ReadOnlySpan<ushort> upperHalves, Span<float> destination)
    {
        for (var i = 0; i < upperHalves.Length; i++)
        {
            destination[i] = BitConverter.UInt32BitsToSingle((uint)upperHalves[i] << 16);
        }
    }

    private static void Truth(ReadOnlySpan<byte> bytes, Span<float> destination)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            destination[i] = bytes[i] == 0 ? 0 : 1;
        }
    }

    private void Fill(Span<byte> destination)
    {
        try
        {
            stream.ReadExactly(destination);
        }
        catch (EndOfStreamException error)
        {
            throw new FileFormatException(Path, "the file became shorter while it was read", error);
        }
    }
}
