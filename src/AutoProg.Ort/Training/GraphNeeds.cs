using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Training;

/// <summary>A graph that a run may need.</summary>
/// <param name="Network">Resolution, depth and unfreeze level.</param>
/// <param name="Batch">Images per run.</param>
/// <param name="Purpose">What it is for.</param>
internal sealed record GraphNeed(SubNetwork Network, int Batch, GraphPurpose Purpose);

/// <summary>What a recipe's policy may come to use: with a search, everything that some sequence of winners can reach.</summary>
internal static class GraphNeeds
{
    /// <summary>Every graph of every stage, each once, by sub-network.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="task">What it trains.</param>
    /// <param name="trainCount">Training images.</param>
    /// <param name="valCount">Evaluation images.</param>
    /// <exception cref="RecipeException">The growth space does not fit the model.</exception>
    public static IReadOnlyList<GraphNeed> Of(Recipe recipe, LearningTask task, int trainCount, int valCount)
    {
        var memory = Memory(recipe, task);
        var needs = new HashSet<GraphNeed>();
        foreach (var (plan, network) in Reachable(recipe, task))
        {
            var dropPath = plan.Regularization.DropPath > 0;
            needs.Add(new(network, memory.MicroBatch(network, recipe.Training.BatchSize, dropPath), dropPath && task.Model.HasDropPath ? GraphPurpose.TrainingWithDropPath : GraphPurpose.Training));
            needs.Add(new(network, Math.Min(recipe.Training.EvalBatchSize, valCount), GraphPurpose.Evaluation));
            if (plan.ZeroShot)
            {
                var whole = network with { Level = null };
                var (purpose, batch) = new SubNetworkGraphs(task).KernelGraph(recipe.Growth.ProxyBatchSize);
                needs.Add(new(whole, batch, purpose));
                needs.Add(new(whole, memory.MicroBatch(whole, recipe.Growth.ProxyBatchSize, dropPath), dropPath && task.Model.HasDropPath ? GraphPurpose.TrainingWithDropPath : GraphPurpose.Training));
            }

            if (plan.SearchEpochs > 0)
            {
                needs.Add(new(network, Math.Min(recipe.Training.EvalBatchSize, Math.Min(recipe.Growth.SearchSamples, trainCount)), GraphPurpose.Evaluation));
            }
        }

        return [.. needs.OrderBy(n => n.Network.Resolution).ThenBy(n => n.Network.Depth).ThenBy(n => n.Network.Level).ThenBy(n => n.Purpose).ThenBy(n => n.Batch)];
    }

    /// <summary>Every sub-network that some stage may train, each once, by resolution, then depth, then level.</summary>
    public static IReadOnlyList<SubNetwork> Networks(Recipe recipe, LearningTask task) =>
        [.. Reachable(recipe, task).Select(static pair => pair.Network).Distinct().OrderBy(n => n.Resolution).ThenBy(n => n.Depth).ThenBy(n => n.Level)];

    private static IEnumerable<(StagePlan Plan, SubNetwork Network)> Reachable(Recipe recipe, LearningTask task)
    {
        var (space, schedule) = Plan(recipe, task);
        var current = new List<SubNetwork?> { null };
        foreach (var plan in schedule.Stages.Where(static plan => plan.Epochs > 0))
        {
            current = plan.SubNetwork is { } decided
                ? [decided]
                : [.. current.SelectMany(from => space.Candidates(from, recipe.Growth)).Distinct().Select(static c => (SubNetwork?)c)];
            foreach (var network in current)
            {
                yield return (plan, network!.Value);
            }
        }
    }

    private static (GrowthSpace Space, GrowthSchedule Schedule) Plan(Recipe recipe, LearningTask task)
    {
        try
        {
            var space = GrowthSpace.From(recipe.Growth, task.Complete, task.Model.ResolutionStep);
            return (space, GrowthSchedule.Plan(recipe, space));
        }
        catch (ArgumentException error)
        {
            throw recipe.Refuse("growth", null, error.Message);
        }
    }

    private static MemoryPlan Memory(Recipe recipe, LearningTask task)
    {
        var buffers = 2 + UpdateRule.Of(recipe.Optimizer).MomentCount + recipe.Ema.Decays.Count;
        var arenaBytes = buffers * new ArenaLayout(task.Model.Parameters).Length * sizeof(float);
        return new MemoryPlan(new SubNetworkGraphs(task), arenaBytes, (long)recipe.Runtime.MemoryLimitMb << 20, recipe.Training.MicroBatchSize);
    }
}
