using AutoProg.Graphs.Import;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Tests.Runs;

namespace AutoProg.Ort.Tests.Recipes;

public sealed class ModelFileRecipeTests : InTemporaryFolder
{
    [Fact]
    public void A_model_file_lies_where_its_recipe_lies_and_names_the_model()
    {
        File.WriteAllText(At("r.yaml"), "model: { onnx: models/resnet18.onnx }\ndata: { dataset: builtin }\n");

        var model = RecipeReader.Read(At("r.yaml")).Model;

        Assert.Equal(("resnet18", At("models", "resnet18.onnx")), (model.Name, model.Onnx));
    }

    [Fact]
    public void A_model_file_that_is_named_outside_of_the_recipe_lies_in_the_working_directory()
    {
        File.WriteAllText(At("r.yaml"), "model: { name: mine, onnx: models/resnet18.onnx }\ndata: { dataset: builtin }\n");

        var model = RecipeReader.Read(At("r.yaml"), [RecipeOverride.FromSet("model.onnx=other.onnx")]).Model;

        Assert.Equal(("mine", "other.onnx"), (model.Name, model.Onnx));
    }

    [Theory]
    [InlineData("model: { onnx: null }", "model.name", "is missing")]
    [InlineData("model: { onnx: [a, b] }", "model.onnx", "expected")] // what is wrong is not missing
    public void A_model_has_a_name_or_a_file(string model, string key, string problem)
    {
        var error = Assert.Throws<RecipeException>(() => RecipeReader.Parse($"{model}\ndata: {{ dataset: builtin }}\n", "r.yaml"));

        var found = Assert.Single(error.Problems);
        Assert.Equal(key, found.Key);
        Assert.Contains(problem, found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_speaks_of_model_files_is_accepted_beside_one()
    {
        var model = RecipeReader.Parse("model: { onnx: m.onnx, trainable: ['fc.*'], freeze: ['fc.bias'], batch_norm: train, unbiased_variance: false }\ndata: { dataset: builtin }\n", "r.yaml").Model;

        Assert.Equal(["fc.*"], model.Trainable);
        Assert.Equal(["fc.bias"], model.Freeze);
        Assert.Equal((BatchNormMode.Train, false), (model.BatchNorm, model.UnbiasedVariance));
    }
}
