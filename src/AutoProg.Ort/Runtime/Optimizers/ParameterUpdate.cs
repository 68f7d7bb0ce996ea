using System.Globalization;

namespace AutoProg.Ort.Runtime.Optimizers;

/// <summary>What all ways of updating share: what is refused, which ranges a step goes through, and counting.</summary>
internal abstract class ParameterUpdate : IParameterUpdate
{
    private protected ParameterUpdate(ParameterArena arena, UpdateRule rule)
    {
        ArgumentNullException.ThrowIfNull(arena);
        ArgumentNullException.ThrowIfNull(rule);
        if (!arena.Buffers.Contains(ArenaBuffer.Gradients) || arena.MomentCount < rule.MomentCount)
        {
            throw new ArgumentException(
                $"{rule.GetType().Name} needs gradients and {rule.MomentCount} moments, but the arena keeps only {string.Join(", ", arena.Buffers)}; ask for them in {nameof(ArenaOptions)}.",
                nameof(arena));
        }

        (Arena, Rule) = (arena, rule);
    }

    private protected enum MicroBatchPlace
    {
        First,
        Between,
        Last,
    }

    private protected ParameterArena Arena { get; }

    private protected UpdateRule Rule { get; }

    /// <inheritdoc />
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="microBatch"/> is not one of <paramref name="microBatches"/>.</exception>
    public void Accumulate(ArenaSelection selection, int microBatch, int microBatches)
    {
        CheckLayout(selection);
        ArgumentOutOfRangeException.ThrowIfNegative(microBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(microBatch, microBatches);
        if (microBatches > 1)
            Collect(selection.Computed, microBatch == 0 ? MicroBatchPlace.First : microBatch < microBatches - 1 ? MicroBatchPlace.Between : MicroBatchPlace.Last);
    }

    /// <inheritdoc />
    public double Norm(ArenaSelection selection)
    {
        CheckLayout(selection);
        return selection.Followed.Count == 0 || double.IsFinite(SumOfSquares(selection.Followed)) ? Math.Sqrt(SumOfSquares(selection.Updated)) : double.NaN;
    }

    /// <inheritdoc />
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="microBatches"/> is not positive, <paramref name="share"/> is outside (0, 1], or <paramref name="network"/> is no network.</exception>
    public void Follow(ArenaSelection selection, int microBatches, double? share = null, ArenaBuffer network = default)
    {
        CheckLayout(selection);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(microBatches);
        if (share is { } given && !(given > 0 && given <= 1))
            throw new ArgumentOutOfRangeException(nameof(share), share, $"Share {given} of the newest batch is outside (0, 1].");
        if (network.Role is not (ArenaRole.Weights or ArenaRole.Ema))
            throw new ArgumentOutOfRangeException(nameof(network), network, $"Buffer '{network}' holds no network; name the weights or a momentum network.");

        foreach (var range in selection.Followed)
        {
            var newest = share ?? range.Momentum!.Value;
            Follow(Arena[network], range, 1 - newest, newest / microBatches);
        }
    }

    /// <inheritdoc />
    /// <exception cref="ArgumentOutOfRangeException">The rate is negative, or the rate or the scale is not finite.</exception>
    public void Step(ArenaSelection selection, double learningRate, double gradientScale = 1)
    {
        CheckLayout(selection);
        if (!(learningRate >= 0 && double.IsFinite(learningRate)))
            throw new ArgumentOutOfRangeException(nameof(learningRate), learningRate, string.Create(CultureInfo.InvariantCulture, $"Learning rate {learningRate} is not a finite number of at least 0."));
        if (!double.IsFinite(gradientScale))
            throw new ArgumentOutOfRangeException(nameof(gradientScale), gradientScale, string.Create(CultureInfo.InvariantCulture, $"Gradient scale {gradientScale} is not finite: look at the gradient's norm before the step."));

        Arena.Steps.Advance(selection);
        var averaged = Arena.EmaDecays.Count > 0 ? selection.Averaged : [];
        Update([.. ByStep(selection), .. averaged.Select(range => new RangeStep(range, null))], learningRate, gradientScale);
    }

    /// <inheritdoc />
    public abstract void Dispose();

    /// <summary>The first gradients are kept as the sum, those between are added to it, and it is added to the last.</summary>
    private protected abstract void Collect(IReadOnlyList<ArenaRange> ranges, MicroBatchPlace place);

    /// <summary>running = kept running + gained sum, computed in double precision and rounded once, as PyTorch does it.</summary>
    private protected abstract void Follow(FlatBuffer running, ArenaRange range, double kept, double gained);

    private protected abstract double SumOfSquares(IReadOnlyList<ArenaRange> ranges);

    private protected abstract void Update(IReadOnlyList<RangeStep> steps, double learningRate, double gradientScale);

    /// <summary>The updated ranges, cut where the number of updates changes.</summary>
    private IEnumerable<RangeStep> ByStep(ArenaSelection selection)
    {
        RangeStep? open = null;
        foreach (var slot in selection.UpdatedSlots)
        {
            var (step, decayed) = (Arena.Steps[slot], slot.Parameter.WeightDecay);
            if (open is { } range && range.Range.End == slot.Offset && range.Range.WeightDecay == decayed && range.Step == step)
            {
                open = range with { Range = range.Range with { Length = range.Range.Length + slot.PaddedLength } };
                continue;
            }

            if (open is { } done)
                yield return done;

            open = new RangeStep(new ArenaRange(slot.Offset, slot.PaddedLength, decayed), step);
        }

        if (open is { } last)
            yield return last;
    }

    private void CheckLayout(ArenaSelection selection)
    {
        ArgumentNullException.ThrowIfNull(selection);
        if (!ReferenceEquals(selection.Layout, Arena.Layout))
            throw new ArgumentException($"The selection was made for another arena; make it with this arena's {nameof(ParameterArena.Layout)}.", nameof(selection));
    }

    /// <summary>A range and the number of its update from 1; null if only its averages go on.</summary>
    private protected readonly record struct RangeStep(ArenaRange Range, long? Step);
}
