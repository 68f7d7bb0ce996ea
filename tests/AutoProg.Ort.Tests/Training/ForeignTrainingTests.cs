using AutoProg.Graphs.Import;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

public sealed class ForeignTrainingTests : InTemporaryFolder
{
    [Theory]
    [InlineData("resnet", GrowthPolicyKind.Original)]
    [InlineData("resnet", GrowthPolicyKind.Prog)]
    [InlineData("resnet", GrowthPolicyKind.AutoprogZero)]
    [InlineData("vit", GrowthPolicyKind.Original)]
    [InlineData("vit", GrowthPolicyKind.Prog)]
    [InlineData("vit", GrowthPolicyKind.AutoprogZero)]
    public void A_model_file_is_trained_and_comes_back_with_other_weights_and_the_same_interface(string model, GrowthPolicyKind policy)
    {
        var recipe = TinyRecipes.Foreign(model, policy);
        var summary = new ProgressiveTrainer(recipe, new TrainerOptions { Output = Folder, Experiment = "run" }).Run();

        var rows = MetricsTable.Read(Path.Combine(summary.Folder!, "metrics.csv"));
        Assert.True(rows[^1].TrainLoss < rows[0].TrainLoss);
        if (policy == GrowthPolicyKind.Prog)
        {
            Assert.Equal([1, 1, 2, 2, 3, 3, 4, 4], rows.Select(static r => r.Level ?? 0));
        }

        var (before, after) = (OnnxModelFile.Open(TinyRecipes.ModelFile(model)), OnnxModelFile.Open(Path.Combine(summary.Folder!, "export", "model.onnx")));
        Assert.Equal(before.Inputs.Select(static i => (i.Name, i.Type, i.ShownDims)), after.Inputs.Select(static i => (i.Name, i.Type, i.ShownDims)));
        Assert.Equal(before.Outputs.Select(static o => (o.Name, o.Type)), after.Outputs.Select(static o => (o.Name, o.Type)));
        Assert.Equal(before.Initializers.Keys.Order(), after.Initializers.Keys.Order());
        var changed = before.Initializers.Values.Where(i => !before.Read(i.Name).Bytes.SequenceEqual(after.Read(i.Name).Bytes)).Select(static i => i.Name).ToList();
        Assert.Contains(model == "vit" ? "encoder.layers.encoder_layer_0.self_attention.in_proj_weight" : "layer1.0.bn1.running_var", changed);
        Assert.Equal(summary.Final!.Top1, StrangersEvaluation.Of(after.Path, recipe, 32).Top1);
    }

    [Fact]
    public void What_is_frozen_by_name_stays_as_it_is_in_the_file()
    {
        var recipe = TinyRecipes.Foreign("resnet", GrowthPolicyKind.Original);
        recipe = recipe with { Model = recipe.Model with { Freeze = ["conv1.*", "layer1.*"], BatchNorm = BatchNormMode.Eval }, Growth = new GrowthRecipe { Policy = GrowthPolicyKind.Original } };
        var run = TinyRuns.Train(Folder, recipe);

        var (before, after) = (OnnxModelFile.Open(TinyRecipes.ModelFile("resnet")), OnnxModelFile.Open(Path.Combine(run, "export", "model.onnx")));
        Assert.True(Same("layer1.0.conv1.weight"));
        Assert.True(Same("layer4.0.bn2.running_mean"));
        Assert.False(Same("layer2.0.conv1.weight"));
        Assert.False(Same("fc.bias"));

        bool Same(string name) => before.Read(name).Bytes.SequenceEqual(after.Read(name).Bytes);
    }

    [Fact]
    public void A_run_finds_a_model_file_that_was_named_by_a_relative_path()
    {
        var recipe = TinyRecipes.Foreign("vit", GrowthPolicyKind.Original);
        var relative = Path.GetRelativePath(Directory.GetCurrentDirectory(), recipe.Model.Onnx!);
        recipe = recipe with { Model = recipe.Model with { Onnx = relative }, Training = recipe.Training with { Epochs = 1 } };

        using var model = TrainedModel.Open(TinyRuns.Train(Folder, recipe));

        Assert.Equal(TinyRecipes.ModelFile("vit"), model.Recipe.Model.Onnx);
    }

    [Fact]
    public void A_model_for_other_classes_is_refused()
    {
        var recipe = TinyRecipes.Foreign("vit", GrowthPolicyKind.Original);
        recipe = recipe with { Model = recipe.Model with { NumClasses = 7 } };
        var error = Assert.Throws<RecipeException>(() => TinyRuns.Train(Folder, recipe));
        Assert.Contains("has 10 classes, the recipe 7; export it with a head for these", error.Message, StringComparison.Ordinal);
    }
}
