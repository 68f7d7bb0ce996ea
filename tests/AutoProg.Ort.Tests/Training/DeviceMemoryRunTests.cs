using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Tests.Training;

/// <summary>Whole runs with parameters in memory that only ONNX Runtime reaches, updated by graphs: the way of every device but the CPU.</summary>
public sealed class DeviceMemoryRunTests : IDisposable
{
    private readonly string output = Directory.CreateTempSubdirectory("autoprog-").FullName;

    [Theory]
    [InlineData(GrowthPolicyKind.Prog, OptimizerKind.Sgd, 0)]
    [InlineData(GrowthPolicyKind.AutoprogOne, OptimizerKind.Adamw, 4)]
    public void Losses_equal_those_of_the_host_up_to_rounding(GrowthPolicyKind policy, OptimizerKind optimizer, int microBatch)
    {
        var recipe = TinyRecipes.Of(policy);
        recipe = recipe with
        {
            Optimizer = recipe.Optimizer with { Name = optimizer, Lr = optimizer == OptimizerKind.Sgd ? 0.01 : 1e-3 },
            Training = recipe.Training with { MicroBatchSize = microBatch, ClipGrad = 1 },
            Growth = recipe.Growth with { Operator = GrowthOperatorKind.MoGrow, RecycleWeights = false },
        };

        var host = Losses(recipe, options => options);
        var elsewhere = Losses(recipe, options => options with { OpenDevice = static runtime => Device.OpenCpuThroughRuntime(runtime.Threads) });

        // An update without fused multiply-adds differs by 1e-7 of a weight; the losses of forty steps were measured to differ by as much.
        Assert.Equal(host.Count, elsewhere.Count);
        Assert.All(host.Zip(elsewhere), pair => Assert.Equal(pair.First, pair.Second, 2e-6 * pair.First));
    }

    [Fact]
    public void A_run_is_resumed_bit_for_bit()
    {
        var recipe = TinyRecipes.Of(GrowthPolicyKind.AutoprogOne);
        var whole = Run("whole", recipe, killAt: null);
        var killed = Run("killed", recipe, killAt: 10);

        Assert.Equal(whole.Files.Order(), killed.Files.Order());
        Assert.All(whole.Files, file => Assert.Equal(File.ReadAllBytes(Path.Combine(whole.Path, file)), File.ReadAllBytes(Path.Combine(killed.Path, file))));
    }

    public void Dispose() => Directory.Delete(output, recursive: true);

    private static List<double> Losses(Recipe recipe, Func<TrainerOptions, TrainerOptions> embed)
    {
        var losses = new List<double>();
        var summary = new ProgressiveTrainer(recipe, embed(new TrainerOptions { Progress = new Callback(progress => losses.Add(progress.Loss)) })).Run();
        return [.. losses, summary.Final!.Loss];
    }

    private Checkpoint Run(string name, Recipe recipe, long? killAt)
    {
        var options = new TrainerOptions
        {
            Output = output,
            Experiment = name,
            OpenDevice = static runtime => Device.OpenCpuThroughRuntime(runtime.Threads),
            Progress = new Callback(progress =>
            {
                if (progress.Step == killAt)
                {
                    killAt = null;
                    throw new OperationCanceledException("killed");
                }
            }),
        };
        try
        {
            new ProgressiveTrainer(recipe, options).Run();
        }
        catch (OperationCanceledException)
        {
            ProgressiveTrainer.Resume(Path.Combine(output, name), options);
        }

        Assert.Null(killAt);
        using var run = RunDirectory.Open(Path.Combine(output, name));
        return run.Checkpoints(2, NullLogger.Instance).OpenLatest();
    }

    private sealed class Callback(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }
}
