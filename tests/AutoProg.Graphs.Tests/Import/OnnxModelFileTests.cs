using System.Globalization;
using AutoProg.Graphs.Artifacts.Protos;
using AutoProg.Graphs.Import;
using Google.Protobuf;
using static AutoProg.Graphs.Tests.Import.ModelFiles;

namespace AutoProg.Graphs.Tests.Import;

public sealed class OnnxModelFileTests : IDisposable
{
    private readonly ModelFiles files = new();

    [Fact]
    public void Elements_are_read_from_every_encoding()
    {
        File.WriteAllBytes(files.At("weights.bin"), [.. new byte[8], .. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(-2f)]);
        var file = files.Open(Model(
            [Node("Relu", "y", "x")],
            [
                Floats("typed", [2], [1, 2]),
                new TensorProto { Name = "raw", DataType = (int)ElementType.Int64, Dims = { 1 }, RawData = ByteString.CopyFrom(BitConverter.GetBytes(-5L)) },
                External("external", [2], ("location", "weights.bin"), ("offset", "8"), ("length", "8")),
                new TensorProto { Name = "narrow", DataType = (int)ElementType.Int8, Dims = { 2 }, Int32Data = { -3, 7 } },
                new TensorProto { Name = "half", DataType = (int)ElementType.Float16, Dims = { 1 }, Int32Data = { 0x3C00 } },
                new TensorProto { Name = "flags", DataType = (int)ElementType.Bool, Dims = { 3 }, RawData = ByteString.CopyFrom(0, 1, 9) },
                new TensorProto { Name = "double", DataType = (int)ElementType.Double, DoubleData = { 0.125 } },
            ]));

        Assert.Equal([1, 2], file.Read("typed").Doubles());
        Assert.Equal([-5], file.Read("raw").Longs());
        Assert.Equal([1.5, -2], file.Read("external").Doubles());
        Assert.Equal([-3, 7], file.Read("narrow").Doubles());
        Assert.Equal<byte>([0x00, 0x3C], file.Read("half").Bytes.ToArray());
        Assert.Equal([0, 1, 1], file.Read("flags").Doubles());
        Assert.Equal([0.125], file.Read("double").Doubles());
    }

    [Theory]
    [InlineData("/etc/hostname", "external data lies in '/etc/hostname'; only files in the model's own folder are read.")]
    [InlineData("../weights.bin", "external data lies in '../weights.bin'; only files in the model's own folder are read.")]
    [InlineData("a/../../weights.bin", "external data lies in 'a/../../weights.bin'; only files in the model's own folder are read.")]
    [InlineData("", "external data lies in ''; only files in the model's own folder are read.")]
    [InlineData("missing.bin", "external data 'missing.bin' is not there; it belongs beside the model.")]
    [InlineData("link.bin", "external data 'link.bin' is reached through a link; only plain files in the model's own folder are read.")]
    [InlineData("folder/weights.bin", "external data 'folder/weights.bin' is reached through a link; only plain files in the model's own folder are read.")]
    public void External_data_is_looked_for_in_the_model_s_folder_alone(string location, string problem)
    {
        File.CreateSymbolicLink(files.At("link.bin"), "/etc/hostname");
        Directory.CreateSymbolicLink(files.At("folder"), Path.GetTempPath());
        Assert.Equal($"initializer 'w': {problem}", ReadingRefused(External("w", [1], ("location", location))));
    }

    [Theory]
    [InlineData("offset", "13", "external data 'weights.bin' has 16 bytes; 4 from 13 on are asked for.")]
    [InlineData("offset", "9223372036854775807", "external data 'weights.bin' has 16 bytes; 4 from 9223372036854775807 on are asked for.")]
    [InlineData("offset", "-1", "the offset of external data is '-1'; a number of bytes is needed.")]
    [InlineData("length", "8", "external data of 8 bytes is given for a tensor of 4.")]
    [InlineData("length", "many", "the length of external data is 'many'; a number of bytes is needed.")]
    public void External_data_must_lie_within_its_file(string key, string value, string problem)
    {
        File.WriteAllBytes(files.At("weights.bin"), new byte[16]);
        Assert.Equal($"initializer 'w': {problem}", ReadingRefused(External("w", [1], ("location", "weights.bin"), (key, value))));
    }

    [Theory]
    [InlineData(new long[] { -1, 4 }, "initializer 'w': a tensor has shape [-1, 4]; sizes are 0 or more.")]
    [InlineData(new long[] { long.MaxValue, 2 }, "initializer 'w': a tensor has shape [9223372036854775807, 2], more than 2147483647 elements.")]
    [InlineData(new long[] { 1 << 20, 1 << 20, 1 << 20, 1 << 20 }, "initializer 'w': a tensor has shape [1048576, 1048576, 1048576, 1048576], more than 2147483647 elements.")]
    public void Shapes_without_bounds_are_refused(long[] dims, string problem)
    {
        var model = Dense();
        model.Graph.Initializer[0] = Floats("w", dims, [1]);
        Assert.Equal(problem, files.Refusal(model));
    }

    [Fact]
    public void Data_shorter_than_its_shape_is_refused() =>
        Assert.Equal("initializer 'w': a tensor Float[3] has 8 bytes, 12 are needed.", ReadingRefused(Floats("w", [3], [1, 2])));

    [Fact]
    public void All_initializers_together_are_bounded()
    {
        var model = Dense();
        model.Graph.Initializer.AddRange(Enumerable.Range(0, 3).Select(static i => External(i.ToString(CultureInfo.InvariantCulture), [int.MaxValue], ("location", "w.bin"))));
        Assert.Equal("its initializers take 25769803828 bytes, at most 17179869184 are read.", files.Refusal(model));
    }

    [Fact]
    public void What_is_no_model_is_refused()
    {
        File.WriteAllText(files.At("model.onnx"), "no model at all, and rather long");
        Assert.StartsWith("is no ONNX model, or is damaged", Assert.Throws<OnnxFormatException>(() => OnnxModelFile.Open(files.At("model.onnx"))).Problem, StringComparison.Ordinal);
        Assert.Equal("there is no graph in it.", files.Refusal(new ModelProto { OpsetImport = { new OperatorSetIdProto { Version = 17 } } }));
        Assert.Throws<FileNotFoundException>(() => OnnxModelFile.Open(files.At("missing.onnx")));
    }

    [Fact]
    public void Names_and_order_are_checked()
    {
        Assert.Equal("is of opset 12; 13 to 23 are read. Export it again with opset_version=17, or convert it.", Broken(static m => m.OpsetImport[0].Version = 12));
        Assert.Equal("has two initializers named 'w'.", Broken(static m => m.Graph.Initializer[1].Name = "w"));
        Assert.Equal("has an initializer without a name.", Broken(static m => m.Graph.Initializer[1].Name = ""));
        Assert.Equal("has two inputs named 'x'.", Broken(static m => m.Graph.Input.Add(Info("x", 1))));
        Assert.Equal("node '/h' (Relu) computes 'xw', a name that is defined already.", Broken(static m => m.Graph.Node[1].Output[0] = "xw"));
        Assert.Equal("node '/h' (Relu) reads 'y', which is computed from it or behind it: the nodes are out of order or form a cycle.", Broken(static m => m.Graph.Node[1].Input[0] = "y"));
        Assert.Equal("node '/h' (Relu) reads 'nowhere', which nothing defines.", Broken(static m => m.Graph.Node[1].Input[0] = "nowhere"));
        Assert.Equal("returns 'z', which nothing computes.", Broken(static m => m.Graph.Output[0].Name = "z"));
        Assert.Equal("its graph returns nothing; one output is needed at least.", Broken(static m => m.Graph.Output.Clear()));
    }

    [Fact]
    public void Structure_is_bounded_before_anything_is_made_of_it()
    {
        var model = Dense();
        model.Graph.DocString = new string('x', (int)OnnxLimits.StructureBytes);
        Assert.Equal("has more than 67108864 bytes beside the elements of initializers. Store weights as initializers.", files.Refusal(model));
    }

    [Fact]
    public void The_number_of_initializers_is_bounded()
    {
        var model = Dense();
        model.Graph.Initializer.AddRange(Enumerable.Range(0, OnnxLimits.Initializers).Select(static _ => new TensorProto()));
        Assert.Equal("has more than 100000 initializers.", files.Refusal(model));
    }

    [Fact]
    public void Parts_that_end_behind_what_they_are_parts_of_are_refused()
    {
        // A graph (field 7) of 4 bytes in a file of 6, whose initializer (field 5) claims 100 bytes; or whose name (field 2) claims the byte behind the graph.
        foreach (var bytes in (byte[][])[[0x3A, 4, 0x2A, 100, 0, 0], [0x3A, 4, 0x12, 3, 65, 65, 65], [0x3A, 100, 0, 0]])
        {
            File.WriteAllBytes(files.At("model.onnx"), bytes);
            Assert.Equal(
                "is no ONNX model, or is damaged: a part of it ends behind what it is a part of.",
                Assert.Throws<OnnxFormatException>(() => OnnxModelFile.Open(files.At("model.onnx"))).Problem);
        }
    }

    [Fact]
    public void A_graph_in_pieces_is_one_graph()
    {
        var (front, back) = (Dense(), new ModelProto { Graph = new GraphProto { Initializer = { Floats("late", [2], [3, 4]) } } });
        File.WriteAllBytes(files.At("model.onnx"), [.. front.ToByteArray(), .. back.ToByteArray()]);

        var file = OnnxModelFile.Open(files.At("model.onnx"));

        Assert.Equal(["b", "late", "w"], file.Initializers.Keys.Order());
        Assert.Equal([3, 4], file.Read("late").Doubles());
        Assert.Equal([1, 2, 3, 4], file.Read("b").Doubles());
    }

    [Fact]
    public void Weights_stay_in_the_file_until_they_are_asked_for()
    {
        const int Elements = 1 << 22;
        var model = Dense();
        model.Graph.Initializer.Add(new TensorProto { Name = "raw", DataType = (int)ElementType.Float, Dims = { Elements }, RawData = ByteString.CopyFrom(new byte[4 * Elements]) });
        model.Graph.Initializer.Add(new TensorProto { Name = "typed", DataType = (int)ElementType.Float, Dims = { Elements }, FloatData = { new float[Elements] } });
        model.Graph.Initializer.Add(new TensorProto { Name = "wide", DataType = (int)ElementType.Double, Dims = { Elements }, DoubleData = { new double[Elements] } });
        File.WriteAllBytes(files.At("model.onnx"), model.ToByteArray());

        var before = GC.GetAllocatedBytesForCurrentThread();
        var file = OnnxModelFile.Open(files.At("model.onnx"));
        var opened = GC.GetAllocatedBytesForCurrentThread();
        var read = file.Read("raw").Bytes.Length;
        var taken = GC.GetAllocatedBytesForCurrentThread();

        Assert.InRange(opened - before, 1, 1 << 20); // of 64 MiB of weights
        Assert.Equal(4 * Elements, read);
        Assert.InRange(taken - opened, read, 4L * read);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_file_that_has_changed_is_read_no_more(bool keepsItsLength)
    {
        var file = files.Open(Dense());
        var changed = Dense();
        changed.ProducerName = keepsItsLength ? "" : "somebody else";
        changed.Graph.Initializer[1].FloatData[0] = 100;
        var opened = File.GetLastWriteTimeUtc(file.Path);
        File.WriteAllBytes(file.Path, changed.ToByteArray());
        File.SetLastWriteTimeUtc(file.Path, keepsItsLength ? opened.AddSeconds(1) : opened);

        Assert.Equal(
            "initializer 'b': the file has changed since it was opened. Elements stay in it until they are needed: put the old one back, or begin again with the new one.",
            Assert.Throws<OnnxFormatException>(() => file.Read("b")).Problem);
    }

    [Fact]
    public void A_file_that_is_gone_says_why_it_is_needed()
    {
        var file = files.Open(Dense());
        File.Delete(file.Path);
        var error = Assert.Throws<OnnxFormatException>(() => file.Read("w"));
        Assert.StartsWith("initializer 'w': elements stay in the file until they are needed, and it cannot be read any more: ", error.Problem, StringComparison.Ordinal);
        Assert.Equal(file.Path, error.Path);
    }

    private string Broken(Action<ModelProto> mutation)
    {
        var model = Dense();
        mutation(model);
        return files.Refusal(model);
    }

    private string ReadingRefused(TensorProto tensor) =>
        Assert.Throws<OnnxFormatException>(() => files.Open(Model([Node("Relu", "y", "x")], [tensor])).Read(tensor.Name)).Problem;

    public void Dispose() => files.Dispose();
}
