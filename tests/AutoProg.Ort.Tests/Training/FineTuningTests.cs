using AutoProg.Ort.Data;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

public sealed class FineTuningTests : InTemporaryFolder
{
    [Fact]
    public void A_step_moves_what_learns_and_nothing_else()
    {
        using var parts = Parts(TinyRecipes.Diffusion(GrowthPolicyKind.Prog));
        var before = Values(parts);
        parts.Step.Run(new ActiveNetwork(new(16, 4, 2), parts.Network.Blocks), Batch.Blank(8, 16, 10), new StepSettings(0.01, 0, null, 0, Stage: 1));

        var after = Values(parts);
        var moved = before.Keys.Where(name => !before[name].AsSpan().SequenceEqual(after[name])).ToHashSet();
        Assert.NotEmpty(moved);
        Assert.All(moved, static name => Assert.Matches(@"^(?!blocks\.)|^blocks\.[01]\.", name));
        Assert.Contains("blocks.1.adaLN_modulation.1.weight", moved);

        // Only the row of the stage, and that of dropped stages, is trained.
        var rows = after["s_embedder.embedding_table.weight"].Chunk(24).Zip(before["s_embedder.embedding_table.weight"].Chunk(24), static (a, b) => !a.AsSpan().SequenceEqual(b)).ToList();
        Assert.Equal((false, false, false), (rows[0], rows[2], rows[3]));
    }

    [Fact]
    public void Frozen_parameters_cost_no_gradient_and_less_work()
    {
        var recipe = TinyRecipes.Diffusion(GrowthPolicyKind.Prog);
        var graphs = new SubNetworkGraphs(LearningTasks.Of(recipe, 10));
        var costs = Enumerable.Range(1, 4).Select(level => graphs.Training(new(16, 4, level), 8, dropPath: false)).ToList();

        Assert.Equal(costs.Select(static c => c.Cost.MatrixFlops).Order(), costs.Select(static c => c.Cost.MatrixFlops));
        Assert.Equal(4, costs.Select(static c => c.Cost.MatrixFlops).Distinct().Count());
        Assert.DoesNotContain(costs[0].Manifest.Gradients.Keys, static name => name.StartsWith("blocks.1.", StringComparison.Ordinal));
        Assert.True(costs[0].Cost.ActivationBytes < costs[3].Cost.ActivationBytes);
    }

    [Theory]
    [InlineData(GrowthPolicyKind.Original)]
    [InlineData(GrowthPolicyKind.Prog)]
    [InlineData(GrowthPolicyKind.AutoprogOne)]
    [InlineData(GrowthPolicyKind.AutoprogZero)]
    public void Every_policy_ends_with_everything_learnable(GrowthPolicyKind policy)
    {
        var recipe = TinyRecipes.Diffusion(policy);
        var summary = new ProgressiveTrainer(recipe, new TrainerOptions()).Run();

        Assert.Equal(new(16, 4, 4), summary.Stages[^1].Network);
        Assert.Equal(32, summary.Steps);
        Assert.NotNull(summary.Final);
        Assert.Null(summary.Final.Top1);
        Assert.Equal(policy switch { GrowthPolicyKind.AutoprogOne or GrowthPolicyKind.AutoprogZero => 3, _ => 0 }, summary.Decisions.Count);
        if (policy == GrowthPolicyKind.AutoprogZero)
        {
            Assert.All(summary.Decisions.SelectMany(static d => d.Candidates), static c => Assert.True(c.Proxies is { Kappa: >= 1 } && double.IsFinite(c.Proxies.ZiCo)));
        }
    }

    [Fact]
    public void Moments_go_on_when_more_is_unfrozen()
    {
        var recipe = TinyRecipes.Diffusion(GrowthPolicyKind.Prog);
        var folder = new ProgressiveTrainer(recipe, new TrainerOptions { Output = Folder, Experiment = "run" }).Run().Folder!;
        var steps = AutoProg.Ort.Runs.RunDirectory.Open(folder).Checkpoints(1, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance).OpenLatest().ReadState<TrainingState>().StepCounts;

        // Stages of eight steps each unfreeze one block more.
        Assert.Equal([32L, 24L, 16L, 8L], Enumerable.Range(0, 4).Select(i => steps[$"blocks.{i}.mlp.fc1.weight"]));
        Assert.Equal(32L, steps["final_layer.linear.weight"]);
    }

    [Fact]
    public void A_preview_decides_like_the_run()
    {
        var recipe = TinyRecipes.Diffusion(GrowthPolicyKind.AutoprogZero);
        File.WriteAllText(At("recipe.yaml"), RecipeWriter.Write(recipe));
        var first = SearchPreview.Run(At("recipe.yaml"));
        var summary = new ProgressiveTrainer(recipe, new TrainerOptions { Output = Folder, Experiment = "run" }).Run();

        Assert.Equivalent(summary.Decisions[0], first, strict: true);
        Assert.Contains("nothing left to decide", Assert.Throws<ArgumentException>(() => SearchPreview.Run(summary.Folder!)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Samples_do_not_depend_on_the_batch_and_follow_the_seed()
    {
        var folder = new ProgressiveTrainer(Short(GrowthPolicyKind.Prog), new TrainerOptions { Output = Folder, Experiment = "run" }).Run().Folder!;
        using var model = TrainedModel.Open(folder);
        var all = Draw(model, new SampleOptions { Count = 6, BatchSize = 12 });
        var few = Draw(model, new SampleOptions { Count = 6, BatchSize = 4 });
        var other = Draw(model, new SampleOptions { Count = 6, BatchSize = 12, Seed = 1 });

        Assert.Equal(6 * 3 * 16 * 16, all.Length);
        Assert.InRange(all.Zip(few).Max(static p => Math.Abs(p.First - p.Second)), 0, 1e-4f);
        Assert.NotEqual(all, other);
        Assert.Throws<ArgumentException>(() => Draw(model, new SampleOptions { Stage = 4 }));
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("false", false)]
    public void Samples_keep_to_the_range_of_pixels_if_the_recipe_says_so(string clip, bool inside)
    {
        var folder = new ProgressiveTrainer(Short(GrowthPolicyKind.Prog), new TrainerOptions { Output = Folder, Experiment = "run" }).Run().Folder!;
        using var model = TrainedModel.Open(folder, overrides: [RecipeOverride.FromSet($"sampling.clip_denoised={clip}")]);
        var samples = Draw(model, new SampleOptions { Count = 4, Steps = 4 });

        Assert.Equal(inside, samples.All(static value => Math.Abs(value) <= 1));
    }

    [Fact]
    public void What_a_recipe_needs_is_trained_once_and_judges_its_samples()
    {
        var classifier = TinyRuns.Recipe with { Name = "features", Growth = new GrowthRecipe { Policy = GrowthPolicyKind.Original } };
        File.WriteAllText(At("features.yaml"), RecipeWriter.Write(classifier));
        var start = Short(GrowthPolicyKind.Original) with { Name = "start" };
        File.WriteAllText(At("start.yaml"), RecipeWriter.Write(start with { Growth = start.Growth with { StageIdentifier = false, Unfreeze = UnfreezeKind.None } }));
        var recipe = Short(GrowthPolicyKind.Prog);
        recipe = recipe with
        {
            Model = recipe.Model with { InitialCheckpoint = At("start.yaml") },
            Sampling = recipe.Sampling with { Features = At("features.yaml"), FrechetSamples = 12 },
        };

        var report = PolicyComparison.Run(new ComparisonPlan(recipe, [new(GrowthPolicyKind.Original), new(GrowthPolicyKind.Prog, false)], [1]), new TrainerOptions { Output = Folder, Experiment = "compare" });
        var trained = Directory.GetDirectories(At("compare", "prerequisites"));
        Assert.Equal(2, trained.Length);
        var written = trained.Select(static folder => File.GetLastWriteTimeUtc(Path.Combine(folder, "summary.json"))).ToList();
        Assert.All(report.Policies, static policy => Assert.True(policy.Frechet is { Mean: > 0 } && policy.Top1 is null));
        Assert.Equal(["original", "prog+nosid"], report.Policies.Select(static p => p.Policy));
        Assert.Contains("| Frechet distance |", report.ToMarkdown(), StringComparison.Ordinal);
        Assert.Equal((12, "model.onnx:features"), (report.Runs[0].Summary.Frechet!.Samples, report.Runs[0].Summary.Frechet!.Features));

        new ProgressiveTrainer(recipe, new TrainerOptions { Output = At("compare"), Experiment = "again" }).Run();
        Assert.Equal(written, trained.Select(static folder => File.GetLastWriteTimeUtc(Path.Combine(folder, "summary.json"))));
    }

    [Fact]
    public void Evaluating_again_draws_the_same_noise()
    {
        var summary = new ProgressiveTrainer(Short(GrowthPolicyKind.Prog), new TrainerOptions { Output = Folder, Experiment = "run" }).Run();
        using var model = TrainedModel.Open(summary.Folder!);
        Assert.Equal(summary.Final, Assert.Single(ModelEvaluation.Run(model)));
    }

    [Fact]
    public void More_classes_than_the_data_has_are_allowed_and_fewer_are_not()
    {
        var recipe = TinyRecipes.Diffusion(GrowthPolicyKind.Original);
        Assert.Equal(1000, LearningTasks.Of(recipe with { Model = recipe.Model with { NumClasses = 1000 } }, 10).Model.ClassCount);
        Assert.Contains("expected at least the 10 classes", Assert.Throws<RecipeException>(() => LearningTasks.Of(recipe with { Model = recipe.Model with { NumClasses = 9 } }, 10)).Message, StringComparison.Ordinal);
    }

    private static Recipe Short(GrowthPolicyKind policy)
    {
        var recipe = TinyRecipes.Diffusion(policy);
        return recipe with { Training = recipe.Training with { Epochs = 4 } };
    }

    private static float[] Draw(TrainedModel model, SampleOptions options) => [.. ModelSampling.Draw(model, options).SelectMany(static batch => batch.Samples)];

    private static RunComponents Parts(Recipe recipe)
    {
        var parts = RunComponents.Create(recipe, 10, new TrainingState(), new TrainerOptions());
        ParameterInitialization.Fill(parts.Arena, recipe.Seed);

        // A fresh model's gates are zero, and so are most of its gradients.
        foreach (var slot in parts.Arena.Layout.Slots)
        {
            var i = 0;
            foreach (ref var value in parts.Arena.Values(ArenaBuffer.Weights, slot.Name))
            {
                value += 0.02f * MathF.Sin(++i);
            }
        }

        parts.Arena.ResetEma();
        parts.Network.Use([4]);
        return parts;
    }

    private static Dictionary<string, float[]> Values(RunComponents parts) => parts.Arena.Layout.Slots.ToDictionary(static s => s.Name, s => parts.Arena.Values(ArenaBuffer.Weights, s.Name).ToArray(), StringComparer.Ordinal);
}
