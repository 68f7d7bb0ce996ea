using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using AutoProg.Ort.TensorBoard.Protos;
using Google.Protobuf;

namespace AutoProg.Ort.TensorBoard;

/// <summary>
/// A file of records as TensorFlow frames them: length (8 bytes), its checksum, content, its checksum; little-endian. A checkpoint stores <see cref="Length"/>, and
/// resuming cuts the file back to that, so that nothing is told twice.
/// </summary>
internal sealed class EventFile : IDisposable
{
    private const string Version = "brain.Event:2";
    private const int HeaderBytes = sizeof(ulong) + sizeof(uint);
    private const int FrameBytes = HeaderBytes + sizeof(uint);

    private readonly FileStream stream;

    private EventFile(FileStream stream) => this.stream = stream;

    /// <summary>Bytes so far: whole records.</summary>
    public long Length => stream.Position;

    /// <summary>Opens a file for appending, creating it where it is missing.</summary>
    /// <param name="path">The file; its folder is made.</param>
    /// <param name="clock">Stamps the first record.</param>
    /// <param name="keep">Bytes to keep: 0 for a new run, the checkpoint's <see cref="Length"/> when resuming. A shorter file keeps its whole records.</param>
    public static EventFile Open(string path, TimeProvider clock, long keep)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var file = new EventFile(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 1));
        try
        {
            file.CutBack(keep);
            if (file.Length == 0)
            {
                file.Append(new Event { WallTime = SecondsOf(clock), FileVersion = Version });
            }

            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>As records tell time.</summary>
    public static double SecondsOf(TimeProvider clock) => clock.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;

    /// <summary>Appends a record and hands it to the operating system.</summary>
    public void Append(Event record)
    {
        var content = record.CalculateSize();
        var frame = new byte[FrameBytes + content];
        BinaryPrimitives.WriteUInt64LittleEndian(frame, (ulong)content);
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(sizeof(ulong)), Checksum(frame.AsSpan(0, sizeof(ulong))));
        record.WriteTo(frame.AsSpan(HeaderBytes, content));
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(HeaderBytes + content), Checksum(frame.AsSpan(HeaderBytes, content)));
        stream.Write(frame);
    }

    /// <summary>Returns once all records are on the disk.</summary>
    public void Flush() => stream.Flush(flushToDisk: true);

    /// <inheritdoc />
    public void Dispose() => stream.Dispose();

    /// <summary>CRC-32C, rotated and shifted, since checksums of data that hold checksums are weak.</summary>
    private static uint Checksum(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var eight in MemoryMarshal.Cast<byte, ulong>(data))
        {
            crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? eight : BinaryPrimitives.ReverseEndianness(eight));
        }

        foreach (var rest in data[(data.Length & ~7)..])
        {
            crc = BitOperations.Crc32C(crc, rest);
        }

        return BitOperations.RotateRight(~crc, 15) + 0xa282ead8;
    }

    /// <summary>Keeps the whole records among the first bytes.</summary>
    private void CutBack(long keep)
    {
        var (end, limit) = (0L, Math.Min(keep, stream.Length));
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        while (limit - end >= FrameBytes)
        {
            stream.Position = end;
            stream.ReadExactly(length);
            var content = BinaryPrimitives.ReadUInt64LittleEndian(length);
            if (content > (ulong)(limit - end - FrameBytes))
            {
                break;
            }

            end += FrameBytes + (long)content;
        }

        stream.SetLength(end);
        stream.Position = end;
    }
}
