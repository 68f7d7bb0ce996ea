using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Tests.Training;

public sealed class ResumeTests : IDisposable
{
    private readonly string output = Directory.CreateTempSubdirectory("autoprog-").FullName;

    public static TheoryData<GrowthPolicyKind, bool, OptimizerStateKind, string> Policies => new()
    {
        { GrowthPolicyKind.Original, true, OptimizerStateKind.Reset, "deit" },
        { GrowthPolicyKind.Prog, true, OptimizerStateKind.Carry, "deit" },
        { GrowthPolicyKind.AutoprogOne, true, OptimizerStateKind.Reset, "deit" },
        { GrowthPolicyKind.AutoprogOne, true, OptimizerStateKind.Carry, "deit" },
        { GrowthPolicyKind.AutoprogOne, false, OptimizerStateKind.Reset, "deit" },
        { GrowthPolicyKind.AutoprogZero, true, OptimizerStateKind.Reset, "deit" },
        { GrowthPolicyKind.Prog, true, OptimizerStateKind.Reset, "dit" },
        { GrowthPolicyKind.AutoprogOne, true, OptimizerStateKind.Reset, "dit" },
        { GrowthPolicyKind.AutoprogZero, true, OptimizerStateKind.Reset, "dit" },
        { GrowthPolicyKind.Prog, true, OptimizerStateKind.Carry, "volo" },
        { GrowthPolicyKind.AutoprogOne, true, OptimizerStateKind.Reset, "volo" },
        { GrowthPolicyKind.Prog, true, OptimizerStateKind.Carry, "resnet" },
        { GrowthPolicyKind.AutoprogZero, true, OptimizerStateKind.Reset, "vit" },
    };

    /// <summary>A process that is killed leaves what its last checkpoint holds. The kill points lie in searches, in stages, on boundaries, and twice in one run.</summary>
    [Theory]
    [MemberData(nameof(Policies))]
    public void A_killed_and_resumed_run_equals_the_uninterrupted_one_bit_for_bit(GrowthPolicyKind policy, bool recycle, OptimizerStateKind moments, string model)
    {
        var recipe = TinyRecipes.Of(model, policy);
        recipe = recipe with { Growth = recipe.Growth with { RecycleWeights = recycle, OptimizerState = moments } };
        var expected = Run("whole", recipe, killAfter: []);
        foreach (var kills in (long[][])[[2], [5], [10, 11], [13, 22, 29]])
        {
            var name = "killed-" + string.Join('-', kills);
            Run(name, recipe, kills);
            AssertSame(expected, Path.Combine(output, name), name);
        }
    }

    [Fact]
    public void Cancelling_finishes_the_step_and_saves_it()
    {
        using var cancel = new CancellationTokenSource();
        var options = Options("cancelled", new Callback(p =>
        {
            if (p.Step == 4)
            {
                cancel.Cancel();
            }
        }));
        Assert.ThrowsAny<OperationCanceledException>(() => new ProgressiveTrainer(TinyRecipes.Of(GrowthPolicyKind.Prog), options).Run(cancel.Token));

        using var run = RunDirectory.Open(Path.Combine(output, "cancelled"));
        Assert.Equal(4, run.Checkpoints(2, NullLogger.Instance).OpenLatest().Step);
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_cancelled_and_resumed_run_equals_the_uninterrupted_one_bit_for_bit(GrowthPolicyKind policy, bool recycle, OptimizerStateKind moments, string model)
    {
        var recipe = TinyRecipes.Of(model, policy);
        recipe = recipe with { Growth = recipe.Growth with { RecycleWeights = recycle, OptimizerState = moments }, Checkpoints = recipe.Checkpoints with { EverySteps = 0, EveryEpochs = 100 } };
        var expected = Run("whole", recipe, killAfter: []);

        // The last step of an epoch is followed by a reading of the candidates or by an evaluation, which are interrupted too.
        Cancel("cancelled", recipe, [3, 4, 8, 9, 16, 31]);
        AssertSame(expected, Path.Combine(output, "cancelled"), "cancelled");
    }

    [Fact]
    public void The_run_s_own_log_tells_of_a_damaged_checkpoint_that_was_passed_over()
    {
        var recipe = TinyRuns.Recipe with { Checkpoints = new CheckpointRecipe { EveryEpochs = 1, Keep = 2 } };
        var run = TinyRuns.Train(output, recipe);
        var newest = Directory.GetDirectories(Path.Combine(run, "checkpoints"), "step-*").Max()!;
        File.AppendAllText(Path.Combine(newest, "state.json"), "{");

        ProgressiveTrainer.Resume(run);

        Assert.Matches($" warn  [^\n]*{Path.GetFileName(newest)}", File.ReadAllText(Path.Combine(run, "log.txt")));
    }

    [Fact]
    public void A_log_that_cannot_be_written_does_not_hide_why_the_run_failed()
    {
        var run = TinyRuns.Train(output);
        Directory.Delete(Path.Combine(run, "checkpoints"), recursive: true);
        var warnings = new Warnings();

        var error = Assert.Throws<FileNotFoundException>(() => ProgressiveTrainer.Resume(run, new TrainerOptions { Logger = warnings, Clock = new FullDiskClock() }));

        Assert.Contains("checkpoint", error.Message, StringComparison.Ordinal);
        Assert.Equal([error.Message, "How the run failed is not in its log, which cannot be written: No space left on device"], warnings.Messages);
    }

    public void Dispose() => Directory.Delete(output, recursive: true);

    private string Run(string name, Recipe recipe, long[] killAfter)
    {
        var kills = new Queue<long>(killAfter);
        var options = Options(name, new Callback(p =>
        {
            if (kills.TryPeek(out var step) && p.Step == step)
            {
                kills.Dequeue();
                throw new KilledException();
            }
        }));
        var folder = Path.Combine(output, name);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                if (attempt == 0 || !Directory.Exists(Path.Combine(folder, "checkpoints")))
                {
                    new ProgressiveTrainer(recipe, options with { Overwrite = true }).Run();
                }
                else
                {
                    ProgressiveTrainer.Resume(folder, options);
                }

                Assert.Empty(kills);
                return folder;
            }
            catch (KilledException)
            {
            }
        }
    }

    private void Cancel(string name, Recipe recipe, long[] after)
    {
        for (var attempt = 0; attempt <= after.Length; attempt++)
        {
            using var cancel = new CancellationTokenSource();
            var step = attempt < after.Length ? after[attempt] : -1;
            var options = Options(name, new Callback(p =>
            {
                if (p.Step == step)
                {
                    cancel.Cancel();
                }
            }));
            var folder = Path.Combine(output, name);
            var run = Record.Exception(() => attempt == 0 ? new ProgressiveTrainer(recipe, options).Run(cancel.Token) : ProgressiveTrainer.Resume(folder, options, null, cancel.Token));
            Assert.Equal(step >= 0, run is OperationCanceledException);
        }
    }

    private TrainerOptions Options(string name, IProgress<TrainingProgress> progress) => new() { Output = output, Experiment = name, Progress = progress };

    private static void AssertSame(string expected, string actual, string name)
    {
        using var left = RunDirectory.Open(expected);
        using var right = RunDirectory.Open(actual);
        var (a, b) = (left.Checkpoints(2, NullLogger.Instance).OpenLatest(), right.Checkpoints(2, NullLogger.Instance).OpenLatest());
        Assert.Equal(a.Step, b.Step);
        Assert.Equal(a.Files.Order(), b.Files.Order());
        foreach (var file in a.Files)
        {
            Assert.True(File.ReadAllBytes(Path.Combine(a.Path, file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(b.Path, file))), $"{name}: {file} differs.");
        }

        var (rowsLeft, rowsRight) = (MetricsTable.Read(left.MetricsFile), MetricsTable.Read(right.MetricsFile));
        Assert.Equal(rowsLeft.Select(r => (r.Epoch, r.Resolution, r.Depth, r.Level, r.TrainLoss, r.EvalLoss)), rowsRight.Select(r => (r.Epoch, r.Resolution, r.Depth, r.Level, r.TrainLoss, r.EvalLoss)));
    }

    private sealed class KilledException : Exception
    {
    }

    /// <summary>The log asks for the time whenever it writes.</summary>
    private sealed class FullDiskClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => throw new IOException("No space left on device");
    }

    private sealed class Callback(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }
}
