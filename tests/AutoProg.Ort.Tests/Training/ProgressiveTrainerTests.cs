using AutoProg.Ort.Recipes;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

public sealed class ProgressiveTrainerTests
{
    [Fact]
    public void A_head_of_another_size_than_the_data_have_classes_is_refused()
    {
        var recipe = TinyRuns.Recipe with { Model = TinyRuns.Recipe.Model with { NumClasses = 12 } };
        var error = Assert.Throws<RecipeException>(() => new ProgressiveTrainer(recipe).Run());
        Assert.Contains("model.num_classes = 12: expected the 10 classes of the data; set it to that, or leave it out", error.Message, StringComparison.Ordinal);
    }
}
