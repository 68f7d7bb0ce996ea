using AutoProg.Models;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Tests.Runtime.Optimizers;

public sealed class HostParameterUpdateTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void Any_number_of_threads_gives_the_same_bits(int threadCount)
    {
        using var one = Trained(threadCount: 1);
        using var many = Trained(threadCount);

        foreach (var buffer in one.Buffers)
            Assert.True(one[buffer].Span(0, (int)one.Layout.Length).SequenceEqual(many[buffer].Span(0, (int)many.Layout.Length)), $"{buffer} differs");

        static ParameterArena Trained(int threadCount)
        {
            // Larger than a few tiles of 65,536 elements, and no multiple of them.
            var arena = NewArena([new("large", [200_003], new Initializer.Normal(1), WeightDecay: true), .. TestModel.Blocks(4)]);
            var update = new HostParameterUpdate(arena, new AdamW(0.05), threadCount);
            var selection = arena.Layout.Select(TestModel.Addresses(0, 0, 2), TestModel.Addresses(0, 1));
            for (var step = 0; step < 3; step++)
            {
                for (var micro = 0; micro < 3; micro++)
                {
                    DrawGradients(arena, (3 * step) + micro);
                    update.Accumulate(selection, micro, microBatches: 3);
                }

                update.Step(selection, 1e-3, GradientNorm.ClipFactor(update.Norm(selection), 1));
            }

            return arena;
        }
    }

    [Fact]
    public void Blocks_outside_the_step_keep_their_weights_and_moments_and_only_chosen_ones_are_averaged()
    {
        using var arena = NewArena(TestModel.Blocks(3));
        arena.Zero(null, [ArenaBuffer.Ema(0)]);
        foreach (var block in arena.Layout.Blocks)
            arena.Zero(block, [ArenaBuffer.Ema(0)]);
        DrawGradients(arena, 0);
        var before = Snapshot(arena, ArenaBuffer.Weights);

        new HostParameterUpdate(arena, new AdamW(0.05), 2).Step(arena.Layout.Select(TestModel.Addresses(0, 0), TestModel.Addresses(0, 1)), 1e-2);

        foreach (var slot in arena.Layout.Slots)
        {
            var index = slot.Parameter.Block?.Index ?? 0;
            Assert.Equal(index > 0, before[slot.Name].AsSpan().SequenceEqual(arena.Values(ArenaBuffer.Weights, slot.Name)));
            Assert.Equal(index > 0, arena.Values(ArenaBuffer.Moment(0), slot.Name).IndexOfAnyExcept(0f) < 0);
            Assert.Equal(index > 0 ? 0 : 1, arena.Steps[slot.Name]);
            var average = before[slot.Name].Select((_, i) => index == 2 ? 0 : (float)(1 - 0.998) * arena.Values(ArenaBuffer.Weights, slot.Name)[i]);
            Assert.Equal(average, arena.Values(ArenaBuffer.Ema(0), slot.Name).ToArray());
        }
    }

    [Fact]
    public void A_block_that_joins_late_is_corrected_for_its_own_age()
    {
        using var arena = NewArena(TestModel.Blocks(2));
        var update = new HostParameterUpdate(arena, new AdamW(0), 1);
        DrawGradients(arena, 0);
        update.Step(arena.Layout.Select(TestModel.Addresses(0, 0)), 1e-2);
        update.Step(arena.Layout.Select(TestModel.Addresses(0, 0)), 1e-2);
        var before = arena.Values(ArenaBuffer.Weights, "g0.1.fc.weight").ToArray();

        update.Step(arena.Layout.Select(TestModel.Addresses(0, 0, 1)), 1e-2);

        // Adam's first step has the length of the learning rate in every coordinate; with t = 3 it would be 0.46 of it.
        var after = arena.Values(ArenaBuffer.Weights, "g0.1.fc.weight").ToArray();
        Assert.All(before.Zip(after), pair => Assert.Equal(1e-2, Math.Abs(pair.First - pair.Second), 1e-6));
        Assert.Equal((3, 1), (arena.Steps["g0.0.fc.weight"], arena.Steps["g0.1.fc.weight"]));
    }

    [Fact]
    public void Clipping_folded_into_the_step_equals_a_clipped_gradient()
    {
        using var folded = NewArena(TestModel.Blocks(1));
        using var clipped = NewArena(TestModel.Blocks(1));
        var everything = folded.Layout.Select(folded.Layout.Blocks);
        DrawGradients(folded, 0);
        DrawGradients(clipped, 0);
        var update = new HostParameterUpdate(folded, new Sgd(0), 2);
        var norm = update.Norm(everything);
        var factor = GradientNorm.ClipFactor(norm, 0.5);
        foreach (var slot in clipped.Layout.Slots)
        {
            foreach (ref var value in clipped.Values(ArenaBuffer.Gradients, slot.Name))
                value *= (float)factor;
        }

        update.Step(everything, 0.1, factor);
        new HostParameterUpdate(clipped, new Sgd(0), 2).Step(clipped.Layout.Select(clipped.Layout.Blocks), 0.1);

        Assert.InRange(factor, 0, 0.5);
        Assert.All(Snapshot(clipped, ArenaBuffer.Weights), tensor => Assert.Equal(tensor.Value, folded.Values(ArenaBuffer.Weights, tensor.Key).ToArray()));
    }

    [Fact]
    public void The_norm_covers_what_is_updated_and_nothing_else()
    {
        using var arena = NewArena(TestModel.Blocks(2));
        var update = new HostParameterUpdate(arena, new Sgd(0), 2);
        arena.Values(ArenaBuffer.Gradients, "head.weight")[2] = 3;
        arena.Values(ArenaBuffer.Gradients, "g0.0.fc.bias")[1] = 4;
        arena.Values(ArenaBuffer.Gradients, "g0.1.fc.bias")[1] = float.NaN;

        Assert.Equal(5, update.Norm(arena.Layout.Select(TestModel.Addresses(0, 0))));
        Assert.Equal(double.NaN, update.Norm(arena.Layout.Select(TestModel.Addresses(0, 1))));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Micro_batches_add_up(int microBatches)
    {
        using var arena = NewArena(TestModel.Blocks(2));
        var update = new HostParameterUpdate(arena, new Sgd(0), 2);
        var selection = arena.Layout.Select(TestModel.Addresses(0, 1));
        for (var repetition = 0; repetition < 2; repetition++)
        {
            for (var micro = 0; micro < microBatches; micro++)
            {
                TestModel.Number(arena, ArenaBuffer.Gradients, from: micro);
                update.Accumulate(selection, micro, microBatches);
            }

            TestModel.Number(arena, ArenaBuffer.Weights);
            foreach (var slot in selection.UpdatedSlots)
            {
                var micros = Enumerable.Range(0, microBatches);
                Assert.Equal(
                    arena.Values(ArenaBuffer.Weights, slot.Name).ToArray().Select(value => (value * microBatches) + micros.Sum()),
                    arena.Values(ArenaBuffer.Gradients, slot.Name).ToArray());
            }
        }
    }

    [Fact]
    public void Running_statistics_follow_the_mean_of_micro_batches_and_averages_follow_them()
    {
        using var arena = NewArena(TestModel.Normed(2));
        var update = new HostParameterUpdate(arena, new AdamW(0.05), 2);
        var selection = arena.Layout.Select(TestModel.Addresses(0, 0));
        float[][] statistics = [[1, 2, 3, 4, 5], [3, 0, -3, 8, 6]];
        for (var micro = 0; micro < 2; micro++)
        {
            foreach (var buffer in arena.Layout.Slots.Where(slot => slot.Parameter.IsBuffer))
                arena.Set(ArenaBuffer.Gradients, buffer.Name, [5], statistics[micro]);
            update.Accumulate(selection, micro, microBatches: 2);
        }

        update.Follow(selection, microBatches: 2);
        update.Step(selection, learningRate: 0);

        // Means 2, 1, 0, 6, 5.5; momentum 0.25 from 0 and 0.1 from 1; the average moves by 0.002 of the way.
        AssertStatistic("stem.running_mean", [0.5, 0.25, 0, 1.5, 1.375], before: 0);
        AssertStatistic("g0.0.norm.running_var", [1.1, 1, 0.9, 1.5, 1.45], before: 1);
        AssertStatistic("g0.1.norm.running_var", [1, 1, 1, 1, 1], before: 1);
        Assert.All(arena.Layout.Slots.Where(slot => slot.Parameter.IsBuffer), slot =>
        {
            Assert.Equal(0, arena.Steps[slot]);
            Assert.True(arena.Values(ArenaBuffer.Moment(1), slot.Name).IndexOfAnyExcept(0f) < 0, "Statistics have no moments.");
        });

        void AssertStatistic(string name, double[] expected, double before)
        {
            foreach (var (value, average, i) in arena.Values(ArenaBuffer.Weights, name).ToArray().Zip(arena.Values(ArenaBuffer.Ema(0), name).ToArray(), Enumerable.Range(0, 5)))
            {
                Assert.Equal(expected[i], value, 1e-7);
                Assert.Equal(before + (0.002 * (expected[i] - before)), average, 1e-7);
            }
        }
    }

    [Fact]
    public void A_share_of_one_leaves_nothing_of_the_old_whatever_that_was()
    {
        using var arena = NewArena(TestModel.Normed(1));
        var update = new HostParameterUpdate(arena, new Sgd(0), 1);
        var selection = arena.Layout.Select(arena.Layout.Blocks);
        arena.Set(ArenaBuffer.Ema(0), "stem.running_mean", [5], [1e30f, 1, 1, 1, 1]);
        float[][] batches = [[1, 2, 3, 4, 5e-8f], [3, 4, 5, 6, 1e-8f], [5, 0, 1, 2, 0]];
        for (var i = 0; i < batches.Length; i++)
        {
            arena.Set(ArenaBuffer.Gradients, "stem.running_mean", [5], batches[i]);
            update.Follow(selection, 1, share: 1.0 / (i + 1), ArenaBuffer.Ema(0));
        }

        var mean = arena.Values(ArenaBuffer.Ema(0), "stem.running_mean").ToArray();
        Assert.All(mean.Zip([3, 2, 3, 4, 2e-8]), pair => Assert.Equal(pair.Second, pair.First, 1e-6 * pair.Second));
        Assert.Equal([0, 0, 0, 0, 0], arena.Values(ArenaBuffer.Weights, "stem.running_mean").ToArray());
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_statistic_that_is_not_finite_makes_the_norm_so_and_a_finite_one_is_no_part_of_it(float statistic)
    {
        using var arena = NewArena(TestModel.Normed(2));
        var update = new HostParameterUpdate(arena, new Sgd(0), 2);
        arena.Values(ArenaBuffer.Gradients, "head.weight")[2] = 3;
        arena.Values(ArenaBuffer.Gradients, "g0.0.norm.running_var")[1] = 4;
        Assert.Equal(3, update.Norm(arena.Layout.Select(TestModel.Addresses(0, 0))));

        arena.Values(ArenaBuffer.Gradients, "g0.0.norm.running_var")[1] = statistic;
        Assert.Equal(double.NaN, update.Norm(arena.Layout.Select(TestModel.Addresses(0, 0))));
        Assert.Equal(3, update.Norm(arena.Layout.Select(TestModel.Addresses(0, 1))));
    }

    [Fact]
    public void Several_momentum_networks_each_follow_their_decay()
    {
        using var arena = new ParameterArena(TestModel.Blocks(1), new ArenaOptions { MomentCount = 1, EmaDecays = [0.5, 0.75] });
        TestModel.Number(arena, ArenaBuffer.Weights);

        new HostParameterUpdate(arena, new Sgd(0), 1).Step(arena.Layout.Select(arena.Layout.Blocks), learningRate: 0);

        Assert.Equal(arena.Values(ArenaBuffer.Weights, "head.weight")[1] * 0.5f, arena.Values(ArenaBuffer.Ema(0), "head.weight")[1]);
        Assert.Equal(arena.Values(ArenaBuffer.Weights, "head.weight")[1] * 0.25f, arena.Values(ArenaBuffer.Ema(1), "head.weight")[1]);
    }

    [Fact]
    public void What_cannot_be_a_step_is_refused_before_anything_moves()
    {
        using var arena = NewArena(TestModel.Blocks(1));
        using var other = NewArena(TestModel.Blocks(1));
        using var bare = new ParameterArena(TestModel.Blocks(1), new ArenaOptions { MomentCount = 1 });
        var update = new HostParameterUpdate(arena, new AdamW(0), 1);
        var everything = arena.Layout.Select(arena.Layout.Blocks);

        AssertMessage("Learning rate NaN is not a finite number of at least 0.", () => update.Step(everything, double.NaN));
        AssertMessage("Gradient scale NaN is not finite", () => update.Step(everything, 1e-3, double.NaN));
        AssertMessage("The selection was made for another arena", () => update.Step(other.Layout.Select([]), 1e-3));
        AssertMessage("Share 1.5 of the newest batch is outside (0, 1].", () => update.Follow(everything, 1, share: 1.5));
        AssertMessage("Buffer 'moments.0' holds no network; name the weights or a momentum network.", () => update.Follow(everything, 1, network: ArenaBuffer.Moment(0)));
        AssertMessage("AdamW needs gradients and 2 moments, but the arena keeps only weights, gradients, moments.0", () => _ = new HostParameterUpdate(bare, new AdamW(0), 1));
        Assert.Equal(0, arena.Steps["head.weight"]);

        static void AssertMessage(string start, Action act) =>
            Assert.StartsWith(start, Assert.ThrowsAny<ArgumentException>(act).Message, StringComparison.Ordinal);
    }

    private static ParameterArena NewArena(IReadOnlyList<Parameter> parameters)
    {
        var arena = new ParameterArena(parameters, new ArenaOptions { MomentCount = 2, EmaDecays = [0.998] });
        ParameterInitialization.Fill(arena, 42);
        arena.ResetEma();
        return arena;
    }

    private static void DrawGradients(ParameterArena arena, int step)
    {
        foreach (var slot in arena.Layout.Slots)
        {
            var random = new CounterRandom(7, RandomPurpose.BuiltinData, step, slot.Index);
            foreach (ref var value in arena.Values(ArenaBuffer.Gradients, slot.Name))
                value = (float)random.NextNormal();
        }
    }

    private static Dictionary<string, float[]> Snapshot(ParameterArena arena, ArenaBuffer buffer) =>
        arena.Tensors(buffer).ToDictionary(tensor => tensor.Name, tensor => tensor.Values.ToArray());
}
