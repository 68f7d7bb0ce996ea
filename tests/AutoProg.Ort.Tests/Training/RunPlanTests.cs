using AutoProg.Ort.Data;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

public sealed class RunPlanTests
{
    private static readonly Recipe Tiny = new()
    {
        Model = new ModelRecipe { Name = "deit_micro", ImgSize = 16, Depth = 2, EmbedDim = 24 },
        Data = new DataRecipe { TrainSamples = 32, ValSamples = 8, Workers = 1 },
        Training = new TrainingRecipe { Epochs = 4, BatchSize = 16 },
        Schedule = new LearningRateRecipe { WarmupEpochs = 0 },
        Ema = new EmaRecipe { Decays = [0.99, 0.999] },
        Growth = new GrowthRecipe { Policy = GrowthPolicyKind.Prog, NumStages = 2, SearchEpochs = 1, SearchSamples = 16, SearchEvaluations = 1, SearchTime = SearchTimeKind.Flops },
    };

    [Theory]
    [InlineData(OptimizerKind.Adamw)]
    [InlineData(OptimizerKind.Sgd)]
    public void The_memory_that_is_planned_is_the_memory_that_the_run_predicts(OptimizerKind optimizer)
    {
        var recipe = Tiny with { Optimizer = new OptimizerRecipe { Name = optimizer } };

        var (plan, summary) = (Plan(recipe), new ProgressiveTrainer(recipe).Run());

        Assert.Equal(summary.Stages.Select(static s => (s.Stage, s.FirstEpoch, s.Network, s.MicroBatch, s.PredictedPeakBytes)), plan.Stages.Select(static s => (s.Stage, s.FirstEpoch, s.Largest, s.MicroBatch, s.PredictedPeakBytes)));
        Assert.Equal((summary.Steps, summary.Parameters), (plan.Steps, plan.Parameters));
    }

    [Theory]
    [InlineData(1e-9, "[0, 24]")]
    [InlineData(1L << 32, "[103079215104, 24]")]
    public void Sizes_that_no_tensor_can_have_are_the_recipes_fault(double mlpRatio, string shape)
    {
        var error = Assert.Throws<RecipeException>(() => Plan(Tiny with { Model = Tiny.Model with { MlpRatio = mlpRatio } }));

        Assert.Contains($"'blocks.0.mlp.fc1.weight' would have shape {shape}; expected 1 to 2147483647 elements", error.Message);
    }

    [Fact]
    public void What_a_search_decides_is_within_what_was_planned()
    {
        var recipe = Tiny with { Growth = Tiny.Growth with { Policy = GrowthPolicyKind.AutoprogOne } };

        var (plan, summary) = (Plan(recipe), new ProgressiveTrainer(recipe).Run());

        var winner = Assert.Single(summary.Decisions).Winner;
        Assert.Contains(winner, plan.Stages[0].Candidates);
        Assert.True(winner.Contains(plan.Stages[0].Smallest) && plan.Stages[0].Largest.Contains(winner));
        Assert.Equal(summary.Stages[0].PredictedPeakBytes, plan.Stages[0].PredictedPeakBytes);
    }

    [Fact]
    public void Later_searches_are_bounded_by_what_earlier_ones_can_choose()
    {
        var recipe = Tiny with
        {
            Model = Tiny.Model with { ImgSize = 32, Depth = 8 },
            Training = Tiny.Training with { Epochs = 8 },
            Growth = Tiny.Growth with { Policy = GrowthPolicyKind.AutoprogOne, NumStages = 4 },
        };

        var stages = Plan(recipe).Stages;

        Assert.Equal([9, 0, 0, 0], stages.Select(static s => s.Candidates.Count));
        Assert.Equal(stages.Take(3).Select(static _ => new SubNetwork(16, 4)), stages.Take(3).Select(static s => s.Smallest));
        Assert.Equal((new SubNetwork(32, 8), new SubNetwork(32, 8)), (stages[3].Smallest, stages[3].Largest));
    }

    [Fact]
    public void Each_stage_is_charged_with_the_time_of_its_own_epochs()
    {
        var recipe = Tiny with { Growth = Tiny.Growth with { Policy = GrowthPolicyKind.AutoprogOne } };

        var summary = new ProgressiveTrainer(recipe).Run();

        Assert.Equal([1, 1, 2], summary.Stages.Select(static s => s.Epochs));
        Assert.Equal(summary.Times.Runtime, summary.Stages.Sum(static s => s.Seconds), 1e-6);
    }

    [Fact]
    public void A_growth_section_that_does_not_fit_the_model_is_refused_before_anything_is_built()
    {
        var recipe = Tiny with { Growth = Tiny.Growth with { ResolutionDivisor = 3 } };

        var error = Assert.Throws<RecipeException>(() => Plan(recipe));

        Assert.Equal("recipe: growth.resolution_divisor = 3 is not a positive multiple of patch size 4; use 4, or 0 for the default.", error.Message);
    }

    [Fact]
    public void What_the_model_refuses_is_told_with_the_line_that_asked_for_it()
    {
        const string Text = """
            name: lines
            model: { name: deit_micro, img_size: 16 }
            data: { dataset: builtin, train_samples: 20, val_samples: 10 }
            growth:
              policy: prog
              num_stages: 2
              resolutions: [10, 16]
            """;
        RecipeOverride[] overrides = [RecipeOverride.FromSet("growth.depths=[3, 5]")];

        var error = Assert.Throws<RecipeException>(() => Plan(RecipeReader.Parse(Text, "lines.yaml", overrides)));

        Assert.Equal(
            """
            lines.yaml:7: growth.resolutions[0] = 10 is not a multiple of patch size 4; use 8 or 12.
            --set growth.depths=[3, 5]: growth.depths[1] = 5 is not the complete model's 6; the last stage trains the complete model.
            """,
            error.Message);
        error = Assert.Throws<RecipeException>(() => Plan(RecipeReader.Parse(Text.Replace("16 }", "16, num_classes: 3 }"), "lines.yaml")));
        Assert.Equal("lines.yaml:2: model.num_classes = 3: expected the 10 classes of the data; set it to that, or leave it out", error.Message);
        error = Assert.Throws<RecipeException>(() => Plan(RecipeReader.Parse(Text.Replace("deit_micro", "deit_mikro"), "lines.yaml")));
        Assert.StartsWith("lines.yaml:2: model: There is no model 'deit_mikro'", error.Message, StringComparison.Ordinal);
    }

    private static RunPlan Plan(Recipe recipe)
    {
        var (train, val) = ImageDatasets.Open(recipe.Data, recipe.Seed);
        return RunPlan.Make(recipe, train, val);
    }
}
