using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Training;

/// <summary>A sub-network and the blocks of the current network that it runs.</summary>
/// <param name="Size">Resolution, depth and unfreeze level.</param>
/// <param name="Blocks">Per group, the blocks that run.</param>
internal sealed record ActiveNetwork(SubNetwork Size, IReadOnlyList<IReadOnlyList<int>> Blocks);

/// <summary>What a step needs besides network and images.</summary>
/// <param name="LearningRate">Of this update.</param>
/// <param name="DropPath">Drop-path rate of the last block.</param>
/// <param name="ClipGrad">Largest gradient norm; null does not clip.</param>
/// <param name="Epoch">Keys what is drawn at random, together with the batch's index.</param>
/// <param name="Stage">Stage, from 0.</param>
internal sealed record StepSettings(double LearningRate, double DropPath, double? ClipGrad, int Epoch, int Stage);

/// <summary>What a step found.</summary>
/// <param name="Loss">Mean over the batch, before the update.</param>
/// <param name="GradientNorm">L2 norm before clipping.</param>
internal readonly record struct StepResult(double Loss, double GradientNorm)
{
    /// <summary>Whether the step could be taken: loss, gradients and the batch's statistics were finite.</summary>
    public bool IsFinite => double.IsFinite(Loss) && double.IsFinite(GradientNorm);
}

/// <summary>One update of a sub-network: forward and backward in micro-batches, clipping, update, averaging.</summary>
/// <param name="network">The network whose parts are trained.</param>
/// <param name="sessions">Loaded graphs.</param>
/// <param name="update">Update rule.</param>
/// <param name="memory">How large a micro-batch may be.</param>
/// <param name="seed">The run's seed.</param>
internal sealed class SubNetworkStep(GrowingNetwork network, SubNetworkSessions sessions, IParameterUpdate update, MemoryPlan memory, long seed)
{
    private readonly Dictionary<ActiveNetwork, ArenaSelection> selections = [];
    private StepSession? bound;
    private (ActiveNetwork Active, ArenaBuffer Weights)? boundTo;

    /// <summary>Computes loss, gradients and statistics of a batch; the arena's gradients hold their sums over micro-batches.</summary>
    /// <param name="active">What runs.</param>
    /// <param name="batch">Images.</param>
    /// <param name="settings">Stochastic depth, and what keys it.</param>
    /// <param name="weights">The online network or a momentum network.</param>
    /// <returns>The mean loss, and by what to divide the gradients.</returns>
    public (double Loss, int MicroBatches) Differentiate(ActiveNetwork active, Batch batch, StepSettings settings, ArenaBuffer weights = default)
    {
        ArgumentNullException.ThrowIfNull(active);
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(settings);
        var dropPath = settings.DropPath > 0;
        var size = memory.MicroBatch(active.Size, batch.Size, dropPath);
        var session = Bind(active, size, dropPath, weights);
        var selection = Selection(active);
        var inputs = Inputs(active, batch, settings);
        var count = batch.Size / size;
        var loss = 0.0;
        for (var i = 0; i < count; i++)
        {
            foreach (var input in inputs)
            {
                input.Feed(session, batch.Size, i * size, size);
            }

            session.Run();
            loss += session.Loss;
            update.Accumulate(selection, i, count);
        }

        return (loss / count, count);
    }

    /// <summary>Differentiates and updates.</summary>
    /// <returns>Loss and norm; where one of them is not finite, nothing was updated.</returns>
    public StepResult Run(ActiveNetwork active, Batch batch, StepSettings settings)
    {
        var (loss, count) = Differentiate(active, batch, settings);
        var selection = Selection(active);
        var result = new StepResult(loss, update.Norm(selection) / count);
        if (result.IsFinite)
        {
            var clip = settings.ClipGrad is { } limit ? GradientNorm.ClipFactor(result.GradientNorm, limit) : 1;
            update.Follow(selection, count);
            update.Step(selection, settings.LearningRate, clip / count);
        }

        return result;
    }

    /// <summary>Differentiates and lets running statistics follow the batch; nothing learns.</summary>
    /// <param name="active">What runs.</param>
    /// <param name="batch">Images.</param>
    /// <param name="settings">Stochastic depth, and what keys it.</param>
    /// <param name="weights">The online network or a momentum network, whose statistics follow.</param>
    /// <param name="share">Share of this batch, above 0, up to 1.</param>
    /// <returns>Loss and norm; where one of them is not finite, nothing has followed.</returns>
    public StepResult Observe(ActiveNetwork active, Batch batch, StepSettings settings, ArenaBuffer weights, double share)
    {
        var (loss, count) = Differentiate(active, batch, settings, weights);
        var selection = Selection(active);
        var result = new StepResult(loss, update.Norm(selection) / count);
        if (result.IsFinite)
        {
            update.Follow(selection, count, share, weights);
        }

        return result;
    }

    /// <summary>What a training graph of the network is fed for a batch.</summary>
    public IReadOnlyList<FedTensor> Inputs(ActiveNetwork active, Batch batch, StepSettings settings)
    {
        ArgumentNullException.ThrowIfNull(active);
        ArgumentNullException.ThrowIfNull(settings);
        var inputs = Task.Objective.TrainingInputs(batch, new StepKey(seed, settings.Epoch, settings.Stage));
        return settings.DropPath > 0 && Task.Model.HasDropPath
            ? [.. inputs, FedTensor.Of<float>(ModelGraph.DropPathInput, DropPathFactors(active.Size.Depth, batch, settings), outer: 2 * active.Size.Depth)]
            : inputs;
    }

    /// <summary>Forgets what is bound, because sessions were released or blocks have moved.</summary>
    public void Unbind()
    {
        (bound, boundTo) = (null, null);
        selections.Clear();
    }

    private StepSession Bind(ActiveNetwork active, int microBatch, bool dropPath, ArenaBuffer weights)
    {
        var session = sessions.Training(active.Size, microBatch, dropPath);
        if (session != bound || (active, weights) != boundTo)
        {
            session.Bind(network.Arena, Selection(active), network.ParameterNames(active.Blocks), weights);
            (bound, boundTo) = (session, (active, weights));
        }

        return session;
    }

    private LearningTask Task => sessions.Graphs.Task;

    /// <summary>What learns in the active blocks is updated, their running statistics follow, frozen or not; the momentum networks of everything in use go on.</summary>
    public ArenaSelection Selection(ActiveNetwork active)
    {
        ArgumentNullException.ThrowIfNull(active);
        if (!selections.TryGetValue(active, out var selection))
        {
            var running = GrowingNetwork.Addresses(active.Blocks).ToHashSet();
            var inUse = GrowingNetwork.Addresses(network.Blocks).ToHashSet();
            selection = network.Arena.Layout.Select(
                p => (p.Block is not { } block || running.Contains(block)) && (p.IsBuffer || Task.IsLearnable(p, active.Size)),
                p => p.Block is not { } block || inUse.Contains(block));
            selections.Add(active, selection);
        }

        return selection;
    }

    /// <summary>Keep mask over keep probability for each residual branch and image [depth, 2, B] (Huang et al., ECCV 2016, scaled as in timm).</summary>
    private float[] DropPathFactors(int depth, Batch batch, StepSettings settings)
    {
        var random = new CounterRandom(seed, RandomPurpose.DropPath, settings.Epoch, batch.Index);
        var rates = DropPathRates.Linear(settings.DropPath, depth);
        var factors = new float[depth * 2 * batch.Size];
        for (var i = 0; i < factors.Length; i++)
        {
            var keep = 1 - rates[i / (2 * batch.Size)];
            factors[i] = random.NextBool(keep) ? (float)(1 / keep) : 0;
        }

        return factors;
    }
}
