using System.Buffers.Binary;
using System.Text;
using AutoProg.Graphs;
using AutoProg.Ort.Files;
using AutoProg.Ort.Files.OnDevice;
using AutoProg.Ort.Tests.Runs;
using Google.FlatBuffers;

namespace AutoProg.Ort.Tests.Files.OnDevice;

public sealed class OnDeviceCheckpointTests : InTemporaryFolder
{
    private static readonly (string, Tensor)[] Learns =
        [("blocks.0.weight", Tensor.FromFloats([2, 3], [1.5f, -0f, float.Epsilon, float.MaxValue, float.NaN, 7])), ("scale", Tensor.FromFloats([], [4]))];

    private static readonly (string, Tensor)[] Frozen = [("indices", Tensor.FromLongs([2], [5, -3])), ("empty", Tensor.FromFloats([0, 7], []))];

    private string File => At("checkpoint");

    [Fact]
    public void What_is_written_is_read_back()
    {
        Write(OnDeviceCheckpointWriter.Write(Learns, Frozen, [new("recipe", "tiny"), new("classes", new string('x', 5000))]));

        using var reader = OnDeviceCheckpointReader.Open(File);

        Assert.Equal(
            [("blocks.0.weight", TensorType.F32, "[2, 3]"), ("scale", TensorType.F32, "[]"), ("indices", TensorType.I64, "[2]"), ("empty", TensorType.F32, "[0, 7]")],
            reader.Entries.Select(static e => (e.Name, e.Type, e.Shape.ToString())));
        Assert.Equal(["blocks.0.weight", "scale"], reader.Learnable);
        Assert.Equal(Learns[0].Item2.Floats().ToArray().Select(BitConverter.SingleToUInt32Bits), Elements(reader, "blocks.0.weight").Select(BitConverter.SingleToUInt32Bits));
        Assert.Equal([5, -3], Elements(reader, "indices"));
        Assert.Equal(("tiny", 5000), (reader.Metadata["recipe"], reader.Metadata["classes"].Length));
        Assert.Null(reader.OptimizerStep);
    }

    [Fact]
    public void The_optimizer_s_state_is_read_back()
    {
        var moments = new Dictionary<string, IReadOnlyList<Tensor>> { ["a"] = [Tensor.FromFloats([2], [1, 2]), Tensor.FromFloats([2], [3, 4])] };
        Write(OnDeviceCheckpointWriter.Write([("a", Tensor.FromFloats([2], [0, 0]))], [], [], new OnDeviceOptimizerState(100, moments)));

        using var reader = OnDeviceCheckpointReader.Open(File);

        var second = new float[2];
        reader.ReadMoment(1, "a", second);
        Assert.Equal((100, 3, 4), (reader.OptimizerStep!.Value, second[0], second[1]));
        Assert.EndsWith("holds no moment 0 of 'b'; save the optimizer's state along", Assert.Throws<FileFormatException>(() => reader.ReadMoment(0, "b", second)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_moment_of_another_shape_than_its_parameter_is_refused()
    {
        var moments = new Dictionary<string, IReadOnlyList<Tensor>> { ["a"] = [Tensor.FromFloats([3], [1, 2, 3])] };
        Write(OnDeviceCheckpointWriter.Write([("a", Tensor.FromFloats([2], [0, 0]))], [], [], new OnDeviceOptimizerState(100, moments)));

        Assert.Equal("holds 'momentum0' of 'a' in shape [3], expected the parameter's, [2]", Refusal());
    }

    [Fact]
    public void The_file_says_what_it_is()
    {
        Write(OnDeviceCheckpointWriter.Write(Learns, [], []));

        Assert.Equal("ODTC", Encoding.ASCII.GetString(System.IO.File.ReadAllBytes(File), 4, 4));
        Assert.True(OnDeviceCheckpointReader.Recognizes(File));
        System.IO.File.WriteAllText(File, "{}");
        Assert.False(OnDeviceCheckpointReader.Recognizes(File));
        Assert.Equal("bytes 4 to 7 are not 'ODTC'; this is no such file, or it is damaged", Refusal());
    }

    [Theory]
    [InlineData(1, false, false, "is a checkpoint of version 1; ONNX Runtime 1.19.2 and this engine read version 2")]
    [InlineData(2, true, false, "is nominal: it names parameters and holds no values of them; save a complete checkpoint")]
    [InlineData(2, false, true, "keeps its values in another file, which is not read; save a checkpoint below 2 GB")]
    [InlineData(2, false, false, "lacks a list of tensors that is required even when empty")]
    public void What_cannot_be_used_is_refused_with_the_reason(int version, bool nominal, bool external, string reason)
    {
        var b = new FlatBufferBuilder(64);
        b.StartTable(CheckpointSchema.Module.Count);
        b.AddBool(CheckpointSchema.Module.IsNominal, nominal, false);
        b.AddBool(CheckpointSchema.Module.HasExternalData, external, false);
        Finish(b, version, b.EndTable());

        Assert.Equal(reason, Refusal());
    }

    [Fact]
    public void A_name_that_comes_twice_is_refused()
    {
        Write(OnDeviceCheckpointWriter.Write([("a", Tensor.FromFloats([], [1]))], [("a", Tensor.FromFloats([], [2]))], []));

        Assert.Equal("holds 'a' twice", Refusal());
    }

    [Fact]
    public void A_shape_that_does_not_fit_the_elements_is_refused()
    {
        var bytes = OnDeviceCheckpointWriter.Write([("a", Tensor.FromFloats([1234567], new float[1234567]))], [], []).ToArray();
        var at = bytes.AsSpan().IndexOf(BitConverter.GetBytes(1234567L));
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(at), long.MaxValue);
        Write(bytes);

        Assert.Equal($"tensor 'a' has 4938268 bytes, which are not [{long.MaxValue}] elements of 4 bytes", Refusal());
    }

    [Fact]
    public void A_list_that_is_the_same_tensor_a_hundred_million_times_ends_at_once()
    {
        // The list's length is read before its entries; an entry is four bytes, so the file need not be large to claim many.
        var bytes = new byte[1 << 20];
        OnDeviceCheckpointWriter.Write([("a", Tensor.FromFloats([], [1]))], [], []).CopyTo(bytes);
        var at = bytes.AsSpan().IndexOf(BitConverter.GetBytes(1));
        Assert.True(at >= 0, "No list has one entry.");
        foreach (var length in new[] { 200_000, 100_000_000, -1 })
        {
            var changed = bytes.ToArray();
            BinaryPrimitives.WriteInt32LittleEndian(changed.AsSpan(at), length);
            Write(changed);

            Assert.Throws<FileFormatException>(() => OnDeviceCheckpointReader.Open(File));
        }
    }

    [Fact]
    public void Properties_that_are_long_in_all_are_refused()
    {
        var text = new string('x', 1 << 20);
        Write(OnDeviceCheckpointWriter.Write(Learns, [], Enumerable.Range(0, 5).Select(i => KeyValuePair.Create($"text{i}", text))));

        Assert.Equal("holds properties of more than 4194304 characters in all; it is damaged, or keep long texts in a file of their own", Refusal());
    }

    [Fact]
    public void States_of_the_optimizer_cost_no_more_than_there_are_parameters()
    {
        Write(Optimizer(stateOf: "stranger", states: 50_000, moments: 50_000));
        using (var reader = OnDeviceCheckpointReader.Open(File))
        {
            Assert.Equal(9, reader.OptimizerStep);
        }

        Write(Optimizer(stateOf: "a", states: 1, moments: 50_000));
        Assert.Equal("holds a list of 50000 entries, more than 2; it is damaged or was cut short", Refusal());
        Write(Optimizer(stateOf: "a", states: 2, moments: 2));
        Assert.Equal("holds the optimizer's state of 'a' twice", Refusal());
    }

    [Fact]
    public void Every_prefix_is_refused_and_no_damaged_byte_does_more_than_that()
    {
        var whole = OnDeviceCheckpointWriter.Write(Learns, Frozen, [new("recipe", "tiny")], new OnDeviceOptimizerState(3, new Dictionary<string, IReadOnlyList<Tensor>> { ["scale"] = [Learns[1].Item2, Learns[1].Item2] })).ToArray();
        for (var length = 0; length < whole.Length; length++)
        {
            // The last bytes of the file may be padding of the first table written, which nothing refers to.
            Write(whole.AsMemory(0, length));
            if (length < whole.Length - sizeof(long))
            {
                Assert.Throws<FileFormatException>(() => OnDeviceCheckpointReader.Open(File));
            }
        }

        for (var at = 0; at < whole.Length; at++)
        {
            foreach (var flip in new byte[] { 0x01, 0x80, 0xff })
            {
                var damaged = whole.ToArray();
                damaged[at] ^= flip;
                Write(damaged);
                ReadIfItOpens();
            }
        }
    }

    /// <summary>A checkpoint of one parameter, <c>a</c>, whose optimizer remembers the same state so many times, which is the same moment so many times.</summary>
    private static byte[] Optimizer(string stateOf, int states, int moments)
    {
        var b = new FlatBufferBuilder(1 << 20);
        var parameter = Scalar(b, "a");
        var moment = Scalar(b, CheckpointSchema.MomentName(0));
        var momentList = Repeated(b, moment, moments);
        var name = b.CreateString(stateOf).Value;
        b.StartTable(CheckpointSchema.State.Count);
        b.AddOffset(CheckpointSchema.State.Parameter, name, 0);
        b.AddOffset(CheckpointSchema.State.Moments, momentList, 0);
        var stateList = Repeated(b, b.EndTable(), states);
        var groupName = b.CreateString(CheckpointSchema.GroupName).Value;
        b.StartTable(CheckpointSchema.Group.Count);
        b.AddOffset(CheckpointSchema.Group.Name, groupName, 0);
        b.AddLong(CheckpointSchema.Group.Step, 9, 0);
        b.AddOffset(CheckpointSchema.Group.States, stateList, 0);
        var groups = Repeated(b, b.EndTable(), 1);
        var (learns, frozen) = (Repeated(b, parameter, 1), Repeated(b, 0, 0));
        b.StartTable(CheckpointSchema.Module.Count);
        b.AddOffset(CheckpointSchema.Module.Learns, learns, 0);
        b.AddOffset(CheckpointSchema.Module.Frozen, frozen, 0);
        var module = b.EndTable();
        b.StartTable(CheckpointSchema.Root.Count);
        b.AddInt(CheckpointSchema.Root.Version, CheckpointSchema.Version, 0);
        b.AddOffset(CheckpointSchema.Root.Module, module, 0);
        b.AddOffset(CheckpointSchema.Root.Optimizers, groups, 0);
        b.Finish(b.EndTable(), CheckpointSchema.Identifier);
        return b.SizedByteArray();
    }

    private static int Scalar(FlatBufferBuilder b, string name)
    {
        var (nameAt, dims) = (b.CreateString(name).Value, Repeated(b, 0, 0));
        b.StartVector(1, sizeof(float), sizeof(long));
        b.Add(new byte[sizeof(float)]);
        var elements = b.EndVector().Value;
        b.StartTable(CheckpointSchema.Tensor.Count);
        b.AddOffset(CheckpointSchema.Tensor.Name, nameAt, 0);
        b.AddOffset(CheckpointSchema.Tensor.Dims, dims, 0);
        b.AddInt(CheckpointSchema.Tensor.Type, (int)ElementType.Float, 0);
        b.AddOffset(CheckpointSchema.Tensor.Elements, elements, 0);
        return b.EndTable();
    }

    private static int Repeated(FlatBufferBuilder b, int table, int times)
    {
        b.StartVector(sizeof(int), times, sizeof(int));
        for (var i = 0; i < times; i++)
        {
            b.AddOffset(table);
        }

        return b.EndVector().Value;
    }

    private void ReadIfItOpens()
    {
        try
        {
            using var reader = OnDeviceCheckpointReader.Open(File);
            foreach (var entry in reader.Entries)
            {
                Assert.Equal(entry.Shape.ElementCount, Elements(reader, entry.Name).Length);
            }
        }
        catch (FileFormatException error)
        {
            Assert.StartsWith($"{File}: ", error.Message, StringComparison.Ordinal);
        }
    }

    private static float[] Elements(OnDeviceCheckpointReader reader, string name)
    {
        Assert.True(reader.TryGet(name, out var entry));
        var elements = new float[entry.Shape.ElementCount];
        reader.Read(name, elements);
        return elements;
    }

    private void Write(ReadOnlyMemory<byte> bytes) => System.IO.File.WriteAllBytes(File, bytes.Span);

    private void Finish(FlatBufferBuilder b, int version, int module)
    {
        b.StartTable(CheckpointSchema.Root.Count);
        b.AddInt(CheckpointSchema.Root.Version, version, 0);
        b.AddOffset(CheckpointSchema.Root.Module, module, 0);
        b.Finish(b.EndTable(), CheckpointSchema.Identifier);
        Write(b.SizedByteArray());
    }

    private string Refusal() => Assert.Throws<FileFormatException>(() => OnDeviceCheckpointReader.Open(File).Dispose()).Problem;
}
