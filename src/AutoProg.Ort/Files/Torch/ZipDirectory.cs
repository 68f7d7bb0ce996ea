using System.Buffers.Binary;
using System.Text;
using AutoProg.Graphs;

namespace AutoProg.Ort.Files.Torch;

/// <summary>An entry of a zip file.</summary>
/// <param name="Name">Path in the archive, with slashes.</param>
/// <param name="Offset">First byte of its data, from the start of the file.</param>
/// <param name="Length">Bytes that it takes in the file.</param>
/// <param name="Stored">True if these bytes are the content, false if they are compressed.</param>
internal sealed record ZipEntry(string Name, long Offset, long Length, bool Stored);

/// <summary>
/// The directory at the end of a zip file. torch.save stores its entries uncompressed so that they can be read in place, which takes their offsets; a library's archive
/// does not tell them. Files are taken for hostile: places, sizes, overlaps, duplicates and names are checked, local headers must agree with the directory, and
/// nothing is unpacked.
/// </summary>
internal sealed class ZipDirectory
{
    private const int MostEntries = 100_000;
    private const int LongestDirectory = 32 << 20;
    private const int LongestName = 1024;

    private const uint EndSignature = 0x06054b50;
    private const uint Zip64EndSignature = 0x06064b50;
    private const uint Zip64LocatorSignature = 0x07064b50;
    private const uint EntrySignature = 0x02014b50;
    private const uint LocalSignature = 0x04034b50;
    private const int EndBytes = 22;
    private const int Zip64EndBytes = 56;
    private const int Zip64LocatorBytes = 20;
    private const int EntryBytes = 46;
    private const int LocalBytes = 30;
    private const ushort Zip64Extra = 1;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly TensorStream file;

    private ZipDirectory(TensorStream file) => this.file = file;

    /// <summary>What the directory's end says of it.</summary>
    private readonly record struct Place(long Count, long Offset, long Length, long Limit);

    /// <summary>An entry as the directory tells it.</summary>
    private readonly record struct Record(string Name, byte[] RawName, ushort Method, long Length, long LocalOffset);

    /// <summary>Reads and checks the directory.</summary>
    /// <returns>Entries by name.</returns>
    /// <exception cref="FileFormatException">The file is no zip file, was cut short, or says something impossible.</exception>
    public static IReadOnlyDictionary<string, ZipEntry> Read(TensorStream file) => new ZipDirectory(file).Read();

    private Dictionary<string, ZipEntry> Read()
    {
        var place = FindDirectory();
        var bytes = new byte[place.Length];
        file.ReadBytes(place.Offset, bytes);
        var records = new List<Record>();
        var at = 0;
        for (var i = 0L; i < place.Count; i++)
        {
            records.Add(ReadRecord(bytes, ref at));
        }

        Expect(at == bytes.Length, $"has {bytes.Length - at} bytes behind the last entry of its zip directory");
        var entries = new Dictionary<string, ZipEntry>(StringComparer.Ordinal);
        var end = 0L;
        foreach (var record in records.OrderBy(static r => r.LocalOffset))
        {
            Expect(record.LocalOffset >= end, $"has overlapping zip entries; '{Shown(record.Name)}' is one of them");
            var entry = Locate(record, place.Offset);
            end = entry.Offset + entry.Length;
            Expect(entries.TryAdd(entry.Name, entry), $"has two zip entries named '{Shown(entry.Name)}'");
        }

        return entries;
    }

    private Place FindDirectory()
    {
        var tail = new byte[Math.Min(file.Length, EndBytes + ushort.MaxValue)];
        var tailStart = file.Length - tail.Length;
        file.ReadBytes(tailStart, tail);
        for (var at = tail.Length - EndBytes; at >= 0; at--)
        {
            if (U32(tail, at) == EndSignature && at + EndBytes + U16(tail, at + 20) == tail.Length)
            {
                return ReadEnd(tail.AsSpan(at, EndBytes), tailStart + at);
            }
        }

        throw Refuse("has no zip directory at its end; the file was cut short or is no zip file");
    }

    private Place ReadEnd(ReadOnlySpan<byte> bytes, long position)
    {
        Expect(U16(bytes, 4) == 0 && U16(bytes, 6) == 0 && U16(bytes, 8) == U16(bytes, 10), "is a part of a zip archive of several volumes");
        var (count, length, offset, limit) = ((ulong)U16(bytes, 10), (ulong)U32(bytes, 12), (ulong)U32(bytes, 16), position);
        var locator = new byte[Zip64LocatorBytes];
        if (position >= Zip64LocatorBytes)
        {
            file.ReadBytes(position - Zip64LocatorBytes, locator);
        }

        if (U32(locator, 0) == Zip64LocatorSignature)
        {
            var zip64 = U64(locator, 8);
            Expect(position >= Zip64LocatorBytes + Zip64EndBytes && zip64 <= (ulong)(position - Zip64LocatorBytes - Zip64EndBytes), "has a zip64 locator that points nowhere");
            var wide = new byte[Zip64EndBytes];
            file.ReadBytes((long)zip64, wide);
            Expect(U32(wide, 0) == Zip64EndSignature && U64(wide, 24) == U64(wide, 32), "has a damaged zip64 record");
            Expect(Agree(count, U64(wide, 32), ushort.MaxValue) && Agree(length, U64(wide, 40), uint.MaxValue) && Agree(offset, U64(wide, 48), uint.MaxValue), "has a zip64 record that contradicts the end of its directory");
            (count, length, offset, limit) = (U64(wide, 32), U64(wide, 40), U64(wide, 48), (long)zip64);
        }

        Expect(count <= MostEntries, $"has {count} zip entries, more than {MostEntries}");
        Expect(length <= LongestDirectory, $"has a zip directory of {length} bytes, more than {LongestDirectory}");
        Expect(offset <= (ulong)limit && length <= (ulong)limit - offset, "has a zip directory that reaches beyond its end; the file was cut short");
        return new Place((long)count, (long)offset, (long)length, limit);
    }

    private static bool Agree(ulong narrow, ulong wide, ulong saturated) => narrow == Math.Min(wide, saturated) || narrow == saturated;

    private Record ReadRecord(ReadOnlySpan<byte> bytes, ref int at)
    {
        Expect(bytes.Length - at >= EntryBytes && U32(bytes, at) == EntrySignature, "has a damaged zip directory");
        var entry = bytes[at..];
        var (nameLength, extraLength) = (U16(entry, 28), U16(entry, 30));
        var total = EntryBytes + nameLength + extraLength + U16(entry, 32);
        Expect(entry.Length >= total, "has a damaged zip directory");
        at += total;

        var rawName = entry.Slice(EntryBytes, nameLength);
        var name = ReadName(rawName);
        var where = $"zip entry '{Shown(name)}'";
        Expect((U16(entry, 8) & 1) == 0, $"has an encrypted {where}");
        Expect(U16(entry, 34) == 0, $"has its {where} on another volume");
        var (packed, length, local) = ((ulong)U32(entry, 20), (ulong)U32(entry, 24), (ulong)U32(entry, 42));
        ReadZip64(entry.Slice(EntryBytes + nameLength, extraLength), where, ref length, ref packed, ref local);
        var method = U16(entry, 10);
        Expect(method != 0 || packed == length, $"says that its uncompressed {where} has {length} bytes and takes {packed}");
        Expect(packed <= (ulong)file.Length && local <= (ulong)file.Length, $"has a {where} that reaches beyond its end");
        return new Record(name, rawName.ToArray(), method, (long)packed, (long)local);
    }

    /// <summary>Fields that are saturated stand in an extra field, in this order.</summary>
    private void ReadZip64(ReadOnlySpan<byte> extras, string where, ref ulong length, ref ulong packed, ref ulong local)
    {
        if (length != uint.MaxValue && packed != uint.MaxValue && local != uint.MaxValue)
        {
            return;
        }

        while (extras.Length >= 4)
        {
            var size = U16(extras, 2);
            Expect(extras.Length - 4 >= size, $"has a {where} with a damaged extra field");
            if (U16(extras, 0) == Zip64Extra)
            {
                var fields = extras.Slice(4, size);
                Take(ref length, ref fields, where);
                Take(ref packed, ref fields, where);
                Take(ref local, ref fields, where);
                return;
            }

            extras = extras[(4 + size)..];
        }

        throw Refuse($"has a {where} without the zip64 field that its size needs");
    }

    private void Take(ref ulong field, ref ReadOnlySpan<byte> fields, string where)
    {
        if (field == uint.MaxValue)
        {
            Expect(fields.Length >= sizeof(ulong), $"has a {where} without the zip64 field that its size needs");
            field = U64(fields, 0);
            fields = fields[sizeof(ulong)..];
        }
    }

    /// <summary>No name is ever used as a path; what looks like a way out of a folder shows that the file is not what it pretends to be.</summary>
    private string ReadName(ReadOnlySpan<byte> raw)
    {
        string name;
        try
        {
            name = Strict.GetString(raw);
        }
        catch (DecoderFallbackException error)
        {
            throw new FileFormatException(file.Path, "has a zip entry whose name is not UTF-8", error);
        }

        Expect(name.Length is > 0 and <= LongestName, $"has a zip entry whose name has {name.Length} characters; 1 to {LongestName} are expected");
        var parts = (name.EndsWith('/') ? name[..^1] : name).Split('/');
        Expect(!name.Contains('\\') && !name.Any(char.IsControl) && parts.All(static part => part is not ("" or "." or "..")), $"has a zip entry with the path '{Shown(name)}', which torch.save does not write");
        return name;
    }

    private ZipEntry Locate(Record record, long directoryOffset)
    {
        var where = $"zip entry '{Shown(record.Name)}'";
        var header = new byte[LocalBytes + record.RawName.Length];
        Expect(record.LocalOffset <= directoryOffset - header.Length, $"has a {where} that lies outside its data");
        file.ReadBytes(record.LocalOffset, header);
        var agrees = U32(header, 0) == LocalSignature && U16(header, 8) == record.Method && U16(header, 26) == record.RawName.Length && header.AsSpan(LocalBytes).SequenceEqual(record.RawName);
        Expect(agrees, $"has a {where} whose own header contradicts the directory");
        var offset = record.LocalOffset + header.Length + U16(header, 28);
        Expect(offset <= directoryOffset && record.Length <= directoryOffset - offset, $"has a {where} that reaches into the directory");
        return new ZipEntry(record.Name, offset, record.Length, record.Method == 0);
    }

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);

    private static string Shown(string name) => UntrustedText.Shown(name);

    private FileFormatException Refuse(string problem) => new(file.Path, problem);

    private void Expect([System.Diagnostics.CodeAnalysis.DoesNotReturnIf(false)] bool holds, string problem)
    {
        if (!holds)
        {
            throw Refuse(problem);
        }
    }
}
