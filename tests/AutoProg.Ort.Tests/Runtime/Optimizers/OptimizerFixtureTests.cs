using AutoProg.Graphs;
using AutoProg.Models;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Tests.Runtime.Optimizers;

/// <summary>Five updates of three tensors against PyTorch in float64 (Fixtures/optim_a1), on the host and as graphs.</summary>
public sealed class OptimizerFixtureTests : IDisposable
{
    // Norm-wise per tensor. Five float32 updates round each weight a few times by 6e-8 at most; another float32 run was measured at 5e-8.
    private const double Tolerance = 2e-7;

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Fixtures", "optim_a1");
    private static readonly Dictionary<string, (long[] Shape, float[] Values)> Inputs = TestSafetensors.Read(Path.Combine(Folder, "inputs.safetensors"));
    private static readonly Dictionary<string, (long[] Shape, float[] Values)> Expected = TestSafetensors.Read(Path.Combine(Folder, "expected.safetensors"));

    private readonly Device host = Device.Open("cpu", 2);
    private readonly Device runtime = Device.OpenCpuThroughRuntime(2);

    public static TheoryData<string, OptimizerRecipe, double> Runs => new()
    {
        { "adamw", new() { Name = OptimizerKind.Adamw, WeightDecay = 0.05 }, 1e-3 },
        { "adamw_wd0", new() { Name = OptimizerKind.Adamw, WeightDecay = 0 }, 1e-4 },
        { "sgd_momentum", new() { Name = OptimizerKind.Momentum, WeightDecay = 0 }, 0.1 },
        { "sgd_momentum_wd", new() { Name = OptimizerKind.Momentum, WeightDecay = 0.05 }, 0.1 },
        { "sgd_nesterov", new() { Name = OptimizerKind.Sgd, WeightDecay = 0 }, 0.1 },
    };

    [Theory]
    [MemberData(nameof(Runs))]
    public void Weights_moments_and_averages_follow_PyTorch_on_the_host(string run, OptimizerRecipe recipe, double learningRate) => AssertFollows(host, run, recipe, learningRate);

    [Theory]
    [MemberData(nameof(Runs))]
    public void Weights_moments_and_averages_follow_PyTorch_as_graphs(string run, OptimizerRecipe recipe, double learningRate) => AssertFollows(runtime, run, recipe, learningRate);

    private static void AssertFollows(Device device, string run, OptimizerRecipe recipe, double learningRate)
    {
        var rule = UpdateRule.Of(recipe);
        using var arena = NewArena(rule, device);
        using var update = device.CreateUpdate(arena, rule);
        var everything = arena.Layout.Select([]);
        for (var step = 1; step <= 5; step++)
        {
            Feed(arena, ArenaBuffer.Gradients, $"grad.step{step}");
            update.Step(everything, learningRate);
            AssertClose(arena, ArenaBuffer.Weights, $"{run}.step{step}");
            if (run == "adamw")
                AssertClose(arena, ArenaBuffer.Ema(0), $"ema.step{step}");
        }

        string[] moments = recipe.Name == OptimizerKind.Adamw ? ["exp_avg", "exp_avg_sq"] : ["momentum_buffer"];
        for (var i = 0; i < moments.Length && run is not ("adamw_wd0" or "sgd_nesterov"); i++)
            AssertClose(arena, ArenaBuffer.Moment(i), $"{run}.state.{moments[i]}");
    }

    // Not AdamW's weights: they hardly depend on the scale of a gradient.
    [Theory]
    [InlineData("sgd_momentum", 1.01, 1)]
    [InlineData("sgd_momentum", 1, 1.01)]
    [InlineData("adamw", 1, 1.01)]
    public void One_percent_more_gradient_or_learning_rate_is_noticed(string run, double gradientScale, double rateScale)
    {
        UpdateRule rule = run == "adamw" ? new AdamW(0.05) : new Sgd(0, nesterov: false);
        using var arena = NewArena(rule, host);
        using var update = host.CreateUpdate(arena, rule);
        for (var step = 1; step <= 5; step++)
        {
            Feed(arena, ArenaBuffer.Gradients, $"grad.step{step}");
            update.Step(arena.Layout.Select([]), rateScale * (run == "adamw" ? 1e-3 : 0.1), gradientScale);
        }

        foreach (var slot in arena.Layout.Slots)
            Assert.InRange(Difference(arena, ArenaBuffer.Weights, $"{run}.step5", slot.Name), 10 * Tolerance, double.MaxValue);
    }

    public void Dispose()
    {
        host.Dispose();
        runtime.Dispose();
    }

    private static ParameterArena NewArena(UpdateRule rule, Device device)
    {
        Parameter[] parameters = [.. Enumerable.Range(0, 3).Select(i => new Parameter($"{i}", Shape.Of(Inputs[$"param.{i}"].Shape), Initializer.Zeros, WeightDecay: true))];
        var arena = new ParameterArena(parameters, new ArenaOptions { MomentCount = rule.MomentCount, EmaDecays = [0.998] }, device);
        Feed(arena, ArenaBuffer.Weights, "param");
        arena.ResetEma();
        return arena;
    }

    private static void Feed(ParameterArena arena, ArenaBuffer buffer, string prefix)
    {
        foreach (var slot in arena.Layout.Slots)
            arena.Set(buffer, slot.Name, slot.Parameter.Shape, Inputs[$"{prefix}.{slot.Name}"].Values);
    }

    private static void AssertClose(ParameterArena arena, ArenaBuffer buffer, string prefix)
    {
        foreach (var slot in arena.Layout.Slots)
        {
            var difference = Difference(arena, buffer, prefix, slot.Name);
            Assert.True(difference <= Tolerance, $"{buffer} differs from {prefix}.{slot.Name} by {difference:E2}.");
        }
    }

    private static double Difference(ParameterArena arena, ArenaBuffer buffer, string prefix, string name)
    {
        var expected = Expected[$"{prefix}.{name}"].Values;
        var actual = arena.Read(buffer, name);
        var (error, size) = (0.0, 0.0);
        for (var i = 0; i < expected.Length; i++)
        {
            error += Math.Pow((double)actual[i] - expected[i], 2);
            size += Math.Pow(expected[i], 2);
        }

        return Math.Sqrt(error / size);
    }
}
