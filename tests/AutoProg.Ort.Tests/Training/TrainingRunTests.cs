using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Tests.Training;

public sealed class TrainingRunTests : IDisposable
{
    private readonly string output = Directory.CreateTempSubdirectory("autoprog-").FullName;

    [Fact]
    public void Micro_batches_give_the_losses_of_the_whole_batch()
    {
        var recipe = TinyRecipes.Of(GrowthPolicyKind.Prog);
        var whole = Losses(recipe);
        var parts = Losses(recipe with { Training = recipe.Training with { MicroBatchSize = 2 } });

        // Sums in another order: float32 rounding, carried through 32 updates.
        Assert.All(whole.Zip(parts), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public void A_memory_limit_changes_the_micro_batch_and_not_the_training()
    {
        var recipe = TinyRecipes.Of(GrowthPolicyKind.Original);
        recipe = recipe with { Model = recipe.Model with { EmbedDim = 96 }, Training = recipe.Training with { MaxTrainSteps = 3 } };
        var unlimited = new ProgressiveTrainer(recipe).Run().Stages[0];
        var limited = recipe with { Runtime = recipe.Runtime with { MemoryLimitMb = (int)(unlimited.PredictedPeakBytes >> 20) } };
        Assert.True(new ProgressiveTrainer(limited).Run().Stages[0].MicroBatch < unlimited.MicroBatch);
        Assert.All(Losses(recipe).Zip(Losses(limited)), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public void Training_that_diverges_stops_with_step_checkpoint_and_hint_and_keeps_the_last_good_state()
    {
        var recipe = TinyRecipes.Of(GrowthPolicyKind.Original);
        recipe = recipe with { Optimizer = recipe.Optimizer with { Name = OptimizerKind.Momentum, Lr = 1e12 }, Checkpoints = recipe.Checkpoints with { EverySteps = 1, Keep = 100 } };
        var error = Assert.Throws<DivergedException>(() => new ProgressiveTrainer(recipe, new TrainerOptions { Output = output, Experiment = "diverged" }).Run());

        Assert.Matches(@"^step \d+, stage 1: loss .*, gradient norm .*; training has diverged and nothing was updated\. Last good checkpoint: step-\d{7}\. Lower optimizer\.lr,", error.Message);
        using var run = RunDirectory.Open(Path.Combine(output, "diverged"));
        var last = $"Last good checkpoint: {run.Checkpoints(1, NullLogger.Instance).OpenLatest().Name}.";
        Assert.Contains(last, error.Message, StringComparison.Ordinal);
        Assert.Contains(last, Assert.Throws<DivergedException>(() => ProgressiveTrainer.Resume(run.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_runs_of_a_recipe_are_the_same_and_another_seed_is_another_run()
    {
        var recipe = TinyRecipes.Of(GrowthPolicyKind.AutoprogOne);
        Assert.Equal(Losses(recipe), Losses(recipe));
        Assert.NotEqual(Losses(recipe), Losses(recipe with { Seed = 8 }));
    }

    [Theory]
    [InlineData(GrowthPolicyKind.Original, 1)]
    [InlineData(GrowthPolicyKind.Prog, 4)]
    public void Fixed_schedules_have_their_stages(GrowthPolicyKind policy, int stages)
    {
        var summary = new ProgressiveTrainer(TinyRecipes.Of(policy)).Run();
        Assert.Equal(stages, summary.Stages.Count);
        Assert.Equal((16, 4), (summary.Stages[^1].Network.Resolution, summary.Stages[^1].Network.Depth));
        Assert.Equal((32, 8), (summary.Steps, summary.Epochs));
        Assert.Equal(16, summary.Final!.Count);
    }

    [Fact]
    public void A_search_decides_every_stage_but_the_last_and_never_shrinks()
    {
        var summary = new ProgressiveTrainer(TinyRecipes.Of(GrowthPolicyKind.AutoprogOne)).Run();
        Assert.Equal([0, 1, 2], summary.Decisions.Select(d => d.Stage));
        var networks = summary.Decisions.Select(d => d.Winner).Append(summary.Stages[^1].Network).ToList();
        Assert.All(networks.Zip(networks.Skip(1)), pair => Assert.True(pair.Second.Contains(pair.First)));
        Assert.All(summary.Decisions, d => Assert.All(d.Candidates, c => Assert.Equal(3, c.Losses.Count)));
    }

    [Theory]
    [InlineData(1, 1, 1)] // inside the first epoch, which is the whole search
    [InlineData(1, 2, 0)] // before the last epoch of the search: nothing is decided
    [InlineData(6, 2, 1)] // inside the last one
    public void A_limit_on_steps_may_end_a_run_inside_a_search(int limit, int searchEpochs, int decisions)
    {
        var recipe = TinyRecipes.Of(GrowthPolicyKind.AutoprogOne);
        recipe = recipe with { Training = recipe.Training with { MaxTrainSteps = limit }, Growth = recipe.Growth with { SearchEpochs = searchEpochs } };
        var summary = new ProgressiveTrainer(recipe, new TrainerOptions { Output = output, Experiment = "short" }).Run();
        Assert.Equal((limit, decisions), (summary.Steps, summary.Decisions.Count));
    }

    public void Dispose() => Directory.Delete(output, recursive: true);

    private static List<double> Losses(Recipe recipe)
    {
        var losses = new List<double>();
        new ProgressiveTrainer(recipe, new TrainerOptions { Progress = new Collector(losses) }).Run();
        return losses;
    }

    private sealed class Collector(List<double> losses) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => losses.Add(value.Loss);
    }
}
