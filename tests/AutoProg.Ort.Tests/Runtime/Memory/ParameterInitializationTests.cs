using AutoProg.Graphs.Import;
using AutoProg.Models;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Tests.Runtime.Memory;

public sealed class ParameterInitializationTests
{
    [Fact]
    public void Values_depend_on_the_name_and_the_seed_alone()
    {
        using var small = Filled(TestModel.Blocks(1), 42);
        using var large = Filled([.. TestModel.Blocks(3, 2).Reverse()], 42);
        using var reseeded = Filled(TestModel.Blocks(1), 43);

        foreach (var slot in small.Layout.Slots)
            Assert.Equal(Weights(small, slot.Name), Weights(large, slot.Name));
        Assert.NotEqual(Weights(small, "embed.weight"), Weights(reseeded, "embed.weight"));
        Assert.NotEqual(Weights(large, "g0.0.fc.weight"), Weights(large, "g0.1.fc.weight"));
    }

    [Fact]
    public void The_values_of_a_seed_do_not_change_between_versions()
    {
        using var arena = Filled(TestModel.Blocks(1), 42);

        Assert.Equal([0f, 0f, 0f], Weights(arena, "head.bias")[..3]);
        Assert.Equal([0.0162328761f, -0.0096567329f, 0.0133000165f], Weights(arena, "embed.weight")[..3]);
    }

    [Fact]
    public void Each_initialiser_draws_its_distribution()
    {
        using var arena = Filled(
            [
                new("constant", [100], new Initializer.Constant(0.5), WeightDecay: false),
                new("uniform", [40000], new Initializer.Uniform(0.3), WeightDecay: true),
                new("normal", [40000], new Initializer.Normal(0.5), WeightDecay: true),
                new("truncated", [40000], new Initializer.TruncatedNormal(1), WeightDecay: true),
            ],
            seed: 1);

        // Four standard errors of 40,000 draws: 2 % of the width for the mean, and no more for the deviation.
        Assert.All(Weights(arena, "constant"), value => Assert.Equal(0.5f, value));
        AssertMoments(Weights(arena, "uniform"), deviation: 0.3 / Math.Sqrt(3), bound: 0.3);
        AssertMoments(Weights(arena, "normal"), deviation: 0.5, bound: 3);
        AssertMoments(Weights(arena, "truncated"), deviation: 0.8796, bound: 2);   // of a normal cut off at 2
        Assert.Contains(Weights(arena, "truncated"), value => value > 1.95f);
    }

    [Fact]
    public void A_model_file_that_cannot_be_read_is_told_as_such()
    {
        var gone = new Initializer.Stored(static () => throw new OnnxFormatException("m.onnx", "is gone"));
        var error = Assert.Throws<OnnxFormatException>(() => Filled([.. Enumerable.Range(0, 9).Select(i => new Parameter($"w{i}", [4], gone, WeightDecay: false))], seed: 1));
        Assert.Equal("m.onnx: is gone", error.Message);
    }

    [Fact]
    public void Grown_blocks_are_drawn_anew_in_each_stage()
    {
        using var arena = Filled(TestModel.Blocks(2), 42);
        var initial = Weights(arena, "g0.1.fc.weight");
        var neighbour = Weights(arena, "g0.0.fc.weight");

        ParameterInitialization.FillGrown(arena, new(0, 1), seed: 42, stage: 1);
        var first = Weights(arena, "g0.1.fc.weight");
        ParameterInitialization.FillGrown(arena, new(0, 1), seed: 42, stage: 2);

        Assert.NotEqual(initial, first);
        Assert.NotEqual(first, Weights(arena, "g0.1.fc.weight"));
        Assert.Equal(neighbour, Weights(arena, "g0.0.fc.weight"));
    }

    [Fact]
    public void A_width_without_meaning_is_refused()
    {
        AssertMessage("'p' has an initialiser of width -1; it must lie in [0, infinity).", new Initializer.Normal(-1));
        AssertMessage("'p' has an initialiser of width NaN; it must lie in [0, infinity).", new Initializer.Uniform(double.NaN));
        AssertMessage("'p' has an initialiser of width 5; it must lie in [0, 2].", new Initializer.TruncatedNormal(5));

        static void AssertMessage(string start, Initializer initializer)
        {
            using var arena = new ParameterArena([new("p", [3], initializer, WeightDecay: true)], ArenaOptions.WeightsOnly);
            Assert.StartsWith(start, Assert.Throws<ArgumentOutOfRangeException>(() => ParameterInitialization.Fill(arena, 1)).Message, StringComparison.Ordinal);
        }
    }

    private static ParameterArena Filled(IReadOnlyList<Parameter> parameters, long seed)
    {
        var arena = new ParameterArena(parameters, ArenaOptions.WeightsOnly);
        ParameterInitialization.Fill(arena, seed);
        return arena;
    }

    private static float[] Weights(ParameterArena arena, string name) => arena.Values(ArenaBuffer.Weights, name).ToArray();

    private static void AssertMoments(float[] values, double deviation, double bound)
    {
        var mean = values.Average(value => (double)value);
        var measured = Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
        Assert.InRange(mean, -0.02 * deviation, 0.02 * deviation);
        Assert.InRange(measured, 0.98 * deviation, 1.02 * deviation);
        Assert.All(values, value => Assert.InRange(value, -bound, bound));
    }
}
