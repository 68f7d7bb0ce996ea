using AutoProg.Ort.Recipes;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

public sealed class LearningTasksTests
{
    [Theory]
    [InlineData(9, "volo_micro has groups of [2, 7] blocks at depth 9 and of [4, 6] at depth 10, so blocks would get lost; list depths at which no group shrinks")]
    [InlineData(1, "expected at least 2 blocks in the first stage of a volo_micro; or raise growth.l_scale")]
    public void Depths_that_two_groups_of_blocks_cannot_grow_through_are_the_recipes_fault(int first, string problem)
    {
        var recipe = TinyRecipes.Volo(GrowthPolicyKind.Prog);
        recipe = recipe with { Model = recipe.Model with { Depth = 10 }, Growth = recipe.Growth with { NumStages = 2, Depths = [first, 10] } };
        var task = LearningTasks.Of(recipe, 10);

        var error = Assert.Throws<RecipeException>(() => LearningTasks.SpaceOf(recipe, task));

        Assert.EndsWith($"growth.depths = {first}, 10: {problem}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_file_is_not_unfrozen_by_blocks()
    {
        var recipe = TinyRecipes.Foreign("vit", GrowthPolicyKind.Prog);
        recipe = recipe with { Growth = recipe.Growth with { Unfreeze = UnfreezeKind.Blocks } };

        Assert.EndsWith("growth.unfreeze: a model file has no blocks; expected none, names or depth", Assert.Throws<RecipeException>(() => LearningTasks.Of(recipe, 10)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nix.*", "", "model.trainable: Pattern 'nix.*' names no Float tensor stored in ")]
    [InlineData("*", "nix.*", "model.freeze: Pattern 'nix.*' names no Float tensor stored in ")]
    [InlineData("heads.*", "head?.*", "model.freeze: Nothing of ")]
    public void Patterns_that_do_not_fit_the_model_file_are_refused_under_their_own_key(string trainable, string freeze, string problem)
    {
        var recipe = TinyRecipes.Foreign("vit", GrowthPolicyKind.Original);
        recipe = recipe with { Model = recipe.Model with { Trainable = [trainable], Freeze = freeze.Length > 0 ? [freeze] : [] } };

        Assert.Contains(problem, Assert.Throws<RecipeException>(() => LearningTasks.Of(recipe, 10)).Message, StringComparison.Ordinal);
    }
}
