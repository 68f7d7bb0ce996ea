using System.Buffers.Binary;
using System.Text;
using AutoProg.Graphs;
using AutoProg.Models;
using AutoProg.Ort.Files;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Data;
using AutoProg.Ort.Tests.Files.Torch;
using AutoProg.Ort.Training;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Tests.Training;

public sealed class InitialWeightsTests : IDisposable
{
    private static readonly Parameter[] Parameters =
    [
        Declare("blocks.0.weight", 2, 2),
        Declare("blocks.0.bias", 2),
        Declare("s_embedder.embedding_table.weight", 5, 2),
        Declare("head.weight", 3, 2),
        Declare("head.bias", 3),
    ];

    private readonly TemporaryFolder folder = new();
    private readonly Messages log = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void What_fine_tuning_changes_on_purpose_stays_freshly_drawn_and_is_told()
    {
        var path = Safetensors(("blocks.0.weight", [2, 2]), ("blocks.0.bias", [2]), ("head.weight", [10, 2]), ("head.bias", [10]), ("pos_embed", [1, 4, 2]));

        using var arena = Load(path);

        Assert.Equal([1, 2, 3, 4], arena.Read(ArenaBuffer.Weights, "blocks.0.weight").ToArray());
        Assert.Equal([1, 2], arena.Read(ArenaBuffer.Weights, "blocks.0.bias").ToArray());
        Assert.Equal([-1, -1, -1], arena.Read(ArenaBuffer.Weights, "head.bias").ToArray());
        Assert.All(arena.Read(ArenaBuffer.Weights, "s_embedder.embedding_table.weight").ToArray(), static value => Assert.Equal(-1, value));
        Assert.Equal(
            [
                $"Initial weights from {path}; freshly drawn instead: s_embedder.embedding_table.weight (missing), head.weight ([10, 2] instead of [3, 2]), head.bias ([10] instead of [3])",
                $"Ignored in {path}: pos_embed, which is a constant of the model",
            ],
            log.Lines);
    }

    [Fact]
    public void Everything_else_that_does_not_fit_is_one_error_and_nothing_is_loaded()
    {
        var path = Safetensors(("blocks.0.weight", [2, 2]), ("blocks.0.bias", [3]), ("s_embedder.embedding_table.weight", [4, 2]), ("head.weight", [3, 2]), ("dist_token", [1]));
        using var arena = Fresh();

        var error = Assert.Throws<FileFormatException>(() => CheckpointFiles.LoadInitial(arena, path, log));

        Assert.Equal(
            $"{path}: belongs to another model: 4 tensors do not fit: blocks.0.bias ([3] instead of [2]), s_embedder.embedding_table.weight ([4, 2] instead of [5, 2]), head.bias (missing), dist_token (unexpected)",
            error.Message);
        Assert.Equal([-1, -1, -1, -1], arena.Read(ArenaBuffer.Weights, "blocks.0.weight").ToArray());
    }

    [Fact]
    public void Of_many_tensors_that_do_not_fit_the_first_twenty_are_named()
    {
        var path = Safetensors([.. Enumerable.Range(0, 30).Select(static i => ($"extra.{i}", new long[] { 1 }))]);
        using var arena = Fresh();

        var error = Assert.Throws<FileFormatException>(() => CheckpointFiles.LoadInitial(arena, path, log));

        // Four of the model's are missing, too; the stage table may be.
        Assert.Contains("34 tensors do not fit: blocks.0.weight (missing)", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("extra.15 (unexpected) and 14 more", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Integers_are_no_weights()
    {
        var path = Write("integers.safetensors", """{"blocks.0.bias":{"dtype":"I32","shape":[2],"data_offsets":[0,8]}}""", new byte[8]);
        using var arena = Fresh();

        Assert.Contains("blocks.0.bias (I32 instead of a float type)", Assert.Throws<FileFormatException>(() => CheckpointFiles.LoadInitial(arena, path, log)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HalfStorage")]
    [InlineData("BFloat16Storage")]
    [InlineData("DoubleStorage")]
    [InlineData("FloatStorage")]
    public void A_PyTorch_checkpoint_of_any_float_type_loads(string storage)
    {
        PickledTensor Tensor(params long[] shape) => new(storage, "0", 6, 0, shape, shape.Length == 1 ? [1] : [shape[1], 1]);
        var weights = new Dictionary<string, object?>
        {
            ["module.blocks.0.weight"] = Tensor(2, 2),
            ["module.blocks.0.bias"] = Tensor(2),
            ["module.head.weight"] = Tensor(3, 2),
            ["module.head.bias"] = Tensor(3),
        };
        var pickle = PickleScript.Of(new Dictionary<string, object?> { ["model"] = new Dictionary<string, object?>(), ["net"] = weights });
        float[] values = [0.5f, -1.5f, 2, -3, 4, 5];
        byte[] bytes = [.. values.SelectMany(value => storage switch
        {
            "HalfStorage" => BitConverter.GetBytes((Half)value),
            "BFloat16Storage" => BitConverter.GetBytes(value)[2..],
            "DoubleStorage" => BitConverter.GetBytes((double)value),
            _ => BitConverter.GetBytes(value),
        })];
        var path = folder.Write("weights.pth", new TorchArchive(pickle, ("0", bytes)).ToArray());
        using var arena = Fresh();

        CheckpointFiles.LoadInitial(arena, path, log, "net");

        Assert.Equal(values[..4], arena.Read(ArenaBuffer.Weights, "blocks.0.weight").ToArray());
        Assert.Equal(values, arena.Read(ArenaBuffer.Weights, "head.weight").ToArray());
        Assert.Equal([$"Initial weights from {path}; freshly drawn instead: s_embedder.embedding_table.weight (missing)"], log.Lines);
    }

    [Fact]
    public void Running_statistics_are_loaded_and_the_count_of_batches_beside_them_is_ignored()
    {
        var buffer = new Parameter("norm.running_mean", [2], Initializer.Zeros, WeightDecay: false, Running: new RunningStatistic(0.1));
        using var arena = new ParameterArena([buffer], ArenaOptions.WeightsOnly);
        byte[] data = [.. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(-2f), .. BitConverter.GetBytes(7L)];
        string Count(string norm) => """{"norm.running_mean":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"norm.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[8,16]}}""".Replace("norm.num", $"{norm}.num");

        CheckpointFiles.LoadInitial(arena, Write("counted.safetensors", Count("norm"), data), log);
        Assert.Equal([1.5f, -2], arena.Read(ArenaBuffer.Weights, "norm.running_mean").ToArray());

        var stray = Write("stray.safetensors", Count("other"), data);
        var error = Assert.Throws<FileFormatException>(() => CheckpointFiles.LoadInitial(arena, stray, log));
        Assert.EndsWith("1 tensors do not fit: other.num_batches_tracked (unexpected)", error.Message, StringComparison.Ordinal);
    }

    private static Parameter Declare(string name, params long[] shape) => new(name, Shape.Of(shape), new Initializer.Constant(-1), WeightDecay: false);

    private static ParameterArena Fresh()
    {
        var arena = new ParameterArena(Parameters, ArenaOptions.WeightsOnly);
        ParameterInitialization.Fill(arena, seed: 0);
        return arena;
    }

    private ParameterArena Load(string path)
    {
        var arena = Fresh();
        CheckpointFiles.LoadInitial(arena, path, log);
        return arena;
    }

    private string Safetensors(params (string Name, long[] Shape)[] tensors)
    {
        var path = Path.Combine(folder.Path, "weights.safetensors");
        SafetensorsWriter.Write(path, [.. tensors.Select(static t => FloatTensor.Of(t.Name, Shape.Of(t.Shape), [.. Enumerable.Range(1, (int)Shape.Of(t.Shape).ElementCount).Select(static i => (float)i)]))]);
        return path;
    }

    private string Write(string name, string header, byte[] data)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        return folder.Write(name, [.. length, .. json, .. data]);
    }

    private sealed class Messages : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Add(formatter(state, exception));
    }
}
