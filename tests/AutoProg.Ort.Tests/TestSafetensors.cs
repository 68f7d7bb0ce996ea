using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace AutoProg.Ort.Tests;

/// <summary>Float32 tensors of a trusted safetensors file, for fixtures only.</summary>
internal static class TestSafetensors
{
    public static Dictionary<string, (long[] Shape, float[] Values)> Read(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using var header = JsonDocument.Parse(bytes.AsMemory(8, headerLength));
        var tensors = new Dictionary<string, (long[] Shape, float[] Values)>(StringComparer.Ordinal);
        foreach (var entry in header.RootElement.EnumerateObject().Where(entry => entry.Name != "__metadata__"))
        {
            Assert.Equal("F32", entry.Value.GetProperty("dtype").GetString());
            var range = entry.Value.GetProperty("data_offsets").EnumerateArray().Select(offset => 8 + headerLength + offset.GetInt32()).ToArray();
            long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(dim => dim.GetInt64())];
            tensors.Add(entry.Name, (shape, MemoryMarshal.Cast<byte, float>(bytes.AsSpan(range[0]..range[1])).ToArray()));
        }

        return tensors;
    }
}
