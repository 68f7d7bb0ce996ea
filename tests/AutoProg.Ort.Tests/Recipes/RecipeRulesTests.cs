using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Tests.Recipes;

public sealed class RecipeRulesTests
{
    [Theory]
    [InlineData("training.micro_batch_size=24", "training.micro_batch_size = 24: expected a divisor of training.batch_size (64), or 0")]
    [InlineData("growth.search_epochs=25", "growth.search_epochs = 25: expected fewer epochs than the shortest searched stage has (25): 100 epochs in 4 stages")]
    [InlineData("growth.num_stages=101", "growth.num_stages = 101: expected at most training.epochs (100), so that every stage has an epoch")]
    [InlineData("ema.growth_decay=0.9", "ema.growth_decay = 0.9: expected one of ema.decays ([0.998]), or null")]
    [InlineData("ema.decays=[]", "ema.decays = []: expected at least one decay, since growth.operator mogrow copies from a momentum network; or use interpolation")]
    [InlineData("ema.decays=[0.9, 0.9]", "ema.decays = [0.9, 0.9]: expected every decay once")]
    [InlineData("growth.depths=[6, 12]", "growth.depths = [6, 12]: expected one value for each of the 4 stages (growth.num_stages), found 2")]
    [InlineData("growth.depths=[6, 8, 7, 12]", "growth.depths = [6, 8, 7, 12]: expected values that never fall from stage to stage")]
    [InlineData("growth.depths=[6, 8, 8, 10]", "growth.depths = [6, 8, 8, 10]: expected the last stage to be the complete model, model.depth (12)")]
    [InlineData("growth.resolutions=[96, 100, 192, 224]", "growth.resolutions = [96, 100, 192, 224]: 100 is not a multiple of 16 (model.patch_size); use 96 or 112")]
    [InlineData("growth.resolution_divisor=24", "growth.resolution_divisor = 24: expected a multiple of model.patch_size (16), or 0")]
    [InlineData("model.img_size=230", "model.img_size = 230: expected a multiple of model.patch_size (16)")]
    [InlineData("model.num_heads=5", "model.embed_dim = 384: expected a multiple of model.num_heads (5)")]
    [InlineData("model.onnx=m.onnx", "model.onnx = \"m.onnx\": a model file is what it is: leave out model.embed_dim, depth, num_heads, mlp_ratio, in_channels and learn_sigma")]
    [InlineData("model.freeze=['conv1.*']", "model.freeze = [\"conv1.*\"]: expected none, since only a model file (model.onnx) is frozen by names; use growth.unfreeze")]
    [InlineData("model.trainable=['fc.*']", "model.trainable = [\"fc.*\"]: expected ['*'], since only what a model file (model.onnx) learns is chosen by names; use growth.unfreeze")]
    [InlineData("model.batch_norm=train", "model.batch_norm = train: expected file, since only normalisations of a model file (model.onnx) have a choice")]
    [InlineData("model.unbiased_variance=false", "model.unbiased_variance = false: expected true, since only normalisations of a model file (model.onnx) have a choice")]
    [InlineData("data.data_dir=/images", "data.data_dir = \"/images\": the builtin datasets read no files; set data.dataset or remove this key")]
    [InlineData("data.dataset=idx", "data.data_dir = null (default): expected the path of a folder; only the builtin datasets need none")]
    [InlineData("augmentation.scale=[0.9, 0.5]", "augmentation.scale = [0.9, 0.5]: expected the lower bound first")]
    [InlineData("growth.resize_scale=[1, 2]", "growth.resize_scale = [1, 2]: expected factors that keep the crop area of the first stage ascending and at most 1, found [0.08, 2]")]
    [InlineData("schedule.min_lr=1", "schedule.min_lr = 1: expected at most the peak, optimizer.lr (0.001)")]
    public void A_broken_rule_names_the_key_to_change(string assignment, string expected)
    {
        var error = Assert.Throws<RecipeException>(() => Parse(assignment));

        var problem = Assert.Single(error.Problems);
        Assert.EndsWith($": {expected}", problem.ToString());
    }

    [Fact]
    public void A_rule_points_at_the_line_of_its_key_or_at_the_file_when_the_default_breaks_it()
    {
        var text = "model: { name: m }\ndata: { dataset: builtin }\ntraining:\n  epochs: 4\ngrowth:\n  num_stages: 4\n";

        var byDefault = Assert.Throws<RecipeException>(() => RecipeReader.Parse(text, "run.yaml"));
        var written = Assert.Throws<RecipeException>(() => RecipeReader.Parse(text + "  search_epochs: 1\n", "run.yaml"));

        Assert.Equal("run.yaml: growth.search_epochs = 2 (default): expected fewer epochs than the shortest searched stage has (1): 4 epochs in 4 stages", byDefault.Message);
        Assert.Equal("run.yaml:7: growth.search_epochs = 1: expected fewer epochs than the shortest searched stage has (1): 4 epochs in 4 stages", written.Message);
    }

    [Fact]
    public void A_rule_is_silent_when_one_of_its_keys_is_wrong_already()
    {
        var error = Assert.Throws<RecipeException>(() => Parse("training.batch_size=lots", "training.micro_batch_size=24"));

        Assert.Equal("training.batch_size", Assert.Single(error.Problems).Key);
    }

    [Theory]
    [InlineData("original")]
    [InlineData("prog")]
    public void Search_is_a_matter_of_policies_that_search(string policy)
    {
        var recipe = Parse($"growth.policy={policy}", "training.epochs=4");

        Assert.Equal(4, recipe.Training.Epochs);
    }

    [Fact]
    public void A_recipe_made_in_code_is_checked_likewise()
    {
        var recipe = new Recipe { Model = new() { Name = "deit_micro", DropPath = 1 }, Data = new() { Workers = 0 }, Training = new() { BatchSize = 10, MicroBatchSize = 3 } };

        var error = Assert.Throws<RecipeException>(() => RecipeRules.ThrowIfInvalid(recipe));

        Assert.Equal(
            """
            recipe: model.drop_path = 1: expected a number from 0 to below 1
            recipe: data.workers = 0: expected a whole number from 1 to 256
            recipe: training.micro_batch_size = 3: expected a divisor of training.batch_size (10), or 0
            """,
            error.Message);
        RecipeRules.ThrowIfInvalid(new Recipe { Model = new() { Name = "deit_micro" }, Data = new() });
    }

    private static Recipe Parse(params string[] assignments) => RecipeReader.Parse(
        """
        model: { name: deit_small, img_size: 224, patch_size: 16, embed_dim: 384, num_heads: 6, depth: 12 }
        data: { dataset: builtin }
        """,
        "run.yaml",
        [.. assignments.Select(RecipeOverride.FromSet)]);
}
