using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Training;

/// <summary>
/// The proxies of a zero-shot search, measured on the weights that the candidates inherit (sec. 4.2). Candidates that differ in what learns share one forward
/// function, and both proxies are sums over layers: one pass with everything learnable serves all of them.
/// </summary>
internal sealed class ProxySearch
{
    // Batches of epochs that no run reaches: they are shuffled like training batches, and never the same.
    private const int FirstEpoch = 1 << 30;

    private readonly Recipe recipe;
    private readonly RunComponents parts;
    private readonly IBatchSource images;
    private readonly Dictionary<string, Parameter> parameters;

    /// <param name="recipe">Number and size of batches.</param>
    /// <param name="parts">The network with the inherited weights.</param>
    /// <param name="images">Training images.</param>
    public ProxySearch(Recipe recipe, RunComponents parts, IBatchSource images)
    {
        (this.recipe, this.parts, this.images) = (recipe, parts, images);
        parameters = parts.Task.Model.Parameters.ToDictionary(static p => p.Name, StringComparer.Ordinal);
    }

    /// <summary>Condition number and ZiCo of every candidate, in their order.</summary>
    /// <param name="candidates">What is compared.</param>
    /// <param name="plan">The stage that begins.</param>
    /// <param name="augmentation">Its augmentation.</param>
    /// <param name="cancellationToken">Looked at between passes.</param>
    public IReadOnlyList<(double Kappa, double ZiCo)> Measure(
        IReadOnlyList<ActiveNetwork> candidates, StagePlan plan, AugmentationRecipe augmentation, CancellationToken cancellationToken)
    {
        var found = new Dictionary<SubNetwork, (double, double)>();
        foreach (var alike in candidates.GroupBy(static c => c.Size with { Level = null }))
        {
            var network = new ActiveNetwork(alike.Key, alike.First().Blocks);
            var kernels = Kernels(network, plan, augmentation, cancellationToken);
            var terms = Terms(network, plan, augmentation, cancellationToken);
            foreach (var candidate in alike)
            {
                bool Learns(string name) => parts.Task.IsLearnable(parameters[name], candidate.Size);
                found.Add(candidate.Size, (NeuralTangentKernel.MeanConditionNumber(kernels, Learns), ZiCo.Score(terms, Learns)));
            }
        }

        return [.. candidates.Select(c => found[c.Size])];
    }

    private List<NeuralTangentKernel> Kernels(ActiveNetwork network, StagePlan plan, AugmentationRecipe augmentation, CancellationToken cancellationToken)
    {
        var kernels = new List<NeuralTangentKernel>();
        var names = parts.Network.ParameterNames(network.Blocks);
        using var measurement = parts.Sessions.OpenTangentKernel(network.Size, recipe.Growth.ProxyBatchSize);
        measurement.Bind(name => parts.Arena.View(ArenaBuffer.Weights, names(name)));
        var key = new StepKey(recipe.Seed, FirstEpoch + plan.Stage, plan.Stage);
        ForEachBatch(network, plan, augmentation, first: 0, batch => kernels.Add(measurement.Measure(parts.Task.Objective.TangentInputs(batch, key))), cancellationToken);
        return kernels;
    }

    private IReadOnlyDictionary<string, double> Terms(ActiveNetwork network, StagePlan plan, AugmentationRecipe augmentation, CancellationToken cancellationToken)
    {
        var running = GrowingNetwork.Addresses(network.Blocks).ToHashSet();
        var zico = new ZiCo(parameters.Values
            .Where(p => ProxyWeights.CountsForZiCo(p) && (p.Block is not { } block || running.Contains(block)))
            .Select(static p => p.Name));
        var settings = new StepSettings(0, plan.Regularization.DropPath, null, FirstEpoch + plan.Stage, plan.Stage);
        ForEachBatch(network, plan, augmentation, first: recipe.Growth.ProxyBatches, batch =>
        {
            parts.Step.Differentiate(network, batch, settings);
            zico.AddBatch(parts.Arena);
        }, cancellationToken);
        return zico.Terms();
    }

    private void ForEachBatch(ActiveNetwork network, StagePlan plan, AugmentationRecipe augmentation, int first, Action<Batch> use, CancellationToken cancellationToken)
    {
        using var batches = images.TrainingBatches(new TrainingEpoch
        {
            Seed = recipe.Seed,
            Epoch = FirstEpoch + plan.Stage,
            BatchSize = recipe.Growth.ProxyBatchSize,
            ResolutionOf = _ => network.Size.Resolution,
            Augmentation = augmentation,
            FirstBatch = first,
        });
        for (var i = 0; i < recipe.Growth.ProxyBatches; i++)
        {
            if (!batches.TryNext(out var batch, cancellationToken))
            {
                throw new DataException(
                    $"'{images.Dataset.Name}' has {images.Dataset.Count} images, too few for {2 * recipe.Growth.ProxyBatches} batches of {recipe.Growth.ProxyBatchSize}; lower growth.proxy_batch_size.");
            }

            use(batch);
        }
    }
}
