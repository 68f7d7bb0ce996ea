using System.Text.Json;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

public sealed class PolicyComparisonTests : InTemporaryFolder
{
    private static readonly ComparisonPlan Plan = new(TinyRuns.Recipe, [new(GrowthPolicyKind.Original), new(GrowthPolicyKind.Prog)], [1, 2]);

    private TrainerOptions Options => new() { Output = Folder, Experiment = "compare" };

    [Fact]
    public void Every_policy_is_run_under_every_seed_and_set_side_by_side()
    {
        var report = PolicyComparison.Run(Plan, Options);
        Assert.Equal(["original", "prog"], report.Policies.Select(static p => p.Policy));
        Assert.Equal([("original", 1L), ("prog", 1L), ("original", 2L), ("prog", 2L)], report.Runs.Select(static r => (r.Policy, r.Seed)));
        var original = report.Runs.Where(static r => r.Policy == "original").Select(static r => r.Summary).ToList();
        var (first, second) = (report.Policies[0], report.Policies[1]);
        Assert.Equal((2, 0.0, 16.0), (first.Seeds, first.SpeedupPercent, first.Steps));
        Assert.Equal(original.Average(static s => s.Times.Runtime), first.RuntimeSeconds, 1e-9);
        Assert.Equal(original.Average(static s => s.Final!.Top1!.Value), first.Top1!.Mean, 1e-9);
        Assert.Equal(Math.Abs(original[0].Final!.Top1!.Value - original[1].Final!.Top1!.Value) / Math.Sqrt(2), first.Top1.Spread!.Value, 1e-9);
        Assert.Equal(100 * ((first.RuntimeSeconds / second.RuntimeSeconds) - 1), second.SpeedupPercent!.Value, 1e-9);

        var table = File.ReadAllText(At("compare", "compare.md"));
        Assert.Contains("| policy | runtime (s) | speedup | top-1 (%) | weights | steps | runs |", table, StringComparison.Ordinal);
        Assert.Contains("| prog | 2 | ", table, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(File.ReadAllBytes(At("compare", "compare.json")));
        Assert.Equal(2, json.RootElement.GetProperty("policies").GetArrayLength());
        Assert.Equal(4, json.RootElement.GetProperty("runs").GetArrayLength());
    }

    [Fact]
    public void Finished_runs_are_taken_as_they_are_and_an_interrupted_one_goes_on()
    {
        using var interruption = new CancellationTokenSource();
        var interrupted = Options with { Progress = new AtOnce<TrainingProgress>(p => CancelAt(p, interruption)) };
        var plan = Plan with { Seeds = [1] };
        Assert.ThrowsAny<OperationCanceledException>(() => PolicyComparison.Run(plan, interrupted, interruption.Token));
        var finished = File.GetLastWriteTimeUtc(At("compare", "original-seed1", "summary.json"));

        var report = PolicyComparison.Run(plan, Options);
        Assert.Equal(finished, File.GetLastWriteTimeUtc(At("compare", "original-seed1", "summary.json")));
        Assert.Contains("resumed", EventLog.Read(At("compare", "prog-seed1", "events.jsonl")).Select(static e => e.Kind));

        var direct = new ProgressiveTrainer(TinyRuns.Recipe with { Seed = 1 }).Run();
        Assert.Equal(direct.Final, report.Runs[1].Summary.Final);
        Assert.Equal(report.Policies, PolicyComparison.Run(plan, Options).Policies, static (a, b) => a.RuntimeSeconds == b.RuntimeSeconds && a.Top1 == b.Top1);

        // The second run, half-way through.
        static void CancelAt(TrainingProgress progress, CancellationTokenSource source)
        {
            if (progress is { Stages: 2, Step: 6 })
            {
                source.Cancel();
            }
        }
    }

    [Fact]
    public void A_run_that_was_taken_further_after_its_end_tells_no_more_of_that_end()
    {
        var plan = new ComparisonPlan(TinyRuns.Recipe, [new(GrowthPolicyKind.Prog)], [1]);
        var before = PolicyComparison.Run(plan, Options).Runs[0].Summary.Steps;
        using var stop = new CancellationTokenSource();
        var stopped = Assert.Throws<RunCanceledException>(() => ProgressiveTrainer.Resume(
            At("compare", "prog-seed1"),
            new TrainerOptions { Progress = new AtOnce<TrainingProgress>(_ => stop.Cancel()) },
            [RecipeOverride.FromOption("--epochs", "training.epochs", "8")],
            stop.Token));
        Assert.Equal((At("compare", "prog-seed1"), true), (stopped.Folder, stopped.Checkpoint is not null));

        Assert.Equal(before + 1, PolicyComparison.Run(plan, Options).Runs[0].Summary.Steps);
        Assert.Equal(before + 1, PolicyComparison.Run(plan, Options).Runs[0].Summary.Steps);
    }

    [Fact]
    public void A_run_that_never_saved_starts_afresh()
    {
        Directory.CreateDirectory(At("compare", "original-seed1"));
        File.WriteAllText(At("compare", "original-seed1", "recipe.yaml"), RecipeWriter.Write(TinyRuns.Recipe with { Seed = 1, Growth = TinyRuns.Recipe.Growth with { Policy = GrowthPolicyKind.Original } }));
        Assert.Single(PolicyComparison.Run(new ComparisonPlan(TinyRuns.Recipe, [new(GrowthPolicyKind.Original)], [1]), Options).Runs);
    }

    [Fact]
    public void A_folder_with_a_run_of_another_recipe_is_refused()
    {
        var plan = new ComparisonPlan(TinyRuns.Recipe with { Training = TinyRuns.Recipe.Training with { Epochs = 2 } }, [new(GrowthPolicyKind.Prog)], [1]);
        PolicyComparison.Run(plan, Options);
        var error = Assert.Throws<IOException>(() => PolicyComparison.Run(plan with { Recipe = TinyRuns.Recipe }, Options));
        Assert.Equal($"{At("compare", "prog-seed1")}: holds a run of another recipe; choose another --experiment, or replace it with --overwrite.", error.Message);
    }

    [Fact]
    public void Without_the_original_there_is_no_speedup_and_without_a_second_seed_no_spread()
    {
        var recipe = TinyRuns.Recipe with { Training = TinyRuns.Recipe.Training with { Epochs = 2 } };
        var result = Assert.Single(PolicyComparison.Run(new ComparisonPlan(recipe, [new(GrowthPolicyKind.Prog)], [1]), Options).Policies);
        Assert.Equal((null, null), (result.SpeedupPercent, result.Top1?.Spread));
    }

    [Fact]
    public void A_policy_that_is_named_twice_is_refused() =>
        Assert.Contains("name each once", Assert.Throws<ArgumentException>(() => PolicyComparison.Run(Plan with { Seeds = [1, 1] }, Options)).Message, StringComparison.Ordinal);
}
