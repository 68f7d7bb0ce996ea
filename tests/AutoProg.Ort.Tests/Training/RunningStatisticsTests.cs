using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

/// <summary>What steps do to the running statistics of batch normalisation. The statistics of the stem follow from its weights and the images, and are computed here in double precision.</summary>
public sealed class RunningStatisticsTests : IDisposable
{
    private const int Images = 8;
    private const double Decay = 0.9;
    private static readonly StepSettings Settings = new(LearningRate: 0.1, DropPath: 0, ClipGrad: 1, Epoch: 0, Stage: 0);

    private readonly NormedStack model = new();
    private readonly Device device = Device.Open("cpu", 1);
    private readonly ParameterArena arena;
    private readonly GrowingNetwork network;
    private readonly SubNetworkSessions sessions;
    private readonly HostParameterUpdate update;

    public RunningStatisticsTests()
    {
        arena = new ParameterArena(model.Parameters, new ArenaOptions { MomentCount = 2, EmaDecays = [Decay] });
        ParameterInitialization.Fill(arena, 5);
        arena.ResetEma();
        network = new GrowingNetwork(model, arena);
        network.Use([2]);
        sessions = new SubNetworkSessions(new SubNetworkGraphs(LearningTask.Classify(model)), device);
        update = new HostParameterUpdate(arena, new AdamW(0.05), 1);
    }

    private static ActiveNetwork Whole => new(new SubNetwork(16, 2), [[0, 1]]);

    [Theory]
    [InlineData(8)]
    [InlineData(4)]
    [InlineData(2)]
    public void A_step_moves_them_once_by_the_mean_over_its_micro_batches(int microBatch)
    {
        var batch = Drawn(0);
        var statistics = Enumerable.Range(0, Images / microBatch).Select(i => StemStatistics(batch, i * microBatch, microBatch)).ToList();

        Assert.True(Step(microBatch).Run(Whole, batch, Settings).IsFinite);

        for (var channel = 0; channel < 6; channel++)
        {
            AssertNear(0.1 * statistics.Average(s => s[channel].Mean), Value(ArenaBuffer.Weights, "stem.norm.running_mean", channel));
            AssertNear(0.9 + (0.1 * statistics.Average(s => s[channel].Variance)), Value(ArenaBuffer.Weights, "stem.norm.running_var", channel));
        }
    }

    [Fact]
    public void Momentum_networks_follow_the_moved_ones()
    {
        Step().Run(Whole, Drawn(0), Settings);

        foreach (var buffer in Buffers().Where(static p => p.Block?.Index != 2))
        {
            var before = buffer.Name.EndsWith("running_var", StringComparison.Ordinal) ? 1 : 0;
            var (online, average) = (Value(ArenaBuffer.Weights, buffer.Name, 3), Value(ArenaBuffer.Ema(0), buffer.Name, 3));
            Assert.NotEqual(before, online);
            AssertNear((Decay * before) + ((1 - Decay) * online), average);
        }
    }

    [Fact]
    public void They_have_neither_moments_nor_updates_and_those_of_resting_blocks_stay()
    {
        network.Use([3]);
        Step().Run(Whole with { Blocks = [[0, 2]] }, Drawn(0), Settings);

        Assert.All(Buffers(), buffer => Assert.Equal(0, arena.Steps[buffer.Name]));
        Assert.All(Buffers(), buffer => Assert.Equal(0, Value(ArenaBuffer.Moment(1), buffer.Name, 0)));
        Assert.Equal(1, arena.Values(ArenaBuffer.Weights, "blocks.1.norm.running_var").ToArray().Distinct().Single());
        Assert.NotEqual(1, Value(ArenaBuffer.Weights, "blocks.2.norm.running_var", 0));
    }

    [Fact]
    public void A_step_with_a_statistic_that_is_not_finite_changes_nothing()
    {
        // The variance of an infinite activation is NaN, and so are loss and gradients.
        var batch = Drawn(0);
        batch.Images.Span[7] = float.PositiveInfinity;
        var before = Snapshot();

        var result = Step().Run(Whole, batch, Settings);

        Assert.False(result.IsFinite);
        Assert.Equal(before, Snapshot());
    }

    [Fact]
    public void A_finite_loss_does_not_hide_a_statistic_that_is_not_finite()
    {
        // Squares of 1e26 overflow float32, so the stem's variance is infinite. Its scale of 0 hides that from the loss, and a head of 0 from the gradients.
        arena.Values(ArenaBuffer.Weights, "head.weight").Clear();
        arena.Values(ArenaBuffer.Weights, "stem.conv.weight").Fill(1e25f);
        arena.Values(ArenaBuffer.Weights, "stem.norm.weight").Clear();
        var before = Snapshot();

        var result = Step().Run(Whole, Drawn(0), Settings);

        Assert.True(double.IsFinite(result.Loss));
        Assert.Equal(double.NaN, result.GradientNorm);
        Assert.Equal(before, Snapshot());
    }

    [Fact]
    public void Graphs_for_evaluation_normalise_by_them()
    {
        var batch = Drawn(0);
        var step = Step();

        // Recomputed from this very batch with the population's variance, evaluation gives what training gives.
        step.Observe(Whole, batch, Settings, ArenaBuffer.Weights, share: 1);
        foreach (var buffer in Buffers().Where(static p => p.Name.EndsWith("running_var", StringComparison.Ordinal)))
        {
            var count = Images * 16.0;
            foreach (ref var variance in arena.Values(ArenaBuffer.Weights, buffer.Name))
            {
                variance *= (float)((count - 1) / count);
            }
        }

        var training = sessions.Training(Whole.Size, Images, dropPath: false);
        var evaluation = sessions.Evaluation(Whole.Size, Images);
        evaluation.Bind(name => arena.View(ArenaBuffer.Weights, name));
        batch.Images.Span.CopyTo(evaluation.Tensor(ModelGraph.ImageInput));
        evaluation.Run();

        // Float32 rounding of sums of 128 elements.
        Assert.All(training.Tensor(ModelGraph.LogitsOutput).ToArray().Zip(evaluation.Tensor(ModelGraph.LogitsOutput).ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    [Fact]
    public void Observing_moves_the_statistics_of_the_network_that_runs_and_nothing_else()
    {
        arena.Values(ArenaBuffer.Ema(0), "stem.conv.weight").Fill(0.25f);
        var before = Snapshot();
        var (first, second) = (Drawn(1), Drawn(2));
        var means = new[] { first, second }.Select(batch => Average(batch) * 0.25 * 48).ToList();
        var step = Step(microBatch: 4);

        step.Observe(Whole, first, Settings, ArenaBuffer.Ema(0), share: 1);
        step.Observe(Whole, second, Settings, ArenaBuffer.Ema(0), share: 0.5);

        var bias = Value(ArenaBuffer.Ema(0), "stem.conv.bias", 0);
        AssertNear(means.Average() + bias, Value(ArenaBuffer.Ema(0), "stem.norm.running_mean", 0));
        var after = Snapshot();
        Assert.Equal(
            Buffers().Where(static p => p.Block?.Index != 2).Select(static p => $"ema.0 {p.Name}").Order(),
            after.Keys.Where(key => !before[key].SequenceEqual(after[key])).Order());

        // Training goes on with the online network.
        var mean = StemStatistics(first, 0, Images)[0].Mean;
        step.Run(Whole, first, Settings);
        AssertNear(0.1 * mean, Value(ArenaBuffer.Weights, "stem.norm.running_mean", 0));
    }

    [Theory]
    [InlineData(GrowthOperatorKind.Interpolation, 10)]
    [InlineData(GrowthOperatorKind.MoGrow, 20)]
    public void They_grow_with_their_blocks_and_MoGrow_takes_those_of_the_momentum_network(GrowthOperatorKind growth, float expected)
    {
        Mark(ArenaBuffer.Weights, 10);
        Mark(ArenaBuffer.Ema(0), 20);

        network.Grow([3], new GrowthStep(growth, MomentumNetwork: 0, OptimizerStateKind.Reset, Seed: 1, Stage: 1));

        var map = growth.Map(2, 3);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(expected + map.Source[i]!.Value, Value(ArenaBuffer.Weights, $"blocks.{i}.norm.running_mean", 4));
            Assert.Equal(20 + map.Source[i]!.Value, Value(ArenaBuffer.Ema(0), $"blocks.{i}.norm.running_mean", 4));
        }

        Assert.Equal(expected + 9, Value(ArenaBuffer.Weights, "stem.norm.running_mean", 4));
    }

    [Fact]
    public void They_are_no_parameters_in_reports_and_proxies()
    {
        // Convolutions and head, weight and bias; weight and bias of every norm.
        Assert.Equal((6 * 3 * 16) + 6 + (3 * 36 * 9) + (6 * 3) + 3 + (4 * 12), ((IElasticModel)model).CountParameters());
        Assert.All(Buffers(), buffer => Assert.False(ProxyWeights.CountsForTangentKernel(buffer with { Name = "norm.weight_mean" }) || ProxyWeights.CountsForZiCo(buffer)));
    }

    public void Dispose()
    {
        sessions.Dispose();
        update.Dispose();
        arena.Dispose();
        device.Dispose();
    }

    private SubNetworkStep Step(int microBatch = Images) => new(network, sessions, update, new MemoryPlan(sessions.Graphs, 0, 0, microBatch), seed: 1);

    private IEnumerable<Parameter> Buffers() => model.Parameters.Where(static p => p.IsBuffer);

    private float Value(ArenaBuffer buffer, string name, int index) => arena.Values(buffer, name)[index];

    private void Mark(ArenaBuffer buffer, float offset)
    {
        foreach (var parameter in Buffers())
        {
            arena.Values(buffer, parameter.Name).Fill(offset + (parameter.Block?.Index ?? 9));
        }
    }

    private Batch Drawn(int index)
    {
        var batch = Batch.Blank(Images, 16, model.ClassCount, 3);
        var random = new CounterRandom(11, RandomPurpose.BuiltinData, 0, index);
        foreach (ref var pixel in batch.Images.Span)
        {
            pixel = (float)(random.NextNormal() + 0.5);
        }

        return batch;
    }

    private static double Average(Batch batch) => batch.Images.ToArray().Average(static pixel => (double)pixel);

    /// <summary>Mean and unbiased variance of the stem's convolution over some images, by definition.</summary>
    private List<(double Mean, double Variance)> StemStatistics(Batch batch, int first, int count)
    {
        var (kernel, bias, pixels) = (arena.Values(ArenaBuffer.Weights, "stem.conv.weight").ToArray(), arena.Values(ArenaBuffer.Weights, "stem.conv.bias").ToArray(), batch.Images.ToArray());
        var statistics = new List<(double, double)>();
        for (var channel = 0; channel < 6; channel++)
        {
            var values = Enumerable.Range(first, count).SelectMany(image => Enumerable.Range(0, 16).Select(patch => Convolved(image, patch / 4, patch % 4))).ToList();
            var mean = values.Average();
            statistics.Add((mean, values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1)));

            double Convolved(int image, int row, int column) => bias[channel] + Enumerable.Range(0, 48).Sum(k =>
                (double)kernel[(channel * 48) + k] * pixels[(((image * 3) + (k / 16)) * 256) + (((row * 4) + (k / 4 % 4)) * 16) + (column * 4) + (k % 4)]);
        }

        return statistics;
    }

    private Dictionary<string, float[]> Snapshot() => arena.Buffers
        .Where(static buffer => buffer.Role != ArenaRole.Gradients)
        .SelectMany(buffer => arena.Tensors(buffer).Select(tensor => (Key: $"{buffer} {tensor.Name}", Values: tensor.Values.ToArray())))
        .ToDictionary(static pair => pair.Key, static pair => pair.Values);

    // Float32 sums of at most 128 elements of size 1.
    private static void AssertNear(double expected, double actual) => Assert.Equal(expected, actual, 2e-6 * Math.Max(1, Math.Abs(expected)));
}
