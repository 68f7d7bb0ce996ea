using System.IO.Hashing;
using System.Text;

namespace AutoProg.Ort.Tests.Files.Torch;

/// <summary>
/// A zip archive as PyTorch writes it: stored entries whose data lie at multiples of 64 bytes, sizes behind the data and in the directory, a zip64 record at the end.
/// What a hostile archive would do differently can be set.
/// </summary>
internal sealed class TorchArchive
{
    private readonly List<(string Name, byte[] Content)> entries = [];

    /// <summary>Adds a pickle and storages, under the folder <c>archive</c>.</summary>
    public TorchArchive(byte[] pickle, params (string Key, byte[] Content)[] storages)
    {
        entries.Add(("archive/data.pkl", pickle));
        entries.AddRange(storages.Select(static s => ($"archive/data/{s.Key}", s.Content)));
        entries.Add(("archive/version", "3\n"u8.ToArray()));
    }

    /// <summary>Compression method of an entry.</summary>
    public Func<string, ushort> Method { get; init; } = static _ => 0;

    /// <summary>Size that the directory tells of an entry.</summary>
    public Func<string, int, uint> DeclaredSize { get; init; } = static (_, size) => (uint)size;

    /// <summary>Name in the entry's own header.</summary>
    public Func<string, string> LocalName { get; init; } = static name => name;

    /// <summary>Where the directory says that an entry begins.</summary>
    public Func<string, long, uint> DeclaredOffset { get; init; } = static (_, offset) => (uint)offset;

    /// <summary>General-purpose flags.</summary>
    public ushort Flags { get; init; } = 0x0808;

    /// <summary>Whether the end has a zip64 record.</summary>
    public bool Zip64 { get; init; } = true;

    public TorchArchive With(string name, byte[] content)
    {
        entries.Add((name, content));
        return this;
    }

    public void Write(string path) => File.WriteAllBytes(path, ToArray());

    public byte[] ToArray()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        var directory = new List<Action>();
        foreach (var (name, content) in entries)
        {
            var (offset, raw) = (stream.Position, Encoding.UTF8.GetBytes(LocalName(name)));
            var padding = (int)(-(offset + 34 + raw.Length) & 63);
            Header(writer, 0x04034b50, name, 0, 0, 0);
            writer.Write((ushort)raw.Length);
            writer.Write((ushort)(4 + padding));
            writer.Write(raw);
            writer.Write("FB"u8);
            writer.Write((ushort)padding);
            writer.Write(Enumerable.Repeat((byte)'Z', padding).ToArray());
            writer.Write(content);
            var crc = Crc32.HashToUInt32(content);
            writer.Write(0x08074b50u);
            writer.Write(crc);
            writer.Write(content.Length);
            writer.Write(content.Length);
            directory.Add(() => DirectoryEntry(writer, name, crc, DeclaredSize(name, content.Length), DeclaredOffset(name, offset)));
        }

        var start = stream.Position;
        directory.ForEach(static write => write());
        End(writer, start, (uint)(stream.Position - start));
        return stream.ToArray();
    }

    private void DirectoryEntry(BinaryWriter writer, string name, uint crc, uint size, uint offset)
    {
        var raw = Encoding.UTF8.GetBytes(name);
        writer.Write(0x02014b50u);
        Header(writer, 0, name, crc, size, size);
        writer.Write((ushort)raw.Length);
        writer.Write(new byte[12]);
        writer.Write(offset);
        writer.Write(raw);
    }

    /// <summary>What local headers and the directory share: version, flags, method, time, checksum, sizes.</summary>
    private void Header(BinaryWriter writer, uint signature, string name, uint crc, uint packed, uint size)
    {
        // Instead of the signature, the directory has the version that made the entry in front.
        if (signature == 0)
        {
            writer.Write((ushort)0);
        }
        else
        {
            writer.Write(signature);
        }

        writer.Write((ushort)0);
        writer.Write(Flags);
        writer.Write(Method(name));
        writer.Write(0u);
        writer.Write(crc);
        writer.Write(packed);
        writer.Write(size);
    }

    private void End(BinaryWriter writer, long start, uint length)
    {
        var end = writer.BaseStream.Position;
        if (Zip64)
        {
            writer.Write(0x06064b50u);
            writer.Write(44L);
            writer.Write(new byte[12]);
            writer.Write((long)entries.Count);
            writer.Write((long)entries.Count);
            writer.Write((long)length);
            writer.Write(start);
            writer.Write(0x07064b50u);
            writer.Write(0u);
            writer.Write(end);
            writer.Write(1u);
        }

        writer.Write(0x06054b50u);
        writer.Write(0u);
        writer.Write((ushort)entries.Count);
        writer.Write((ushort)entries.Count);
        writer.Write(length);
        writer.Write((uint)start);
        writer.Write((ushort)0);
    }
}
