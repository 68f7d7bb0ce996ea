using System.Buffers.Binary;
using System.Text;

namespace AutoProg.Ort.Files.OnDevice;

/// <summary>
/// A table of a FlatBuffer in a file that is not trusted: no byte outside of the file is asked for, and nothing is read before it is asked for. (The library's own verifier keeps
/// places in 16 bits, so it refuses every checkpoint beyond 32 KiB.)
/// </summary>
/// <param name="File">The file.</param>
/// <param name="Place">First byte of the table.</param>
internal readonly record struct FlatTable(TensorStream File, long Place)
{
    /// <summary>Most entries of a vector of tables: a file may say any number, and let all entries be the same.</summary>
    public const int MostTables = 100_000;

    private const int IdentifierAt = 4;

    private const int LongestName = 1000;

    /// <summary>The outermost table.</summary>
    /// <exception cref="FileFormatException">The file is of another kind.</exception>
    public static FlatTable Root(TensorStream file, string identifier)
    {
        if (!HasIdentifier(file, identifier))
        {
            throw new FileFormatException(file.Path, $"bytes 4 to 7 are not '{identifier}'; this is no such file, or it is damaged");
        }

        return new FlatTable(file, new FlatTable(file, 0).UnsignedAt(0));
    }

    /// <summary>True for a FlatBuffer of that kind.</summary>
    public static bool HasIdentifier(TensorStream file, string identifier)
    {
        Span<byte> bytes = stackalloc byte[IdentifierAt];
        if (file.Length < IdentifierAt + bytes.Length)
        {
            return false;
        }

        file.ReadBytes(IdentifierAt, bytes);
        return bytes.SequenceEqual(Encoding.ASCII.GetBytes(identifier));
    }

    /// <summary>A number; 0 where the field is left out, as the format has it.</summary>
    public int Int(int field) => Field(field) is { } at ? (int)UnsignedAt(at) : 0;

    /// <summary>A number; 0 where the field is left out, as the format has it.</summary>
    public long Long(int field) => Field(field) is { } at ? LongAt(at) : 0;

    /// <summary>A truth value; false where the field is left out.</summary>
    public bool Flag(int field) => Field(field) is { } at && Bytes(at, stackalloc byte[1])[0] != 0;

    /// <summary>A table; null where the field is left out.</summary>
    public FlatTable? Table(int field) => Field(field) is { } at ? this with { Place = at + UnsignedAt(at) } : null;

    /// <summary>Tables, at most so many; null where the field is left out.</summary>
    public IReadOnlyList<FlatTable>? Tables(int field, int most = MostTables)
    {
        if (Vector(field, sizeof(uint)) is not { } vector)
        {
            return null;
        }

        if (vector.Count > most)
        {
            throw Damaged($"a list of {vector.Count} entries, more than {most}");
        }

        var tables = new FlatTable[vector.Count];
        for (var i = 0; i < tables.Length; i++)
        {
            var at = vector.Place + (i * sizeof(uint));
            tables[i] = this with { Place = at + UnsignedAt(at) };
        }

        return tables;
    }

    /// <summary>A text of at most so many bytes; null where the field is left out.</summary>
    public string? Text(int field, int most = LongestName)
    {
        if (Vector(field, 1) is not { } vector)
        {
            return null;
        }

        return vector.Count <= most
            ? Encoding.UTF8.GetString(Bytes(vector.Place, new byte[vector.Count]))
            : throw Damaged($"a text of {vector.Count} bytes, more than {most}");
    }

    /// <summary>Numbers, at most so many; null where the field is left out.</summary>
    public long[]? Longs(int field, int most)
    {
        if (Vector(field, sizeof(long)) is not { } vector)
        {
            return null;
        }

        if (vector.Count > most)
        {
            throw Damaged($"a list of {vector.Count} numbers, more than {most}");
        }

        var numbers = new long[vector.Count];
        for (var i = 0; i < numbers.Length; i++)
        {
            numbers[i] = LongAt(vector.Place + (i * sizeof(long)));
        }

        return numbers;
    }

    /// <summary>Where the elements of a vector lie, all of them within the file, and how many there are; null where the field is left out.</summary>
    public (long Place, long Count)? Vector(int field, int elementSize)
    {
        if (Field(field) is not { } at)
        {
            return null;
        }

        var start = at + UnsignedAt(at);
        var count = UnsignedAt(start);
        var first = start + sizeof(uint);
        return count * elementSize <= File.Length - first
            ? (first, count)
            : throw Damaged($"a list of {count} entries at byte {start}, which reaches beyond the end ({File.Length} bytes)");
    }

    /// <summary>Where a field lies: the table begins with the distance to a list of places, which may be shorter than the newest version of the format.</summary>
    private long? Field(int field)
    {
        var list = Place - (int)UnsignedAt(Place);
        var entry = 2 * (2 + field);
        if (entry + 2 > ShortAt(list))
        {
            return null;
        }

        var distance = ShortAt(list + entry);
        return distance == 0 ? null : Place + distance;
    }

    private ushort ShortAt(long at) => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(at, stackalloc byte[sizeof(ushort)]));

    private uint UnsignedAt(long at) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(at, stackalloc byte[sizeof(uint)]));

    private long LongAt(long at) => BinaryPrimitives.ReadInt64LittleEndian(Bytes(at, stackalloc byte[sizeof(long)]));

    private ReadOnlySpan<byte> Bytes(long at, Span<byte> bytes)
    {
        if (at < 0 || at > File.Length - bytes.Length)
        {
            throw Damaged($"a reference to byte {at}, outside of its {File.Length} bytes");
        }

        File.ReadBytes(at, bytes);
        return bytes;
    }

    private FileFormatException Damaged(string finding) => new(File.Path, $"holds {finding}; it is damaged or was cut short");
}
