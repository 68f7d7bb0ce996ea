using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Training;

/// <summary>A sub-network and the blocks of the current network that it runs.</summary>
/// <param name="Size">Resolution and depth.</param>
/// <param name="Blocks">Per group, the blocks that run.</param>
public sealed record ActiveNetwork(SubNetwork Size, IReadOnlyList<IReadOnlyList<int>> Blocks);

/// <summary>What a step needs besides network and images.</summary>
/// <param name="LearningRate">Of this update.</param>
/// <param name="DropPath">Drop-path rate of the last block.</param>
/// <param name="ClipGrad">Largest gradient norm; null does not clip.</param>
/// <param name="Epoch">Keys the drop-path masks, together with the batch's index.</param>
public sealed record StepSettings(double LearningRate, double DropPath, double? ClipGrad, int Epoch);

/// <summary>What a step found.</summary>
/// <param name="Loss">Mean over the batch, before the update.</param>
/// <param name="GradientNorm">L2 norm before clipping.</param>
public readonly record struct StepResult(double Loss, double GradientNorm);

/// <summary>One update of a sub-network: forward and backward in micro-batches, clipping, update, averaging.</summary>
/// <param name="network">The network whose parts are trained.</param>
/// <param name="sessions">Loaded graphs.</param>
/// <param name="update">Update rule.</param>
/// <param name="memory">How large a micro-batch may be.</param>
/// <param name="seed">The run's seed.</param>
public sealed class SubNetworkStep(GrowingNetwork network, SubNetworkSessions sessions, IParameterUpdate update, MemoryPlan memory, long seed)
{
    private readonly Dictionary<ActiveNetwork, ArenaSelection> selections = [];
    private StepSession? bound;
    private ActiveNetwork? boundTo;

    /// <summary>Computes loss and gradients of a batch; the arena's gradients hold their sum over micro-batches.</summary>
    /// <returns>The mean loss, and by what to divide the gradients.</returns>
    public (double Loss, int MicroBatches) Differentiate(ActiveNetwork active, Batch batch, StepSettings settings)
    {
        ArgumentNullException.ThrowIfNull(active);
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(settings);
        var size = memory.MicroBatch(active.Size, batch.Size, settings.DropPath > 0);
        var session = Bind(active, size, settings.DropPath > 0);
        var selection = Selection(active);
        var dropPath = settings.DropPath > 0 ? DropPathFactors(active.Size.Depth, batch, settings) : [];
        var count = batch.Size / size;
        var loss = 0.0;
        for (var i = 0; i < count; i++)
        {
            Feed(session, batch, dropPath, i * size, size);
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
        var norm = update.Norm(selection) / count;
        if (double.IsFinite(loss) && double.IsFinite(norm))
        {
            var clip = settings.ClipGrad is { } limit ? GradientNorm.ClipFactor(norm, limit) : 1;
            update.Step(selection, settings.LearningRate, clip / count);
        }

        return new StepResult(loss, norm);
    }

    /// <summary>Forgets what is bound, because sessions were released or blocks have moved.</summary>
    public void Unbind()
    {
        (bound, boundTo) = (null, null);
        selections.Clear();
    }

    private StepSession Bind(ActiveNetwork active, int microBatch, bool dropPath)
    {
        var session = sessions.Training(active.Size, microBatch, dropPath);
        if (session != bound || active != boundTo)
        {
            session.Bind(network.Arena, Selection(active), network.ParameterNames(active.Blocks));
            (bound, boundTo) = (session, active);
        }

        return session;
    }

    /// <summary>The active blocks are updated; the momentum networks of all blocks in use go on.</summary>
    private ArenaSelection Selection(ActiveNetwork active)
    {
        if (!selections.TryGetValue(active, out var selection))
        {
            selection = network.Arena.Layout.Select(GrowingNetwork.Addresses(active.Blocks), GrowingNetwork.Addresses(network.Blocks));
            selections.Add(active, selection);
        }

        return selection;
    }

    private static void Feed(StepSession session, Batch batch, float[] dropPath, int first, int count)
    {
        var imageLength = batch.Images.Length / batch.Size;
        batch.Images.Span.Slice(first * imageLength, count * imageLength).CopyTo(session.Tensor(ModelGraph.ImageInput));
        batch.Targets.Span.Slice(first * batch.Classes, count * batch.Classes).CopyTo(session.Tensor(SubNetworkGraphs.TargetInput));
        if (dropPath.Length == 0)
        {
            return;
        }

        // [depth, 2, batch] to [depth, 2, micro-batch].
        var factors = session.Tensor(ModelGraph.DropPathInput);
        for (var branch = 0; branch < dropPath.Length / batch.Size; branch++)
        {
            dropPath.AsSpan((branch * batch.Size) + first, count).CopyTo(factors[(branch * count)..]);
        }
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
