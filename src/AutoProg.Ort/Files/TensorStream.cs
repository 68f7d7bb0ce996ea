using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace AutoProg.Ort.Files;

/// <summary>Reads little-endian elements at known places of a file. Not thread-safe.</summary>
internal sealed class TensorStream : IDisposable
{
    private const int ChunkBytes = 1 << 18;

    private readonly FileStream stream;

    private TensorStream(FileStream stream, string path)
    {
        this.stream = stream;
        Path = path;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Bytes of the file.</summary>
    public long Length => stream.Length;

    /// <summary>The file, at the place where it was left.</summary>
    public Stream Stream => stream;

    /// <summary>Opens a file that others may read but not write meanwhile.</summary>
    public static TensorStream Open(string path) => new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1), path);

    /// <summary>Reads bytes as they are stored.</summary>
    /// <exception cref="FileFormatException">The file ends before.</exception>
    public void ReadBytes(long offset, Span<byte> destination)
    {
        stream.Position = offset;
        Fill(destination);
    }

    /// <summary>Reads elements of any type as single precision; F64 is rounded, integers beyond 2^24 are too, Bool becomes 0 or 1.</summary>
    /// <exception cref="FileFormatException">The file ends before.</exception>
    public void Read(long offset, TensorType type, Span<float> destination)
    {
        stream.Position = offset;
        if (type == TensorType.F32)
        {
            Fill(MemoryMarshal.AsBytes(destination));
            return;
        }

        var size = type.Size();
        var buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            for (var done = 0; done < destination.Length;)
            {
                var count = Math.Min(ChunkBytes / size, destination.Length - done);
                var bytes = buffer.AsSpan(0, count * size);
                Fill(bytes);
                Convert(type, bytes, destination.Slice(done, count));
                done += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
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
