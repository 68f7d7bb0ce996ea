using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Tests.Runtime.Optimizers;

public sealed class UpdateKernelTests
{
    public static TheoryData<string> Rules => TestRules.NamesWithMoments;

    [Theory]
    [MemberData(nameof(Rules))]
    public void The_vector_tail_computes_the_same_bits_as_the_vectors(string kind)
    {
        var rule = TestRules.Named(kind);
        var kernel = rule.At(learningRate: 1e-2, gradientScale: 0.7, decayed: true, step: 3);
        var whole = new State(77, rule);
        var single = new State(77, rule);

        kernel.Apply(whole.Weights, whole.Gradients, whole.First, whole.Second);
        for (var i = 0; i < 77; i++)
            kernel.Apply(single.Weights.AsSpan(i, 1), single.Gradients.AsSpan(i, 1), single.First.AsSpan(i, 1), rule.MomentCount > 1 ? single.Second.AsSpan(i, 1) : []);

        Assert.Equal(whole.Weights, single.Weights);
        Assert.Equal(whole.First, single.First);
        Assert.Equal(whole.Second, single.Second);
        Assert.NotEqual(new State(77, rule).Weights, whole.Weights);
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Padding_stays_zero(string kind)
    {
        var rule = TestRules.Named(kind);
        var (weights, first, second) = (new float[16], new float[16], new float[rule.MomentCount > 1 ? 16 : 0]);

        rule.At(learningRate: 1, gradientScale: 1, decayed: true, step: 1).Apply(weights, new float[16], first, second);

        Assert.All([.. weights, .. first, .. second], value => Assert.Equal(0f, value));
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void A_range_without_decay_only_follows_its_gradient(string kind)
    {
        var rule = TestRules.Named(kind);
        var (decayed, plain) = (new State(16, rule), new State(16, rule));
        Array.Clear(decayed.Gradients);
        Array.Clear(plain.Gradients);
        Array.Clear(decayed.First);
        Array.Clear(plain.First);

        rule.At(0.1, 1, decayed: true, step: 1).Apply(decayed.Weights, decayed.Gradients, decayed.First, decayed.Second);
        rule.At(0.1, 1, decayed: false, step: 1).Apply(plain.Weights, plain.Gradients, plain.First, plain.Second);

        Assert.Equal(new State(16, rule).Weights, plain.Weights);
        Assert.All(decayed.Weights.Zip(plain.Weights), pair => Assert.True(Math.Abs(pair.First) < Math.Abs(pair.Second)));
    }

    [Fact]
    public void The_tail_of_an_average_computes_the_same_bits_as_its_vectors()
    {
        var rule = new AdamW(0);
        var (whole, single) = (new State(77, rule), new State(77, rule));

        ExponentialAverage.Apply(whole.First, whole.Weights, 0.998);
        for (var i = 0; i < 77; i++)
            ExponentialAverage.Apply(single.First.AsSpan(i, 1), single.Weights.AsSpan(i, 1), 0.998);

        Assert.Equal(whole.First, single.First);
        Assert.NotEqual(new State(77, rule).First, whole.First);
    }

    [Fact]
    public void The_average_of_a_resting_weight_arrives_at_the_weight()
    {
        float[] average = [1.7f];

        for (var i = 0; i < 400_000; i++)
            ExponentialAverage.Apply(average, [0.3f], 0.9999);

        // Below a distance of (half a unit in the last place, 1.5e-8) / 1e-4 = 1.5e-4 a step is rounded away; never a bias beyond that.
        Assert.InRange(average[0] - 0.3f, 0, 1.5e-4);
    }

    [Fact]
    public void Settings_outside_their_range_are_refused_by_name()
    {
        AssertMessage("weightDecay -1 is outside [0, infinity).", () => new AdamW(-1));
        AssertMessage("beta1 1 is outside [0, 1).", () => new AdamW(0, beta1: 1));
        AssertMessage("beta2 NaN is outside [0, 1).", () => new AdamW(0, beta2: double.NaN));
        AssertMessage("eps 0 is outside (0, infinity).", () => new AdamW(0, eps: 0));
        AssertMessage("eps 1E-50 is outside (0, infinity).", () => new AdamW(0, eps: 1e-50));
        AssertMessage("momentum 1.1 is outside [0, 1).", () => new Sgd(0, momentum: 1.1));

        static void AssertMessage(string start, Func<object> act) =>
            Assert.StartsWith(start, Assert.Throws<ArgumentOutOfRangeException>(act).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_recipe_chooses_the_rule()
    {
        Assert.Equal(new AdamW(0.1, 0.8, 0.95, 1e-6), UpdateRule.Of(new OptimizerRecipe { Name = OptimizerKind.Adamw, WeightDecay = 0.1, Betas = [0.8, 0.95], Eps = 1e-6 }));
        Assert.Equal(new Sgd(0.1, 0.8, nesterov: true), UpdateRule.Of(new OptimizerRecipe { Name = OptimizerKind.Sgd, WeightDecay = 0.1, Momentum = 0.8 }));
        Assert.Equal(new Sgd(0.1, 0.8, nesterov: false), UpdateRule.Of(new OptimizerRecipe { Name = OptimizerKind.Momentum, WeightDecay = 0.1, Momentum = 0.8 }));

        var error = Assert.Throws<ArgumentException>(() => UpdateRule.Of(new OptimizerRecipe { Betas = [0.9] }));
        Assert.StartsWith("optimizer.betas has 1 values; AdamW needs two, such as [0.9, 0.999].", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Arbitrary numbers, the same at every construction.</summary>
    private sealed class State(int length, UpdateRule rule)
    {
        public float[] Weights { get; } = Wave(length, 0.3);

        public float[] Gradients { get; } = Wave(length, 0.7);

        public float[] First { get; } = Wave(length, 1.1);

        public float[] Second { get; } = rule.MomentCount > 1 ? [.. Wave(length, 1.9).Select(Math.Abs)] : [];

        private static float[] Wave(int length, double pace) => [.. Enumerable.Range(1, length).Select(i => (float)Math.Sin(i * pace))];
    }
}
