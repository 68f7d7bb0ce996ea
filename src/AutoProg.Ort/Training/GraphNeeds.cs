using AutoProg.Models;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Training;

/// <summary>A graph that a run may need.</summary>
/// <param name="Network">Resolution and depth.</param>
/// <param name="Batch">Images per run.</param>
/// <param name="Purpose">What it is for.</param>
internal sealed record GraphNeed(SubNetwork Network, int Batch, GraphPurpose Purpose);

/// <summary>What a recipe's policy may come to use: with a search, everything that some sequence of winners can reach.</summary>
internal static class GraphNeeds
{
    /// <summary>Every graph of every stage, each once, by sub-network.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="model">Its model.</param>
    /// <param name="trainCount">Training images.</param>
    /// <param name="valCount">Evaluation images.</param>
    /// <exception cref="RecipeException">The growth space does not fit the model.</exception>
    public static IReadOnlyList<GraphNeed> Of(Recipe recipe, IElasticModel model, int trainCount, int valCount)
    {
        var memory = Memory(recipe, model);
        var needs = new HashSet<GraphNeed>();
        foreach (var (plan, network) in Reachable(recipe, model))
        {
            var dropPath = plan.Regularization.DropPath > 0;
            needs.Add(new(network, memory.MicroBatch(network, recipe.Training.BatchSize, dropPath), dropPath ? GraphPurpose.TrainingWithDropPath : GraphPurpose.Training));
            needs.Add(new(network, Math.Min(recipe.Training.EvalBatchSize, valCount), GraphPurpose.Evaluation));
            if (plan.IsSearched)
            {
                needs.Add(new(network, Math.Min(recipe.Training.EvalBatchSize, Math.Min(recipe.Growth.SearchSamples, trainCount)), GraphPurpose.Evaluation));
            }
        }

        return [.. needs.OrderBy(n => n.Network.Resolution).ThenBy(n => n.Network.Depth).ThenBy(n => n.Purpose).ThenBy(n => n.Batch)];
    }

    /// <summary>Every sub-network that some stage may train, each once, by resolution, then depth.</summary>
    public static IReadOnlyList<SubNetwork> Networks(Recipe recipe, IElasticModel model) =>
        [.. Reachable(recipe, model).Select(static pair => pair.Network).Distinct().OrderBy(n => n.Resolution).ThenBy(n => n.Depth)];

    private static IEnumerable<(StagePlan Plan, SubNetwork Network)> Reachable(Recipe recipe, IElasticModel model)
    {
        var (space, schedule) = Plan(recipe, model);
        var current = new List<SubNetwork?> { null };
        foreach (var plan in schedule.Stages.Where(static plan => plan.Epochs > 0))
        {
            current = plan.SubNetwork is { } decided
                ? [decided]
                : [.. current.SelectMany(from => space.Candidates(from, recipe.Growth.MaxSupernetRatio)).Distinct().Select(static c => (SubNetwork?)c)];
            foreach (var network in current)
            {
                yield return (plan, network!.Value);
            }
        }
    }

    private static (GrowthSpace Space, GrowthSchedule Schedule) Plan(Recipe recipe, IElasticModel model)
    {
        try
        {
            var space = GrowthSpace.From(recipe.Growth, new SubNetwork(model.MaxResolution, model.MaxDepth), model.ResolutionStep);
            return (space, GrowthSchedule.Plan(recipe, space));
        }
        catch (ArgumentException error)
        {
            throw new RecipeException([new RecipeProblem("recipe", "growth", null, error.Message)]);
        }
    }

    private static MemoryPlan Memory(Recipe recipe, IElasticModel model)
    {
        var buffers = 2 + UpdateRule.Of(recipe.Optimizer).MomentCount + recipe.Ema.Decays.Count;
        var arenaBytes = buffers * new ArenaLayout(model.Parameters).Length * sizeof(float);
        return new MemoryPlan(new SubNetworkGraphs(model), arenaBytes, (long)recipe.Runtime.MemoryLimitMb << 20, recipe.Training.MicroBatchSize);
    }
}
