using System.Text.Json;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

public sealed class StepBenchmarkTests
{
    private static readonly Recipe Searched = TinyRuns.Recipe with
    {
        Growth = TinyRuns.Recipe.Growth with { Policy = GrowthPolicyKind.AutoprogOne, SearchEpochs = 1 },
    };

    [Fact]
    public void Every_candidate_is_measured_once_in_order()
    {
        var report = StepBenchmark.Run(Searched, new BenchmarkOptions { Steps = 2, WarmupSteps = 1 });
        Assert.Equal([(8, 2), (8, 4), (16, 2), (16, 4)], report.Subnetworks.Select(static s => (s.Resolution, s.Depth)));
        Assert.All(report.Subnetworks, static s =>
        {
            Assert.Equal(("all", 8, 8), (s.Learnable, s.BatchSize, s.MicroBatch));
            Assert.True(s is { StepMs: > 0, ForwardBackwardMs: > 0, UpdateMs: > 0, DataMs: >= 0, PeakMemoryMb: > 1, Gflops: > 0 });
            Assert.InRange(s.StepMs, 0.5 * (s.ForwardBackwardMs + s.UpdateMs), 2 * (s.ForwardBackwardMs + s.UpdateMs));
            Assert.Null(s.MatrixShare);
        });
    }

    [Fact]
    public void The_json_has_exactly_the_agreed_keys()
    {
        var report = StepBenchmark.Run(StepBenchmark.RecipeOf("deit_micro", 16, 4), new BenchmarkOptions { Steps = 1, WarmupSteps = 1 });
        using var json = JsonDocument.Parse(report.ToJson());
        var root = Assert.Single(json.RootElement.EnumerateObject());
        Assert.Equal("subnetworks", root.Name);
        Assert.Equal(
            ["resolution", "depth", "learnable", "step_ms", "forward_backward_ms", "update_ms", "data_ms", "peak_memory_mb", "gflops"],
            Assert.Single(root.Value.EnumerateArray()).EnumerateObject().Select(static key => key.Name));
    }

    [Fact]
    public void The_profile_names_the_operators_of_a_step()
    {
        var progress = new List<SubNetworkTiming>();
        var options = new BenchmarkOptions { Steps = 2, WarmupSteps = 1, Profile = true, ProfiledNames = ["*", "grad/*", "blocks.?.*", "nix"], Progress = new AtOnce<SubNetworkTiming>(progress.Add) };
        var timing = Assert.Single(StepBenchmark.Run(StepBenchmark.RecipeOf("deit_micro", 16, 4), options).Subnetworks);
        Assert.Equal([timing], progress);
        Assert.Contains("Gemm", timing.Operators.Select(static o => o.Operator));
        Assert.Equal(1, timing.Operators.Sum(static o => o.Share), 1e-9);
        Assert.InRange(timing.MatrixShare!.Value, 0.05, 0.999);
        Assert.Equal(["*", "grad/*", "blocks.?.*", "nix"], timing.NamedNodes.Select(static nodes => nodes.Operator));
        Assert.Equal(timing.Operators.Sum(static o => o.Milliseconds), timing.NamedNodes[0].Milliseconds, 1e-9);
        Assert.All(timing.NamedNodes.Skip(1).Take(2), static nodes => Assert.InRange(nodes.Share, 0.01, 0.99));
        Assert.Equal(0, timing.NamedNodes[3].Share);
    }

    [Fact]
    public void Micro_batches_are_measured_as_a_whole_step()
    {
        var recipe = StepBenchmark.RecipeOf("deit_micro", 16, 8) with { Training = new TrainingRecipe { BatchSize = 8, MicroBatchSize = 2 } };
        Assert.Equal((8, 2), StepBenchmark.Run(recipe, new BenchmarkOptions { Steps = 1, WarmupSteps = 1 }).Subnetworks.Select(static s => (s.BatchSize, s.MicroBatch)).Single());
    }
}
