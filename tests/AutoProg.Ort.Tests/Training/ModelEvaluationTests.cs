using AutoProg.Ort.Data;
using AutoProg.Ort.Files;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

public sealed class ModelEvaluationTests : InTemporaryFolder
{
    private readonly RunSummary summary;
    private readonly string run;

    public ModelEvaluationTests()
    {
        summary = new ProgressiveTrainer(TinyRuns.Recipe, new TrainerOptions { Output = Folder, Experiment = "run" }).Run();
        run = summary.Folder!;
    }

    [Fact]
    public void A_run_a_checkpoint_and_an_exported_file_give_what_the_run_found()
    {
        foreach (var path in new[] { run, Path.Combine(run, "checkpoints"), Path.Combine(run, "checkpoints", "last"), Path.Combine(run, "export", "model.safetensors") })
        {
            using var model = TrainedModel.Open(path);
            Assert.Equal(summary.Final, Assert.Single(ModelEvaluation.Run(model)));
        }
    }

    [Fact]
    public void Every_choice_of_weights_is_evaluated_and_the_best_is_among_them()
    {
        using var model = TrainedModel.Open(run);
        var all = ModelEvaluation.Run(model, new EvaluationOptions { Weights = "all" });
        Assert.Equal(["online", "ema-0.5", "ema-0.9"], all.Select(static r => r.Weights));
        Assert.Equal(summary.Final, all.MaxBy(static r => r.Top1));
        Assert.Equal(all[1], Assert.Single(ModelEvaluation.Run(model, new EvaluationOptions { Weights = "ema-0.5" })));
        Assert.NotEqual(all[0].Loss, all[2].Loss);
    }

    [Fact]
    public void Weights_that_are_not_there_are_refused_with_those_that_are()
    {
        using var model = TrainedModel.Open(run);
        var error = Assert.Throws<ArgumentException>(() => ModelEvaluation.Run(model, new EvaluationOptions { Weights = "ema-0.99" }));
        Assert.StartsWith("There are no weights 'ema-0.99'; use best, all, online, ema-0.5, ema-0.9.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_resolution_is_evaluated_and_one_that_does_not_fit_is_refused()
    {
        using var model = TrainedModel.Open(run);
        Assert.Equal(24, ModelEvaluation.Run(model, new EvaluationOptions { Resolution = 24 })[0].Resolution);
        Assert.Contains("18 is not a positive multiple of patch size 4", Assert.Throws<ArgumentException>(() => ModelEvaluation.Run(model, new EvaluationOptions { Resolution = 18 })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_checkpoint_of_an_early_stage_is_the_small_network()
    {
        var recipe = TinyRuns.Recipe with { Training = TinyRuns.Recipe.Training with { MaxTrainSteps = 4 } };
        using var model = TrainedModel.Open(TinyRuns.Train(Folder, recipe, "short"));
        Assert.Equal((8, 2), (model.Network.Resolution, model.Network.Depth));
        Assert.Equal(8, ModelEvaluation.Run(model)[0].Resolution);
    }

    [Fact]
    public void Images_of_other_classes_are_refused()
    {
        using var model = TrainedModel.Open(run);
        var images = new Data.PatternImages(4, classes: 3);
        Assert.Contains("has 3 classes, the model 10", Assert.Throws<DataException>(() => ModelEvaluation.Run(model, new EvaluationOptions { Images = images })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_outside_of_a_run_need_a_recipe_and_must_fit_it()
    {
        var moved = Directory.CreateDirectory(At("a", "b", "c", "d")).FullName + "/model.safetensors";
        File.Copy(Path.Combine(run, "export", "model.safetensors"), moved);
        Assert.Equal($"{moved}: lies in no run's folder; name the recipe that it was trained with.", Assert.Throws<FileNotFoundException>(() => TrainedModel.Open(moved)).Message);
        using (var model = TrainedModel.Open(moved, Path.Combine(run, "recipe.yaml")))
        {
            Assert.Equal(summary.Final, ModelEvaluation.Run(model)[0]);
        }

        var error = Assert.Throws<FileFormatException>(() => TrainedModel.Open(moved, Path.Combine(run, "recipe.yaml"), [RecipeOverride.FromSet("model.embed_dim=24")]));
        Assert.Contains("belongs to another model", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_class_count_is_read_off_the_weights_without_the_data()
    {
        using var model = TrainedModel.Open(run, overrides: [RecipeOverride.FromSet("data.dataset=cifar10"), RecipeOverride.FromSet("data.data_dir=/nowhere")]);
        Assert.Equal(10, model.Model.ClassCount);
        Assert.Equal(10, model.ClassNames.Count);
    }

    [Fact]
    public void A_damaged_checkpoint_is_passed_over_and_named()
    {
        var last = File.ReadAllText(Path.Combine(run, "checkpoints", "last")).Trim();
        File.WriteAllBytes(Path.Combine(run, "checkpoints", last, "weights.safetensors"), [1, 2, 3]);
        var warnings = new Warnings();
        using var model = TrainedModel.Open(run, logger: warnings);
        Assert.Contains(last, Assert.Single(warnings.Messages), StringComparison.Ordinal);
    }
}
