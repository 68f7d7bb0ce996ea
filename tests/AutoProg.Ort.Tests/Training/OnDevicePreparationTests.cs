using AutoProg.Ort.Files.OnDevice;
using AutoProg.Ort.OnDevice;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

public sealed class OnDevicePreparationTests : InTemporaryFolder
{
    [Fact]
    public void Every_frozen_configuration_of_a_recipe_gets_a_folder_with_the_weights_of_a_run_s_beginning()
    {
        var recipe = TinyRecipes.Diffusion(GrowthPolicyKind.AutoprogZero);
        recipe = recipe with { Runtime = recipe.Runtime with { GraphsDir = Folder } };

        var folders = OnDevicePreparation.Build(recipe);

        Assert.Equal([1, 2, 3, 4], folders.Select(static f => f.Network.Level!.Value).Distinct().Order());
        Assert.Equal(folders.Count, folders.Select(static f => f.Folder).Distinct().Count());
        using var arena = new ParameterArena(LearningTasks.Of(recipe, 10).Model.Parameters, ArenaOptions.WeightsOnly);
        ParameterInitialization.Fill(arena, recipe.Seed);
        foreach (var folder in folders)
        {
            using var checkpoint = OnDeviceCheckpointReader.Open(Path.Combine(folder.Folder, TrainingArtifacts.CheckpointFile));
            Assert.Equal(folder.Learnable, checkpoint.Learnable.Count);
            var embedding = new float[arena.Layout["x_embedder.proj.weight"].Length];
            checkpoint.Read("x_embedder.proj.weight", embedding);
            Assert.Equal(arena.Read(ArenaBuffer.Weights, "x_embedder.proj.weight").ToArray(), embedding);
        }
    }

    [Fact]
    public void An_optimizer_that_the_runtime_lacks_is_refused_where_the_recipe_names_it()
    {
        var recipe = TinyRuns.Recipe with { Optimizer = new OptimizerRecipe { Name = OptimizerKind.Sgd }, Runtime = new RuntimeRecipe { GraphsDir = Folder } };
        Assert.Contains("optimizer", Assert.Throws<RecipeException>(() => OnDevicePreparation.Build(recipe)).Message, StringComparison.Ordinal);
        Assert.Contains("runtime.graphs_dir", Assert.Throws<RecipeException>(() => OnDevicePreparation.Build(TinyRuns.Recipe)).Message, StringComparison.Ordinal);
    }
}
