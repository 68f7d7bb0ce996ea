using System.IO.Compression;
using System.IO.Hashing;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using AutoProg.Graphs;

namespace AutoProg.Ort.Files;

/// <summary>An array of a <c>.npz</c> file, read from front to back. Its checksum is compared when the last element has been read.</summary>
public sealed class NpyReader : IDisposable
{
    private const int ChunkElements = 1 << 14;

    private readonly string path;
    private readonly Stream stream;
    private readonly uint expectedChecksum;
    private readonly Crc32 checksum = new();
    private readonly NpyHeader header;
    private long remaining;

    /// <summary>Reads the header.</summary>
    internal NpyReader(string path, string name, ZipArchiveEntry entry)
    {
        (this.path, Name, expectedChecksum) = (path, name, entry.Crc32);
        stream = Guarded(entry.Open);
        try
        {
            header = NpyHeader.Read(Fill, out var length);
            if (entry.Length != length + header.ByteLength)
            {
                throw new FormatException($"it has {entry.Length - length} bytes of elements, but {header.Type.Spelling()}{header.Shape} needs {header.ByteLength}");
            }
        }
        catch (FormatException error)
        {
            stream.Dispose();
            throw Refused(error.Message, error);
        }
        catch
        {
            stream.Dispose();
            throw;
        }

        remaining = header.ByteLength;
        CompareAtEnd();
    }

    /// <summary>Its name, without <c>.npy</c>.</summary>
    public string Name { get; }

    /// <summary>Element type.</summary>
    public TensorType Type => header.Type;

    /// <summary>Dimensions, row-major.</summary>
    public Shape Shape => header.Shape;

    /// <summary>Reads the next elements as they are stored, little-endian.</summary>
    /// <param name="destination">At most as many bytes as are left.</param>
    /// <exception cref="ArgumentException">More bytes are asked for than are left.</exception>
    /// <exception cref="FileFormatException">The file is damaged or cut short.</exception>
    public void Read(Span<byte> destination)
    {
        if (destination.Length > remaining)
        {
            throw new ArgumentException($"{path}: array '{Name}' has {remaining} bytes left; {destination.Length} were asked for.", nameof(destination));
        }

        Fill(destination);
        remaining -= destination.Length;
        CompareAtEnd();
    }

    /// <summary>Reads the next elements of an array of floating-point numbers, F32 or F64.</summary>
    /// <param name="destination">At most as many elements as are left.</param>
    /// <exception cref="ArgumentException">More elements are asked for than are left.</exception>
    /// <exception cref="FileFormatException">The array has another type, or the file is damaged or cut short.</exception>
    public void Read(Span<double> destination)
    {
        if (Type == TensorType.F64)
        {
            Read(MemoryMarshal.AsBytes(destination));
            return;
        }

        if (Type != TensorType.F32)
        {
            throw Refused($"its elements are {Type.Spelling()}, expected F32 or F64");
        }

        var buffer = new float[Math.Min(ChunkElements, destination.Length)];
        while (destination.Length > 0)
        {
            var part = buffer.AsSpan(0, Math.Min(buffer.Length, destination.Length));
            Read(MemoryMarshal.AsBytes(part));
            TensorPrimitives.ConvertTruncating<float, double>(part, destination);
            destination = destination[part.Length..];
        }
    }

    /// <inheritdoc />
    public void Dispose() => stream.Dispose();

    private void Fill(Span<byte> destination)
    {
        var rest = destination;
        while (rest.Length > 0)
        {
            var count = ReadSome(rest);
            if (count == 0)
            {
                throw Refused("it is cut short");
            }

            rest = rest[count..];
        }

        checksum.Append(destination);
    }

    private int ReadSome(Span<byte> destination)
    {
        try
        {
            return stream.Read(destination);
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw Refused($"it is damaged ({error.Message})", error);
        }
    }

    private void CompareAtEnd()
    {
        if (remaining > 0)
        {
            return;
        }

        Span<byte> behind = stackalloc byte[1];
        if (ReadSome(behind) > 0 || checksum.GetCurrentHashAsUInt32() != expectedChecksum)
        {
            throw Refused("its checksum is wrong; the file is damaged");
        }
    }

    private Stream Guarded(Func<Stream> open)
    {
        try
        {
            return open();
        }
        catch (Exception error) when (error is InvalidDataException or NotSupportedException)
        {
            throw Refused($"it cannot be unpacked ({error.Message})", error);
        }
    }

    private FileFormatException Refused(string problem, Exception? inner = null) => new(path, $"array '{Name}': {problem}", inner);
}
