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
}
