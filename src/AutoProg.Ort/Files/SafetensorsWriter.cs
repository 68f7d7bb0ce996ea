using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using AutoProg.Graphs;

namespace AutoProg.Ort.Files;

/// <summary>Elements of a tensor, looked up at the moment they are written.</summary>
public delegate ReadOnlySpan<float> FloatSource();

/// <summary>A tensor to be written, stored as F32.</summary>
/// <param name="Name">Unique in its file.</param>
/// <param name="Shape">Dimensions, row-major.</param>
/// <param name="Elements">As many as the shape has.</param>
public sealed record FloatTensor(string Name, Shape Shape, FloatSource Elements)
{
    /// <summary>A tensor whose elements lie in an array.</summary>
    public static FloatTensor Of(string name, Shape shape, float[] elements) => new(name, shape, () => elements);
}

/// <summary>A tensor that will be written, without its elements.</summary>
/// <param name="Name">Unique in its file.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Dimensions, row-major.</param>
internal sealed record TensorLayout(string Name, TensorType Type, Shape Shape);

/// <summary>Writes safetensors files, one tensor after the other, without a copy of them in memory.</summary>
public static class SafetensorsWriter
{
    private const int WriteChunkBytes = 1 << 22;

    /// <summary>Writes a file and flushes it to the disk. An interrupted write leaves a part of a file behind: write to a temporary name first.</summary>
    /// <param name="path">Replaced if it exists.</param>
    /// <param name="tensors">In the order in which their data will lie.</param>
    /// <param name="metadata">Free text to save along.</param>
    /// <exception cref="ArgumentException">A name appears twice or is reserved, or a source gives another number of elements than its shape has.</exception>
    public static void Write(string path, IReadOnlyList<FloatTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var stream = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1);
        Write(stream, tensors, metadata);
        stream.Flush(flushToDisk: true);
    }

    /// <summary>Writes to a stream.</summary>
    /// <inheritdoc cref="Write(string, IReadOnlyList{FloatTensor}, IReadOnlyDictionary{string, string}?)" />
    public static void Write(Stream stream, IReadOnlyList<FloatTensor> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        WriteHeader(stream, [.. tensors.Select(static tensor => new TensorLayout(tensor.Name, TensorType.F32, tensor.Shape))], metadata);
        foreach (var tensor in tensors)
        {
            var elements = tensor.Elements();
            if (elements.Length != tensor.Shape.ElementCount)
            {
                throw new ArgumentException($"Tensor '{tensor.Name}' of shape {tensor.Shape} has {tensor.Shape.ElementCount} elements; its source gave {elements.Length}.", nameof(tensors));
            }

            var bytes = MemoryMarshal.AsBytes(elements);
            for (; bytes.Length > WriteChunkBytes; bytes = bytes[WriteChunkBytes..])
            {
                stream.Write(bytes[..WriteChunkBytes]);
            }

            stream.Write(bytes);
        }
    }

    /// <summary>Writes what stands before the data, which follow tensor by tensor without gaps.</summary>
    /// <returns>First byte of each tensor, from the start of the file.</returns>
    internal static IReadOnlyList<long> WriteHeader(Stream stream, IReadOnlyList<TensorLayout> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        var offsets = new List<long>();
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (metadata is { Count: > 0 })
            {
                json.WriteStartObject("__metadata__");
                foreach (var (key, value) in metadata)
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            var names = new HashSet<string>(StringComparer.Ordinal) { "__metadata__" };
            var next = 0L;
            foreach (var tensor in tensors)
            {
                if (!names.Add(tensor.Name))
                {
                    throw new ArgumentException($"Tensor name '{tensor.Name}' appears twice or is reserved.", nameof(tensors));
                }

                var end = checked(next + (tensor.Shape.ElementCount * tensor.Type.Size()));
                WriteEntry(json, tensor, next, end);
                offsets.Add(next);
                next = end;
            }

            json.WriteEndObject();
        }

        // The format wants the data 8-byte aligned, and spaces behind the JSON are the way to get there.
        var padding = -buffer.WrittenCount & 7;
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        Span<byte> length = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)buffer.WrittenCount);
        stream.Write(length);
        stream.Write(buffer.WrittenSpan);
        var start = sizeof(ulong) + buffer.WrittenCount;
        return [.. offsets.Select(offset => start + offset)];
    }

    private static void WriteEntry(Utf8JsonWriter json, TensorLayout tensor, long begin, long end)
    {
        json.WriteStartObject(tensor.Name);
        json.WriteString("dtype", tensor.Type.Spelling());
        json.WriteStartArray("shape");
        foreach (var dim in tensor.Shape)
        {
            json.WriteNumberValue(dim);
        }

        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(begin);
        json.WriteNumberValue(end);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
