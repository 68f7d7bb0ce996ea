using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Models;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Tests.Runtime;

public sealed class StepSessionTests
{
    private static readonly Parameter[] Parameters =
    [
        new("block.scale", [2], Initializer.Ones, WeightDecay: false, new BlockAddress(0, 0)),
        new("frozen", [2], Initializer.Ones, WeightDecay: false),
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_run_sees_what_was_fed_since_the_last_one(bool throughRuntime)
    {
        using var device = throughRuntime ? Device.OpenCpuThroughRuntime(1) : Device.Open("cpu", 1);
        using var arena = new ParameterArena(Parameters, new ArenaOptions(), device);
        arena.Set(ArenaBuffer.Weights, "block.scale", [2], [2, 3]);
        arena.Set(ArenaBuffer.Weights, "frozen", [2], [1, 1]);
        using var session = Load(device);
        session.Bind(arena, arena.Layout.Select(static parameter => parameter.Block is not null));
        foreach (var x in (float[])[1, 10])
        {
            session.Tensor("x").Fill(x);
            session.Run();

            // loss = sum of scale * frozen * x, so its gradient by the scale is frozen * x.
            Assert.Equal(5 * x, session.Loss);
            Assert.Equal([x, x], arena.Read(ArenaBuffer.Gradients, "block.scale").ToArray());
        }
    }

    [Fact]
    public void An_update_of_what_gets_no_gradient_is_refused()
    {
        using var device = Device.Open("cpu", 1);
        using var arena = new ParameterArena(Parameters, new ArenaOptions());
        using var session = Load(device);

        var error = Assert.Throws<ArgumentException>(() => session.Bind(arena, arena.Layout.Select([new BlockAddress(0, 0)])));

        Assert.StartsWith(
            "The step is to update 'frozen', but graph 'scales' computes no gradient for it; build the graph with that parameter learnable, or leave it out of the selection.",
            error.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_running_statistic_without_the_batchs_to_follow_is_refused()
    {
        using var device = Device.Open("cpu", 1);
        var buffer = new Parameter("norm.running_mean", [2], Initializer.Zeros, WeightDecay: false, new BlockAddress(0, 0), new RunningStatistic(0.1));
        using var arena = new ParameterArena([.. Parameters, buffer], new ArenaOptions());
        using var session = Load(device);

        var error = Assert.Throws<ArgumentException>(() => session.Bind(arena, arena.Layout.Select(static parameter => parameter.Block is not null)));

        Assert.StartsWith(
            "'norm.running_mean' is to follow the batch, but graph 'scales' does not tell the batch's statistic; build the graph in training mode, or leave it out of the selection.",
            error.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void An_arena_on_another_device_is_refused()
    {
        using var device = Device.OpenCpuThroughRuntime(1);
        using var arena = new ParameterArena(Parameters, new ArenaOptions());
        using var session = Load(device);

        var error = Assert.Throws<ArgumentException>(() => session.Bind(arena, arena.Layout.Select(static parameter => parameter.Block is not null)));

        Assert.StartsWith("The arena does not lie in the memory of device 'cpu', where the session runs; make it with that device.", error.Message, StringComparison.Ordinal);
    }

    private static StepSession Load(Device device)
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, [2]);
        var loss = b.ReduceSum(b.Mul(b.Mul(b.Parameter("block.scale", [2]), b.Parameter("frozen", [2])), x), [0]);
        var (model, manifest) = TrainingGraph.Create(b, loss, static name => name != "frozen").Write("scales");
        return new StepSession(device, model, manifest);
    }
}
