using System.Runtime.InteropServices;
using AutoProg.Ort.Files;
using AutoProg.Ort.Files.Torch;

namespace AutoProg.Ort.Tests.Files.Torch;

/// <summary>Files that PyTorch wrote (tools/peers/torch_files.py), and files in its layout.</summary>
public sealed class TorchReaderTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    [Theory]
    [InlineData("views.pt")]
    [InlineData("protocol4.pt")]
    public void Views_and_element_types_are_read_as_PyTorch_means_them(string file)
    {
        using var reader = TorchReader.Open(Fixture(file));

        var @base = Enumerable.Range(0, 24).Select(static i => (float)i).ToArray();
        Check(reader, "base", TensorType.F32, [4, 6], @base);
        Check(reader, "transposed", TensorType.F32, [6, 4], [.. from column in Enumerable.Range(0, 6) from row in Enumerable.Range(0, 4) select @base[(row * 6) + column]]);
        Check(reader, "rows", TensorType.F32, [2, 6], @base[6..18]);
        Check(reader, "columns", TensorType.F32, [4, 3], [.. @base.Where(static (_, i) => i % 2 == 1)]);
        Check(reader, "scalar", TensorType.F32, [], [15]);
        Check(reader, "empty", TensorType.F32, [0, 5], []);
        Check(reader, "half", TensorType.F16, [3], [1.5f, -2, 1f / 16384]);
        Check(reader, "bf16", TensorType.BF16, [2], [1.5f, -3]);
        Check(reader, "double", TensorType.F64, [2], [0.1f, -2]);
        Check(reader, "int64", TensorType.I64, [2], [-3, 1 << 20]);
        Check(reader, "int32", TensorType.I32, [2], [-7, 5]);
        Check(reader, "uint8", TensorType.U8, [2], [255, 1]);
        Check(reader, "bool", TensorType.Bool, [2], [1, 0]);
        Check(reader, "parameter", TensorType.F32, [1, 2], [4, 5]);
        Assert.Equal(14, reader.Entries.Count);
    }

    [Fact]
    public void Of_a_checkpoint_the_averaged_weights_are_taken_unless_another_part_is_asked_for()
    {
        string[] names = ["0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var", "1.num_batches_tracked"];
        using (var reader = TorchReader.Open(Fixture("checkpoint.pt")))
        {
            Assert.Equal("ema", reader.Key);
            Assert.Equal(names, reader.Entries.Select(static entry => entry.Name));
            Check(reader, "0.weight", TensorType.F32, [2, 3], [0, 0.5f, 1, 1.5f, 2, 2.5f]);
            Check(reader, "1.num_batches_tracked", TensorType.I64, [], [0]);
        }

        // The online weights were saved by DistributedDataParallel.
        using (var reader = TorchReader.Open(Fixture("checkpoint.pt"), "model"))
        {
            Assert.Equal("model", reader.Key);
            Assert.Equal(names, reader.Entries.Select(static entry => entry.Name));
            Check(reader, "0.bias", TensorType.F32, [2], [0, 3]);
        }

        using (var reader = TorchReader.Open(Fixture("checkpoint.pt"), "opt"))
        {
            Assert.Contains("state.0.exp_avg", reader.Entries.Select(static entry => entry.Name));
        }

        Assert.Equal(
            $"{Fixture("checkpoint.pt")}: has no part 'momentum'; its parts are 'model', 'ema', 'opt'",
            Assert.Throws<FileFormatException>(() => TorchReader.Open(Fixture("checkpoint.pt"), "momentum")).Message);
    }

    [Theory]
    [InlineData("namespace.pt", "refers to argparse.Namespace, which is no tensor; only tensors and plain containers are read, and nothing was executed. Save the weights alone")]
    [InlineData("module.pt", "refers to torch.nn.modules.container.Sequential, which is no tensor")]
    [InlineData("legacy.pt", "is in the format that torch.save had before PyTorch 1.6, which is not read; convert it once")]
    public void What_PyTorch_writes_beyond_tensors_is_refused_by_name(string file, string expected) =>
        Assert.Contains(expected, Assert.Throws<FileFormatException>(() => TorchReader.Open(Fixture(file))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_tar_file_is_refused_with_the_way_to_convert_it()
    {
        var bytes = new byte[1024];
        "ustar"u8.CopyTo(bytes.AsSpan(257));
        File.WriteAllBytes(path, bytes);

        Assert.Contains("torch.save(torch.load('old.pt', map_location='cpu'), 'new.pt')", Assert.Throws<FileFormatException>(() => WeightsFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Storages_are_shared_and_the_usual_parts_are_found_in_order(bool zip64)
    {
        var shared = Floats(Enumerable.Range(0, 12).Select(static i => (float)i));
        var pickle = PickleScript.Of(new Dictionary<string, object?>
        {
            ["state_dict"] = new Dictionary<string, object?> { ["w"] = new PickledTensor("FloatStorage", "7", 12, 0, [12], [1]) },
            ["model"] = new Dictionary<string, object?>
            {
                ["encoder"] = new Dictionary<string, object?> { ["w"] = new PickledTensor("FloatStorage", "7", 12, 4, [2, 2, 1], [1, 3, 9]) },
                ["b"] = new PickledTensor("FloatStorage", "7", 12, 10, [2], [1]),
                ["epochs"] = 3,
            },
        });
        new TorchArchive(pickle, ("7", shared)) { Zip64 = zip64 }.Write(path);

        using var reader = WeightsFile.Open(path);

        Assert.Equal(["encoder.w", "b"], reader.Entries.Select(static entry => entry.Name));
        Check(reader, "encoder.w", TensorType.F32, [2, 2, 1], [4, 7, 5, 8]);
        Check(reader, "b", TensorType.F32, [2], [10, 11]);
    }

    [Fact]
    public void A_prefix_that_not_all_names_have_stays()
    {
        var tensor = new PickledTensor("FloatStorage", "0", 1, 0, [1], [1]);
        new TorchArchive(PickleScript.Of(new Dictionary<string, object?> { ["module.a"] = tensor, ["b"] = tensor }), ("0", Floats([1]))).Write(path);

        using var reader = TorchReader.Open(path);

        Assert.Null(reader.Key);
        Assert.Equal(["module.a", "b"], reader.Entries.Select(static entry => entry.Name));
    }

    [Fact]
    public void A_tensor_that_is_not_there_or_of_another_size_is_named()
    {
        using var reader = TorchReader.Open(Fixture("views.pt"));

        Assert.Equal($"{reader.Path}: holds no tensor 'b' among its 14", Assert.Throws<FileFormatException>(() => reader.Read("b", [])).Message);
        Assert.StartsWith($"{reader.Path}: tensor 'rows' of shape [2, 6] has 12 elements; 3 were asked for.", Assert.Throws<ArgumentException>(() => reader.Read("rows", new float[3])).Message, StringComparison.Ordinal);
        Assert.False(reader.TryGet("b", out _));
    }

    [Fact]
    public void Files_are_opened_by_what_they_hold()
    {
        SafetensorsWriter.Write(path, [FloatTensor.Of("x", [1], [2])]);
        using (var file = WeightsFile.Open(path))
        {
            Check(file, "x", TensorType.F32, [1], [2]);
        }

        Assert.Equal($"{path}: is no PyTorch checkpoint, so it has no part 'ema' to choose; leave the key out", Assert.Throws<FileFormatException>(() => WeightsFile.Open(path, "ema")).Message);
        var misnamed = Path.ChangeExtension(path, ".pt");
        try
        {
            File.Copy(path, misnamed);
            Assert.Contains("is no file of torch.save", Assert.Throws<FileFormatException>(() => WeightsFile.Open(misnamed)).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(misnamed);
        }
    }

    private static void Check(IWeightsFile file, string name, TensorType type, long[] shape, float[] expected)
    {
        Assert.True(file.TryGet(name, out var entry));
        Assert.Equal((name, type), (entry.Name, entry.Type));
        Assert.Equal(shape, entry.Shape);
        var values = new float[entry.Shape.ElementCount];
        file.Read(name, values);
        Assert.Equal(expected, values);
    }

    private static byte[] Floats(IEnumerable<float> values) => MemoryMarshal.AsBytes<float>(values.ToArray()).ToArray();

    private static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "Fixtures", "torch", name);
}
