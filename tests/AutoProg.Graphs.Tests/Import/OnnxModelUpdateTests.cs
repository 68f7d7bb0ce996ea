using AutoProg.Graphs.Artifacts.Protos;
using AutoProg.Graphs.Import;
using static AutoProg.Graphs.Tests.Import.ModelFiles;
using AttributeType = AutoProg.Graphs.Artifacts.Protos.AttributeProto.Types.AttributeType;

namespace AutoProg.Graphs.Tests.Import;

public sealed class OnnxModelUpdateTests : IDisposable
{
    private readonly ModelFiles files = new();

    [Fact]
    public void New_elements_take_the_place_of_old_ones_and_nothing_else_changes()
    {
        var model = Dense();
        model.ProducerName = "elsewhere";
        model.Graph.DocString = "as it was";

        var updated = Update(model, ("b", [4], [5, 6, 7, 8]));

        Assert.Equal([5, 6, 7, 8], files.Open(updated).Read("b").Doubles());
        Assert.Equal([.. Enumerable.Range(0, 12).Select(static i => 0.25 * i)], files.Open(updated).Read("w").Doubles());
        model.Graph.Initializer[1] = updated.Graph.Initializer[1];
        Assert.Equal(model, updated);
    }

    [Theory]
    [InlineData("nix", 4)]
    [InlineData("b", 3)]
    public void A_tensor_that_the_file_does_not_store_is_refused(string name, int size)
    {
        var error = Assert.Throws<ArgumentException>(() => Update(Dense(), (name, [size], new float[size])));
        Assert.StartsWith($"{files.At("model.onnx")} stores no tensor '{name}' of Float[{size}].", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Elements_in_another_file_move_into_the_model()
    {
        var model = Dense();
        model.Graph.Initializer[1] = External("b", [4], ("location", "b.bin"));
        File.WriteAllBytes(files.At("b.bin"), [.. new float[] { 9, 8, 7, 6 }.SelectMany(BitConverter.GetBytes)]);

        var updated = Update(model, ("w", [3, 4], new float[12]));

        File.Delete(files.At("b.bin"));
        Assert.Equal([9, 8, 7, 6], files.Open(updated).Read("b").Doubles());
    }

    [Fact]
    public void A_model_that_one_file_cannot_hold_is_refused_before_it_is_read()
    {
        // The tensors in the other file alone would just fit. There are no such bytes on the disk: it has a hole.
        const int Elements = int.MaxValue / 8;
        var model = Dense();
        model.Graph.Initializer.Add([External("one", [Elements], ("location", "hole.bin")), External("other", [Elements], ("location", "hole.bin"))]);
        using (var sparse = File.Create(files.At("hole.bin")))
        {
            sparse.SetLength(4L * Elements);
        }

        var file = files.Open(model);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<GraphException>(() => OnnxModelUpdate.Write(file, new Dictionary<string, Tensor>(), BatchNormMode.File));

        Assert.Equal($"'{file.Path}' with its new weights would take 2147483704 bytes; one ONNX file holds at most 2147483647.", error.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void A_file_that_has_changed_is_not_written()
    {
        var file = files.Open(Dense());
        File.AppendAllText(file.Path, "more");
        var error = Assert.Throws<OnnxFormatException>(() => OnnxModelUpdate.Write(file, new Dictionary<string, Tensor>(), BatchNormMode.File));
        Assert.StartsWith("initializer 'w': the file has changed since it was opened.", error.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("scale1")]
    [InlineData("scale2")]
    [InlineData("scale3")]
    public void Of_equal_tensors_that_were_written_once_only_the_one_with_new_elements_changes(string learned)
    {
        // scale3 is a copy of a copy.
        var model = Model(
            [
                Node("Identity", "scale2", "scale1"), Node("Identity", "scale3", "scale2"),
                Node("Mul", "h", "x", "scale1"), Node("Mul", "k", "h", "scale2"), Node("Mul", "y", "k", "scale3"),
            ],
            [Floats("scale1", [3], [1, 1, 1])]);

        var updated = files.Open(Update(model, (learned, [3], [2, 3, 4])));

        foreach (var name in (string[])["scale1", "scale2", "scale3"])
        {
            Assert.Equal(name == learned ? [2, 3, 4] : [1, 1, 1], updated.Read(name).Doubles());
        }
    }

    [Theory]
    [InlineData(BatchNormMode.File, true, false)]
    [InlineData(BatchNormMode.Train, true, false)]
    [InlineData(BatchNormMode.Eval, true, true)]
    [InlineData(BatchNormMode.File, false, false)]
    public void Normalisation_that_followed_the_batches_reads_its_running_statistics_from_now_on(BatchNormMode mode, bool exportedInTraining, bool remains)
    {
        var node = Node("BatchNormalization", "y", "x", "scale", "bias", "mean", "variance");
        if (exportedInTraining)
        {
            node.Output.Add(["mean2", "variance2"]);
            node.Attribute.Add(new AttributeProto { Name = "training_mode", Type = AttributeType.Int, I = 1 });
        }

        var model = Model([node], [.. new[] { "scale", "bias", "mean", "variance" }.Select(static name => Floats(name, [3], [1, 1, 1]))]);

        var written = Assert.Single(Update(model, mode, ("mean", [3], [2, 2, 2])).Graph.Node);

        Assert.Equal(remains, written.Attribute.Any(static a => a.Name == "training_mode"));
        Assert.Equal(remains ? ["y", "mean2", "variance2"] : ["y"], written.Output);
    }

    [Fact]
    public void What_is_told_about_the_model_joins_what_the_file_tells()
    {
        var model = Dense();
        model.MetadataProps.Add(new StringStringEntryProto { Key = "author", Value = "somebody" });
        model.MetadataProps.Add(new StringStringEntryProto { Key = "epochs", Value = "1" });

        var bytes = OnnxModelUpdate.Write(files.Open(model), new Dictionary<string, Tensor>(), BatchNormMode.File, [new("epochs", "9"), new("weights", "online")]);

        Assert.Equal(
            [("author", "somebody"), ("epochs", "9"), ("weights", "online")],
            ModelProto.Parser.ParseFrom(bytes).MetadataProps.Select(static m => (m.Key, m.Value)));
    }

    public void Dispose() => files.Dispose();

    private ModelProto Update(ModelProto model, params (string Name, long[] Shape, float[] Elements)[] weights) => Update(model, BatchNormMode.File, weights);

    private ModelProto Update(ModelProto model, BatchNormMode batchNorm, params (string Name, long[] Shape, float[] Elements)[] weights) =>
        ModelProto.Parser.ParseFrom(OnnxModelUpdate.Write(files.Open(model), weights.ToDictionary(static w => w.Name, static w => Tensor.FromFloats(Shape.Of(w.Shape), w.Elements)), batchNorm));
}
