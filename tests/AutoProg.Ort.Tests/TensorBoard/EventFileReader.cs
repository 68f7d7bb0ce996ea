using System.Buffers.Binary;
using AutoProg.Ort.TensorBoard.Protos;

namespace AutoProg.Ort.Tests.TensorBoard;

/// <summary>Reads event files as TensorBoard does, and checks every frame; the checksum is computed bit by bit from the polynomial.</summary>
internal static class EventFileReader
{
    private const uint Castagnoli = 0x82f63b78;

    public static IReadOnlyList<Event> Read(string path)
    {
        var (bytes, events, at) = (File.ReadAllBytes(path), new List<Event>(), 0);
        while (at < bytes.Length)
        {
            var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at, 8));
            Assert.Equal(Masked(bytes.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 8, 4)));
            var content = bytes.AsSpan(at + 12, length);
            Assert.Equal(Masked(content), BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at + 12 + length, 4)));
            events.Add(Event.Parser.ParseFrom(content));
            at += 16 + length;
        }

        return events;
    }

    /// <summary>The checksum of "123456789" is the check value of CRC-32C in every list of checksums.</summary>
    public static uint Crc32C(ReadOnlySpan<byte> data)
    {
        var crc = uint.MaxValue;
        foreach (var b in data)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) * Castagnoli);
            }
        }

        return ~crc;
    }

    private static uint Masked(ReadOnlySpan<byte> data)
    {
        var crc = Crc32C(data);
        return unchecked(((crc >> 15) | (crc << 17)) + 0xa282ead8);
    }
}
