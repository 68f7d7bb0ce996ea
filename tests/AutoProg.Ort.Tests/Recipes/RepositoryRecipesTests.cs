using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Tests.Documentation;
using AutoProg.Ort.Tests.Training;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Recipes;

/// <summary>Every recipe that the repository holds makes a model, and a schedule in its growth space.</summary>
public sealed class RepositoryRecipesTests
{
    private const int ClassesOfImageNet = 1000;

    public static TheoryData<string> All =>
        [.. Directory.EnumerateFiles(Repository.InRoot("graphs"), "*.yaml", SearchOption.AllDirectories).Select(static file => Path.GetRelativePath(Repository.InRoot("."), file)).Order()];

    [Theory]
    [MemberData(nameof(All))]
    public void A_recipe_plans_its_stages(string file)
    {
        var recipe = RecipeReader.Read(Repository.InRoot(file));
        if (recipe.Model.Onnx is not null)
        {
            // The repository holds recipes for model files and no model files: a small one stands in.
            recipe = recipe with { Model = recipe.Model with { Onnx = TinyRecipes.ModelFile("resnet") } };
        }

        var task = LearningTasks.Of(recipe, recipe.Model.NumClasses ?? (recipe.Data.DataDir == "data/imagenet" ? ClassesOfImageNet : 10));
        var schedule = GrowthSchedule.Plan(recipe, LearningTasks.SpaceOf(recipe, task));
        Assert.Equal(recipe.Training.Epochs + recipe.Schedule.CooldownEpochs, schedule.TotalEpochs);
        var networks = GraphNeeds.Networks(recipe, task);
        Assert.Contains(task.Complete, networks);
    }

    [Theory]
    [InlineData("volo-d1-100", "9, 12, 15, 18", "0, 0.033, 0.067, 0.1", "0, 0.083, 0.167, 0.25")]
    [InlineData("volo-d2-300", "12, 16, 20, 24", "0.1, 0.133, 0.167, 0.2", "0.063, 0.125, 0.188, 0.25")]
    [InlineData("deit-small-100", "6, 8, 10, 12", "0.1, 0.1, 0.1, 0.1", "0.25, 0.25, 0.25, 0.25")]
    public void The_papers_recipes_grow_as_the_paper_says(string name, string depths, string dropPath, string erasing)
    {
        var recipe = RecipeReader.Read(Repository.InRoot($"graphs/paper/{name}.yaml"));
        var space = LearningTasks.SpaceOf(recipe, LearningTasks.Of(recipe, ClassesOfImageNet));
        Assert.Equal([128, 160, 192, 224], space.Resolutions);
        Assert.Equal(depths, string.Join(", ", space.Depths));
        var stages = StageRegularization.Grow(recipe, 4);
        Assert.Equal(dropPath, string.Join(", ", stages.Select(static s => Math.Round(s.DropPath, 3, MidpointRounding.AwayFromZero))));
        Assert.Equal(erasing, string.Join(", ", stages.Select(static s => Math.Round(s.Reprob, 3, MidpointRounding.AwayFromZero))));
        Assert.Equal(name.StartsWith("volo", StringComparison.Ordinal) ? ["4", "6", "7", "9"] : ["9", "9", "9", "9"], stages.Select(static s => s.Aa!.Split('-')[1][1..]));
    }
}
