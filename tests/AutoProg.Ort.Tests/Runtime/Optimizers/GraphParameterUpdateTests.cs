using AutoProg.Graphs;
using AutoProg.Models;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Tests.Runtime.Optimizers;

public sealed class GraphParameterUpdateTests : IDisposable
{
    // Norm-wise per parameter: where the host rounds once after a fused multiply-add, a graph rounds twice, by 6e-8 at most, several times per step.
    // After six steps the worst parameter was measured to differ by 1.7e-7.
    private const double Tolerance = 5e-7;

    private readonly Device device = Device.OpenCpuThroughRuntime(2);

    public static TheoryData<string> Rules => TestRules.Names;

    [Theory]
    [MemberData(nameof(Rules))]
    public void Steps_equal_those_on_the_host_up_to_rounding(string kind)
    {
        var rule = TestRules.Named(kind);

        // Larger than the longest range of a Debug build, and no multiple of it.
        IReadOnlyList<Parameter> parameters = [new("large", [20_003], new Initializer.Normal(1), WeightDecay: true), .. TestModel.Blocks(4, 2)];
        using var expected = Filled(parameters, null);
        using var actual = Filled(parameters, device);
        using var host = new HostParameterUpdate(expected, rule, 1);
        using var graph = new GraphParameterUpdate(actual, rule, device);
        for (var step = 0; step < 6; step++)
        {
            // As in an elastic supernet, steps differ in what they update and in what they only average; so do the ages of blocks.
            var active = TestModel.Addresses(0, step % 2 == 0 ? [0, 2] : [0, 1, 3]);
            var clip = (Host: 0.0, Graph: 0.0);
            foreach (var (arena, update) in new (ParameterArena, IParameterUpdate)[] { (expected, host), (actual, graph) })
            {
                var selection = arena.Layout.Select(active, TestModel.Addresses(1, 0));
                for (var micro = 0; micro < 3; micro++)
                {
                    DrawGradients(arena, (3 * step) + micro);
                    update.Accumulate(selection, micro, 3);
                }

                var norm = update.Norm(selection);
                clip = update == host ? clip with { Host = norm } : clip with { Graph = norm };
                update.Step(selection, 1e-2, GradientNorm.ClipFactor(norm, 5) / 3);
            }

            // Double precision in either order of summation; gradients themselves are equal bit for bit.
            Assert.Equal(clip.Host, clip.Graph, 1e-12 * clip.Host);
        }

        foreach (var buffer in expected.Buffers)
        {
            foreach (var slot in expected.Layout.Slots)
            {
                var difference = Difference(expected.Read(buffer, slot.Name), actual.Read(buffer, slot.Name));
                Assert.True(difference <= Tolerance, $"{buffer} of {slot.Name} differs by {difference:E2}.");
                Assert.Equal(expected.Steps[slot], actual.Steps[slot.Name]);
            }
        }

        AssertPaddingIsZero(actual);
    }

    [Fact]
    public void One_percent_more_learning_rate_is_noticed()
    {
        using var expected = Filled(TestModel.Blocks(1), null);
        using var actual = Filled(TestModel.Blocks(1), device);
        using var graph = new GraphParameterUpdate(actual, new Sgd(0), device);
        DrawGradients(expected, 0);
        DrawGradients(actual, 0);

        new HostParameterUpdate(expected, new Sgd(0), 1).Step(expected.Layout.Select([]), 1e-2);
        graph.Step(actual.Layout.Select([]), 1.01e-2);

        Assert.InRange(Difference(expected.Read(ArenaBuffer.Weights, "head.weight"), actual.Read(ArenaBuffer.Weights, "head.weight")), 10 * Tolerance, 1);
    }

    [Fact]
    public void Running_statistics_follow_as_they_do_on_the_host()
    {
        // Longer than a range of a Debug build, and no multiple of it.
        IReadOnlyList<Parameter> parameters = [new("long.running_mean", [1003], new Initializer.Normal(1), WeightDecay: false, Running: new RunningStatistic(0.1)), .. TestModel.Normed(2)];
        using var expected = Filled(parameters, null);
        using var actual = Filled(parameters, device);
        using var host = new HostParameterUpdate(expected, new Sgd(0), 1);
        using var graph = new GraphParameterUpdate(actual, new Sgd(0), device);
        foreach (var (arena, update) in new (ParameterArena, IParameterUpdate)[] { (expected, host), (actual, graph) })
        {
            DrawGradients(arena, 0);
            var selection = arena.Layout.Select(TestModel.Addresses(0, 1));
            update.Follow(selection, microBatches: 3);
            update.Follow(selection, microBatches: 1, share: 0.3, ArenaBuffer.Ema(1));
        }

        // Double precision, rounded once: the same bits.
        foreach (var buffer in expected.Buffers)
            Assert.All(expected.Layout.Slots, slot => Assert.Equal(expected.Read(buffer, slot.Name).ToArray(), actual.Read(buffer, slot.Name).ToArray()));

        Assert.NotEqual(actual.Read(ArenaBuffer.Weights, "long.running_mean").ToArray(), actual.Read(ArenaBuffer.Ema(1), "long.running_mean").ToArray());
        AssertPaddingIsZero(actual);
    }

    [Fact]
    public void The_norm_covers_what_is_updated_and_huge_gradients_do_not_overflow_it()
    {
        using var arena = Filled(TestModel.Blocks(2), device);
        using var update = new GraphParameterUpdate(arena, new Sgd(0), device);
        var selection = arena.Layout.Select(TestModel.Addresses(0, 0));
        arena.Set(ArenaBuffer.Gradients, "head.bias", [3], [3, 0, 0]);
        arena.Set(ArenaBuffer.Gradients, "g0.0.norm.weight", [5], [0, 4, 0, 0, 0]);
        arena.Set(ArenaBuffer.Gradients, "g0.1.norm.weight", [5], [float.NaN, 0, 0, 0, 0]);
        Assert.Equal(5, update.Norm(selection));

        arena.Set(ArenaBuffer.Gradients, "head.bias", [3], [float.MaxValue, float.MaxValue, 0]);
        Assert.Equal(Math.Sqrt(2) * float.MaxValue, update.Norm(selection), 1e-12 * float.MaxValue);

        arena.Set(ArenaBuffer.Gradients, "head.bias", [3], [0, float.NegativeInfinity, 0]);
        Assert.Equal(double.PositiveInfinity, update.Norm(selection));
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Whatever_reads_an_old_value_comes_before_what_overwrites_it(string kind)
    {
        var rule = TestRules.Named(kind);
        foreach (var graph in (Graph[])[UpdateGraphs.Step(rule, [0.9, 0.99], 16), UpdateGraphs.Average([0.9, 0.99], 16), UpdateGraphs.Sum(16), UpdateGraphs.Follow(16)])
        {
            foreach (var (name, result) in graph.Outputs)
            {
                var input = graph.Inputs.Single(value => UpdateGraphs.ResultPrefix + value.Name == name);
                var before = Ancestors(result.Producer!);
                Assert.All(graph.Nodes.Where(node => node.Inputs.Contains(input)), reader => Assert.Contains(reader, before));
            }
        }

        static HashSet<Node> Ancestors(Node node)
        {
            var found = new HashSet<Node> { node };
            foreach (var producer in node.Inputs.Select(value => value?.Producer).OfType<Node>())
                found.UnionWith(Ancestors(producer));

            return found;
        }
    }

    [Fact]
    public void Every_operator_has_a_CUDA_kernel()
    {
        // From ONNX Runtime's docs/OperatorKernels.md, CUDAExecutionProvider at opset 18: float for all, double for those that sums of squares and running statistics use.
        string[] kernels = ["Add", "Sub", "Mul", "Div", "Sqrt", "Split", "Cast", "Identity", "ReduceSumSquare"];
        Graph[] graphs = [.. TestRules.All.Select(rule => UpdateGraphs.Step(rule, [0.9], 16)), UpdateGraphs.Average([0.9], 16), UpdateGraphs.Sum(16), UpdateGraphs.Follow(16), UpdateGraphs.SquareSum(16)];

        Assert.All(graphs.SelectMany(graph => graph.Nodes), node => Assert.Contains(node.Operator, kernels));
    }

    [Fact]
    public void What_cannot_be_a_step_is_refused_before_anything_moves()
    {
        using var arena = Filled(TestModel.Blocks(1), device);
        using var update = new GraphParameterUpdate(arena, new AdamW(0), device);

        Assert.StartsWith(
            "Learning rate NaN is not a finite number of at least 0.",
            Assert.Throws<ArgumentOutOfRangeException>(() => update.Step(arena.Layout.Select([]), double.NaN)).Message,
            StringComparison.Ordinal);
        Assert.Equal(0, arena.Steps["head.weight"]);
    }

    public void Dispose() => device.Dispose();

    private static ParameterArena Filled(IReadOnlyList<Parameter> parameters, Device? device)
    {
        var arena = new ParameterArena(parameters, new ArenaOptions { MomentCount = 2, EmaDecays = [0.9, 0.998] }, device);
        ParameterInitialization.Fill(arena, 42);
        arena.ResetEma();
        return arena;
    }

    private static void DrawGradients(ParameterArena arena, int step)
    {
        foreach (var slot in arena.Layout.Slots)
        {
            arena.Gradients.Fill(slot.Offset, slot.Length, values =>
            {
                var random = new CounterRandom(7, RandomPurpose.BuiltinData, step, slot.Index);
                foreach (ref var value in values)
                    value = (float)random.NextNormal();
            });
        }
    }

    private static double Difference(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        var (error, size) = (0.0, 0.0);
        for (var i = 0; i < expected.Length; i++)
        {
            error += Math.Pow((double)actual[i] - expected[i], 2);
            size += Math.Pow(expected[i], 2);
        }

        return error == 0 ? 0 : Math.Sqrt(error / size);
    }

    private static void AssertPaddingIsZero(ParameterArena arena)
    {
        foreach (var (buffer, slot) in arena.Buffers.SelectMany(buffer => arena.Layout.Slots.Select(slot => (buffer, slot))))
        {
            var padding = (int)(slot.PaddedLength - slot.Length);
            Assert.True(arena[buffer].Read(slot.Offset + slot.Length, padding).IndexOfAnyExcept(0f) < 0, $"{buffer}: the gap behind {slot.Name} is not zero.");
        }
    }
}
