using System.Buffers.Binary;
using System.Text.Json;
using AutoProg.Graphs;

namespace AutoProg.Ort.Files;

/// <summary>A tensor in a safetensors file.</summary>
/// <param name="Name">Unique in the file.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Dimensions, row-major.</param>
/// <param name="Offset">First byte, from the start of the file.</param>
public sealed record SafetensorsEntry(string Name, TensorType Type, Shape Shape, long Offset) : WeightsEntry(Name, Type, Shape)
{
    /// <summary>Bytes of all elements.</summary>
    public long ByteLength => Shape.ElementCount * Type.Size();
}

/// <summary>Reads and checks the part of a safetensors file that says what is in it. Files are taken for hostile.</summary>
internal sealed record SafetensorsHeader(IReadOnlyList<SafetensorsEntry> Entries, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>The reference implementation's limit.</summary>
    private const long LongestHeader = 100_000_000;

    private const int LengthBytes = sizeof(ulong);
    private const int MostDimensions = 32;

    private static readonly string KnownTypes = string.Join(", ", Enum.GetValues<TensorType>().Select(TensorTypes.Spelling));

    /// <summary>Reads the header from the start of a stream.</summary>
    /// <exception cref="FileFormatException">The file is no safetensors file, or says something impossible.</exception>
    public static SafetensorsHeader Read(Stream stream, string path)
    {
        var length = ReadLength(stream, path);
        var json = new byte[length];
        stream.ReadExactly(json);
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8 });
            return Read(document.RootElement, path, dataStart: LengthBytes + length, stream.Length);
        }
        catch (JsonException error)
        {
            throw new FileFormatException(path, $"header is not valid JSON ({error.Message}); the file is damaged or no safetensors file", error);
        }
        catch (InvalidOperationException error)
        {
            // JSON strings with lone surrogates parse, and throw when they are read.
            throw new FileFormatException(path, $"header holds text that is not Unicode ({error.Message})", error);
        }
    }

    private static int ReadLength(Stream stream, string path)
    {
        if (stream.Length < LengthBytes)
        {
            throw new FileFormatException(path, $"{stream.Length} bytes long; a safetensors file begins with an {LengthBytes}-byte header length");
        }

        Span<byte> bytes = stackalloc byte[LengthBytes];
        stream.ReadExactly(bytes);
        var length = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return length > LongestHeader
                ? throw new FileFormatException(path, $"header length {length} is above the format's limit of {LongestHeader}; the file is damaged or no safetensors file")
            : (long)length > stream.Length - LengthBytes
                ? throw new FileFormatException(path, $"header length {length} reaches beyond the end of the file ({stream.Length} bytes); the file was cut short or is no safetensors file")
            : (int)length;
    }

    private static SafetensorsHeader Read(JsonElement root, string path, long dataStart, long fileLength)
    {
        Expect(root.ValueKind == JsonValueKind.Object, path, "header is no JSON object");
        var entries = new List<SafetensorsEntry>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        IReadOnlyDictionary<string, string> metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var property in root.EnumerateObject())
        {
            Expect(names.Add(property.Name), path, $"'{UntrustedText.Shown(property.Name)}' appears twice in the header");
            if (string.Equals(property.Name, "__metadata__", StringComparison.Ordinal))
            {
                metadata = ReadMetadata(property.Value, path);
            }
            else
            {
                entries.Add(ReadEntry(property, path, dataStart));
            }
        }

        entries.Sort(static (a, b) => a.Offset != b.Offset ? a.Offset.CompareTo(b.Offset) : a.ByteLength.CompareTo(b.ByteLength));
        var end = dataStart;
        foreach (var entry in entries)
        {
            Expect(entry.Offset >= end, path, $"tensor '{UntrustedText.Shown(entry.Name)}' overlaps the one before it");
            Expect(entry.Offset == end, path, $"{entry.Offset - end} bytes before tensor '{UntrustedText.Shown(entry.Name)}' belong to no tensor");
            end += entry.ByteLength;
        }

        Expect(end <= fileLength, path, $"tensors end at byte {end}, the file at {fileLength}; it was cut short");
        Expect(end == fileLength, path, $"{fileLength - end} bytes behind the last tensor belong to no tensor");
        return new SafetensorsHeader(entries, metadata);
    }

    private static SafetensorsEntry ReadEntry(JsonProperty property, string path, long dataStart)
    {
        var where = $"tensor '{UntrustedText.Shown(property.Name)}'";
        var body = property.Value;
        Expect(body.ValueKind == JsonValueKind.Object, path, $"{where} is no JSON object");
        Expect(body.TryGetProperty("dtype", out var dtype) && dtype.ValueKind == JsonValueKind.String, path, $"{where} has no dtype");
        Expect(body.TryGetProperty("shape", out var dims) && dims.ValueKind == JsonValueKind.Array, path, $"{where} has no shape");
        Expect(body.TryGetProperty("data_offsets", out var offsets) && offsets.ValueKind == JsonValueKind.Array && offsets.GetArrayLength() == 2, path,
            $"{where} has no data_offsets of two numbers");
        Expect(TensorTypes.TryParse(dtype.GetString()!, out var type), path,
            $"{where} has dtype '{UntrustedText.Shown(dtype.GetString()!)}'; known are {KnownTypes}");
        Expect(dims.GetArrayLength() <= MostDimensions, path, $"{where} has {dims.GetArrayLength()} dimensions, more than {MostDimensions}");

        var shape = new List<long>();
        var bytes = (Int128)type.Size();
        foreach (var dim in dims.EnumerateArray())
        {
            Expect(TryGetCount(dim, out var size), path, $"{where} has a dimension that is no whole number of at least 0");
            shape.Add(size);
            bytes *= size;
            Expect(bytes <= long.MaxValue, path, $"{where} is larger than any file");
        }

        var end = -1L;
        Expect(TryGetCount(offsets[0], out var begin) && TryGetCount(offsets[1], out end) && begin <= end && end <= long.MaxValue - dataStart, path,
            $"{where} has data_offsets that are no range");
        Expect(end - begin == bytes, path, $"{where} takes {end - begin} bytes, but {type.Spelling()} of shape [{string.Join(", ", shape)}] needs {bytes}");
        return new SafetensorsEntry(property.Name, type, Shape.Of([.. shape]), dataStart + begin);
    }

    private static Dictionary<string, string> ReadMetadata(JsonElement body, string path)
    {
        Expect(body.ValueKind == JsonValueKind.Object, path, "__metadata__ is no JSON object");
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var property in body.EnumerateObject())
        {
            Expect(property.Value.ValueKind == JsonValueKind.String, path, $"__metadata__ '{UntrustedText.Shown(property.Name)}' is no text");
            Expect(metadata.TryAdd(property.Name, property.Value.GetString()!), path, $"__metadata__ '{UntrustedText.Shown(property.Name)}' appears twice");
        }

        return metadata;
    }

    private static bool TryGetCount(JsonElement element, out long count)
    {
        count = -1;
        return element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out count) && count >= 0;
    }


    private static void Expect([System.Diagnostics.CodeAnalysis.DoesNotReturnIf(false)] bool holds, string path, string problem)
    {
        if (!holds)
        {
            throw new FileFormatException(path, problem);
        }
    }
}
