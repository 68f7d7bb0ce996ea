using AutoProg.Ort.Recipes;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

public sealed class GraphPreparationTests : InTemporaryFolder
{
    private Recipe Recipe(GrowthPolicyKind policy) => TinyRuns.Recipe with
    {
        Growth = TinyRuns.Recipe.Growth with { Policy = policy, NumStages = 3, SearchEpochs = 1, SearchSamples = 16, SearchEvaluations = 1, SearchTime = SearchTimeKind.Flops },
        Training = TinyRuns.Recipe.Training with { Epochs = 6 },
        Runtime = TinyRuns.Recipe.Runtime with { GraphsDir = At("graphs") },
    };

    [Theory]
    [InlineData(GrowthPolicyKind.Original)]
    [InlineData(GrowthPolicyKind.Prog)]
    [InlineData(GrowthPolicyKind.AutoprogOne)]
    public void A_run_needs_no_graph_that_was_not_prepared(GrowthPolicyKind policy)
    {
        var recipe = Recipe(policy);
        var built = GraphPreparation.Build(recipe);
        var files = Directory.GetFiles(At("graphs")).Order().ToList();
        Assert.Equal(2 * built.Count, files.Count);
        Assert.All(built, graph => Assert.Contains(At("graphs", graph.File), files));
        TinyRuns.Train(Folder, recipe);
        Assert.Equal(files, Directory.GetFiles(At("graphs")).Order());
    }

    [Fact]
    public void The_list_tells_what_is_missing_or_damaged()
    {
        var recipe = Recipe(GrowthPolicyKind.Prog);
        Assert.All(GraphPreparation.List(recipe), static graph => Assert.Null(graph.Bytes));
        var built = GraphPreparation.Build(recipe);
        Assert.Equal(built, GraphPreparation.List(recipe));
        File.AppendAllText(At("graphs", built[1].File), "x");
        Assert.Equal([built[1].File], GraphPreparation.List(recipe).Where(static graph => graph.Bytes is null).Select(static graph => graph.File));
    }

    [Fact]
    public void A_recipe_without_a_folder_is_refused_with_the_cure()
    {
        var error = Assert.Throws<RecipeException>(() => GraphPreparation.Build(TinyRuns.Recipe));
        Assert.Contains("runtime.graphs_dir", error.Message, StringComparison.Ordinal);
        Assert.Contains("--set runtime.graphs_dir=", error.Message, StringComparison.Ordinal);
    }
}
