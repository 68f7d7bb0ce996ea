using System.Buffers.Binary;
using System.Text;
using AutoProg.Graphs;
using AutoProg.Ort.Files;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Tests.Files;

public sealed class SafetensorsTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    [Fact]
    public void What_is_written_is_read_back_bit_for_bit()
    {
        float[] weights = [1.5f, -0f, float.Epsilon, float.MaxValue, float.NaN, float.PositiveInfinity];
        FloatTensor[] tensors =
        [
            FloatTensor.Of("blocks.0.weight", [2, 3], weights), FloatTensor.Of("empty", [0, 7], []), FloatTensor.Of("scalar", Shape.Scalar, [4]), FloatTensor.Of("Ü \"quoted\"", [1], [5]),
        ];

        SafetensorsWriter.Write(path, tensors, new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "pt", ["ema"] = "0.998" });
        using var reader = SafetensorsReader.Open(path);

        Assert.Equal(tensors.Select(tensor => (tensor.Name, tensor.Shape)).ToHashSet(), reader.Entries.Select(entry => (entry.Name, entry.Shape)).ToHashSet());
        Assert.Equal("0.998", reader.Metadata["ema"]);
        var read = new float[6];
        reader.Read("blocks.0.weight", read);
        Assert.Equal(weights.Select(BitConverter.SingleToUInt32Bits), read.Select(BitConverter.SingleToUInt32Bits));
        reader.Read("scalar", read.AsSpan(0, 1));
        Assert.Equal(4, read[0]);
        reader.Read("empty", []);
        Assert.Equal(0, reader.Entries[0].Offset % 8);
    }

    [Fact]
    public void The_layout_is_the_published_one()
    {
        SafetensorsWriter.Write(path, [FloatTensor.Of("a", [2], [1, 2])]);

        var bytes = File.ReadAllBytes(path);
        var length = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        Assert.Equal("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", Encoding.UTF8.GetString(bytes, 8, length).TrimEnd(' '));
        Assert.Equal([0, 0, 0x80, 0x3f, 0, 0, 0, 0x40], bytes[(8 + length)..]);
    }

    [Fact]
    public void Every_element_type_converts_to_single_precision()
    {
        (string Type, byte[] Bytes, float[] Expected)[] cases =
        [
            ("F16", [0x00, 0x3e, 0x01, 0x00, 0x00, 0xfc], [1.5f, 5.9604645e-8f, float.NegativeInfinity]),
            ("BF16", [0xc0, 0x3f, 0x80, 0xff], [1.5f, float.NegativeInfinity]),
            ("F64", [.. BitConverter.GetBytes(0.1), .. BitConverter.GetBytes(-2.0)], [0.1f, -2f]),
            ("F32", BitConverter.GetBytes(0.25f), [0.25f]),
            ("I64", [.. BitConverter.GetBytes(-3L)], [-3f]),
            ("U64", [.. BitConverter.GetBytes(5UL)], [5f]),
            ("I32", [.. BitConverter.GetBytes(-7)], [-7f]),
            ("U32", [.. BitConverter.GetBytes(4_000_000_000u)], [4e9f]),
            ("I16", [.. BitConverter.GetBytes((short)-2)], [-2f]),
            ("U16", [.. BitConverter.GetBytes((ushort)65535)], [65535f]),
            ("I8", [0xff], [-1f]),
            ("U8", [0xff, 0x01], [255f, 1f]),
            ("BOOL", [0, 1], [0f, 1f]),
        ];
        Assert.Equal(Enum.GetValues<TensorType>().Length, cases.Length);
        foreach (var (type, bytes, expected) in cases)
        {
            WriteRaw($$$"""{"x":{"dtype":"{{{type}}}","shape":[{{{expected.Length}}}],"data_offsets":[0,{{{bytes.Length}}}]}}""", bytes);
            using var reader = SafetensorsReader.Open(path);
            var values = new float[expected.Length];
            reader.Read("x", values);
            Assert.Equal(expected, values);
            var raw = new byte[bytes.Length];
            reader.ReadBytes("x", raw);
            Assert.Equal(bytes, raw);
        }
    }

    [Fact]
    public void Conversion_crosses_the_edges_of_its_buffer()
    {
        const int count = 300_001;
        var bytes = new byte[count * 2];
        for (var i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteHalfLittleEndian(bytes.AsSpan(i * 2), (Half)(i % 2000));
        }

        WriteRaw($$$"""{"x":{"dtype":"F16","shape":[{{{count}}}],"data_offsets":[0,{{{bytes.Length}}}]}}""", bytes);
        using var reader = SafetensorsReader.Open(path);
        var values = new float[count];
        reader.Read("x", values);

        Assert.All(Enumerable.Range(0, count), i => Assert.Equal(i % 2000, values[i]));
    }

    [Fact]
    public void Files_beyond_two_gigabytes_are_read()
    {
        const long big = 3L << 30;
        WriteRaw($$$"""{"big":{"dtype":"U8","shape":[{{{big}}}],"data_offsets":[0,{{{big}}}]},"x":{"dtype":"F32","shape":[1],"data_offsets":[{{{big}}},{{{big + 4}}}]}}""", []);
        using (var file = new FileStream(path, FileMode.Open))
        {
            // Sparse on every file system that matters for tests: 3 GiB that take no room.
            file.Position = file.Length + big;
            file.Write(BitConverter.GetBytes(2.5f));
        }

        using var reader = SafetensorsReader.Open(path);
        var values = new float[1];
        reader.Read("x", values);

        Assert.Equal(2.5f, values[0]);
    }

    [Theory]
    [InlineData("[]", "header is no JSON object")]
    [InlineData("{\"x\":", "header is not valid JSON")]
    [InlineData("""{"x":1}""", "tensor 'x' is no JSON object")]
    [InlineData("""{"x":{"shape":[1],"data_offsets":[0,4]}}""", "tensor 'x' has no dtype")]
    [InlineData("""{"x":{"dtype":"F32","data_offsets":[0,4]}}""", "tensor 'x' has no shape")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", "tensor 'x' has no data_offsets of two numbers")]
    [InlineData("""{"x":{"dtype":"F4","shape":[1],"data_offsets":[0,4]}}""", "tensor 'x' has dtype 'F4'; known are BOOL, U8, I8, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "tensor 'x' takes 4 bytes, but F32 of shape [2] needs 8")]
    [InlineData("""{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", "tensor 'x' has a dimension that is no whole number of at least 0")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", "tensor 'x' has a dimension that is no whole number of at least 0")]
    [InlineData("""{"x":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}}""", "tensor 'x' is larger than any file")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", "tensor 'x' has data_offsets that are no range")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775803,9223372036854775807]}}""", "tensor 'x' has data_offsets that are no range")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "'x' appears twice in the header")]
    [InlineData("""{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "tensor 'y' overlaps the one before it")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "4 bytes before tensor 'x' belong to no tensor")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "4 bytes behind the last tensor belong to no tensor")]
    [InlineData("""{"x":{"dtype":"F32","shape":[100],"data_offsets":[0,400]}}""", "it was cut short")]
    [InlineData("""{"__metadata__":{"a":1}}""", "__metadata__ 'a' is no text")]
    [InlineData("""{"\ud800":1}""", "header")]
    public void A_header_that_cannot_be_right_is_refused(string header, string expected)
    {
        WriteRaw(header, new byte[8]);

        var error = Assert.Throws<FileFormatException>(() => SafetensorsReader.Open(path));

        Assert.StartsWith(path + ": ", error.Message);
        Assert.Contains(expected, error.Message);
    }

    [Fact]
    public void A_header_length_never_costs_more_memory_than_the_file_has()
    {
        File.WriteAllBytes(path, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]);
        Assert.Contains("above the format's limit", Assert.Throws<FileFormatException>(() => SafetensorsReader.Open(path)).Message);

        File.WriteAllBytes(path, [0x00, 0xe0, 0xf5, 0x05, 0, 0, 0, 0, 0]);
        Assert.Contains("reaches beyond the end of the file (9 bytes)", Assert.Throws<FileFormatException>(() => SafetensorsReader.Open(path)).Message);

        File.WriteAllBytes(path, [1, 2]);
        Assert.Contains("2 bytes long", Assert.Throws<FileFormatException>(() => SafetensorsReader.Open(path)).Message);
    }

    [Fact]
    public void A_mutated_file_is_either_refused_or_read_within_its_bounds()
    {
        SafetensorsWriter.Write(path, [FloatTensor.Of("a.weight", [3, 2], new float[6]), FloatTensor.Of("b", [4], new float[4])], new Dictionary<string, string>(StringComparer.Ordinal) { ["k"] = "v" });
        var valid = File.ReadAllBytes(path);
        var refused = 0;
        for (var round = 0; round < 2000; round++)
        {
            var random = new CounterRandom(1, RandomPurpose.Subset, index: round);
            var bytes = random.NextBool(0.2) ? valid[..random.NextInt(valid.Length)] : [.. valid];
            for (var i = random.NextInt(4); i >= 0 && bytes.Length > 0; i--)
            {
                bytes[random.NextInt(bytes.Length)] = (byte)random.NextInt(256);
            }

            File.WriteAllBytes(path, bytes);
            try
            {
                using var reader = SafetensorsReader.Open(path);
                foreach (var entry in reader.Entries)
                {
                    Assert.True(entry.Offset >= 0 && entry.Offset + entry.ByteLength <= bytes.Length);
                    reader.Read(entry.Name, new float[entry.Shape.ElementCount]);
                }
            }
            catch (FileFormatException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 1000, 1999);
    }

    [Fact]
    public void A_tensor_that_is_not_there_or_of_another_size_is_named()
    {
        SafetensorsWriter.Write(path, [FloatTensor.Of("a", [2, 2], new float[4])]);
        using var reader = SafetensorsReader.Open(path);

        Assert.Equal($"{path}: holds no tensor 'b' among its 1", Assert.Throws<FileFormatException>(() => reader["b"]).Message);
        Assert.StartsWith($"{path}: tensor 'a' of shape [2, 2] has 4 elements; 3 were asked for.", Assert.Throws<ArgumentException>(() => reader.Read("a", new float[3])).Message);
    }

    [Fact]
    public void The_writer_refuses_what_it_could_not_read_back()
    {
        Assert.StartsWith("Tensor name 'a' appears twice", Assert.Throws<ArgumentException>(() =>
            SafetensorsWriter.Write(path, [FloatTensor.Of("a", [1], [1]), FloatTensor.Of("a", [1], [1])])).Message);
        Assert.StartsWith("Tensor 'a' of shape [2] has 2 elements; its source gave 1.", Assert.Throws<ArgumentException>(() =>
            SafetensorsWriter.Write(path, [FloatTensor.Of("a", [2], [1])])).Message);
    }

    private void WriteRaw(string header, byte[] data)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)json.Length);
        File.WriteAllBytes(path, [.. length, .. json, .. data]);
    }
}
