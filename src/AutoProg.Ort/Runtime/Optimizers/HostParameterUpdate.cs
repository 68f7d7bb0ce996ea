using System.Numerics;
using System.Runtime.InteropServices;

namespace AutoProg.Ort.Runtime.Optimizers;

/// <summary>
/// Updates parameters on the processor in one pass over memory: weights, moments and all momentum networks of a tile while it is in the cache.
/// Results do not depend on the number of threads.
/// </summary>
public sealed class HostParameterUpdate : IParameterUpdate
{
#if DEBUG
    // Debug builds cross the edges of tiles all the time and end most of them in a vector tail.
    private const int TileLength = 208;
    private const int CachedLength = 37;
#else
    // Work unit of a thread: large enough that hand-out costs nothing, small enough that threads end together.
    private const int TileLength = 64 * 1024;

    // Elements that stay in the first-level cache between the rule and the averages: 4 KiB per buffer, five buffers with one average.
    private const int CachedLength = 1024;
#endif

    private readonly ParameterArena arena;
    private readonly UpdateRule rule;
    private readonly ParallelOptions threads;

    /// <summary>Drives an arena that keeps gradients and the rule's moments.</summary>
    /// <param name="arena">Stays the property of the caller.</param>
    /// <param name="rule">How gradients become new weights.</param>
    /// <param name="threadCount">Threads to use, at least 1.</param>
    /// <exception cref="ArgumentException">The arena lacks gradients or moments.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threadCount"/> is not positive.</exception>
    public HostParameterUpdate(ParameterArena arena, UpdateRule rule, int threadCount)
    {
        ArgumentNullException.ThrowIfNull(arena);
        ArgumentNullException.ThrowIfNull(rule);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threadCount);
        if (!arena.Buffers.Contains(ArenaBuffer.Gradients) || arena.MomentCount < rule.MomentCount)
        {
            throw new ArgumentException(
                $"{rule.GetType().Name} needs gradients and {rule.MomentCount} moments, but the arena keeps only {string.Join(", ", arena.Buffers)}; ask for them in {nameof(ArenaOptions)}.",
                nameof(arena));
        }

        (this.arena, this.rule) = (arena, rule);
        threads = new ParallelOptions { MaxDegreeOfParallelism = threadCount };
    }

    /// <inheritdoc />
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="microBatch"/> is not one of <paramref name="microBatches"/>.</exception>
    public void Accumulate(ArenaSelection selection, int microBatch, int microBatches)
    {
        CheckLayout(selection);
        ArgumentOutOfRangeException.ThrowIfNegative(microBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(microBatch, microBatches);
        if (microBatches == 1)
            return;

        var (gradients, sum) = (arena.Gradients, arena.GradientSum);
        Run(Cut(selection.Updated), tile =>
        {
            var fresh = gradients.Span(tile.Offset, tile.Length);
            var sums = sum.Span(tile.Offset, tile.Length);
            if (microBatch == 0)
                fresh.CopyTo(sums);
            else if (microBatch < microBatches - 1)
                Add(fresh, sums);
            else
                Add(sums, fresh);
        });
    }

    /// <inheritdoc />
    public double Norm(ArenaSelection selection)
    {
        CheckLayout(selection);
        var gradients = arena.Gradients;
        var tiles = Cut(selection.Updated);
        var sums = new double[tiles.Count];
        Run(tiles, (tile, i) => sums[i] = GradientNorm.SumOfSquares(gradients.Span(tile.Offset, tile.Length)));
        return Math.Sqrt(sums.Sum());
    }

    /// <inheritdoc />
    /// <exception cref="ArgumentOutOfRangeException">The rate is negative, or the rate or the scale is not finite.</exception>
    public void Step(ArenaSelection selection, double learningRate, double gradientScale = 1)
    {
        CheckLayout(selection);
        if (!(learningRate >= 0 && double.IsFinite(learningRate)))
            throw new ArgumentOutOfRangeException(nameof(learningRate), learningRate, $"Learning rate {learningRate} is not a finite number of at least 0.");
        if (!double.IsFinite(gradientScale))
            throw new ArgumentOutOfRangeException(nameof(gradientScale), gradientScale, $"Gradient scale {gradientScale} is not finite: look at the gradient's norm before the step.");

        arena.Steps.Advance(selection);
        var tiles = new List<Tile>();
        foreach (var (range, step) in RangesByStep(selection))
            Cut(range, rule.At(learningRate, gradientScale, range.WeightDecay, step), tiles);
        if (arena.EmaDecays.Count > 0)
        {
            foreach (var range in selection.Averaged)
                Cut(range, kernel: null, tiles);
        }

        var buffers = new StepBuffers(arena, rule);
        Run(tiles, tile => buffers.Update(tile));
    }

    /// <summary>The updated ranges, cut where the number of updates changes.</summary>
    private IEnumerable<(ArenaRange Range, long Step)> RangesByStep(ArenaSelection selection)
    {
        ArenaRange? open = null;
        var openStep = 0L;
        foreach (var slot in selection.UpdatedSlots)
        {
            var (step, decayed) = (arena.Steps[slot], slot.Parameter.WeightDecay);
            if (open is { } range && range.End == slot.Offset && range.WeightDecay == decayed && openStep == step)
            {
                open = range with { Length = range.Length + slot.PaddedLength };
                continue;
            }

            if (open is { } done)
                yield return (done, openStep);

            (open, openStep) = (new ArenaRange(slot.Offset, slot.PaddedLength, decayed), step);
        }

        if (open is { } last)
            yield return (last, openStep);
    }

    private static List<Tile> Cut(IReadOnlyList<ArenaRange> ranges)
    {
        var tiles = new List<Tile>();
        foreach (var range in ranges)
            Cut(range, kernel: null, tiles);

        return tiles;
    }

    private static void Cut(ArenaRange range, IUpdateKernel? kernel, List<Tile> tiles)
    {
        for (var offset = range.Offset; offset < range.End; offset += TileLength)
            tiles.Add(new Tile(offset, (int)Math.Min(TileLength, range.End - offset), kernel));
    }

    private void Run(List<Tile> tiles, Action<Tile> work) => Run(tiles, (tile, _) => work(tile));

    private void Run(List<Tile> tiles, Action<Tile, int> work)
    {
        if (threads.MaxDegreeOfParallelism == 1 || tiles.Count == 1)
        {
            for (var i = 0; i < tiles.Count; i++)
                work(tiles[i], i);
        }
        else
        {
            Parallel.For(0, tiles.Count, threads, i => work(tiles[i], i));
        }
    }

    private static void Add(ReadOnlySpan<float> summand, Span<float> sum)
    {
        var sums = MemoryMarshal.Cast<float, Vector<float>>(sum);
        var summands = MemoryMarshal.Cast<float, Vector<float>>(summand)[..sums.Length];
        for (var i = 0; i < sums.Length; i++)
            sums[i] += summands[i];

        for (var i = sums.Length * Vector<float>.Count; i < sum.Length; i++)
            sum[i] += summand[i];
    }

    private void CheckLayout(ArenaSelection selection)
    {
        ArgumentNullException.ThrowIfNull(selection);
        if (!ReferenceEquals(selection.Layout, arena.Layout))
            throw new ArgumentException($"The selection was made for another arena; make it with this arena's {nameof(ParameterArena.Layout)}.", nameof(selection));
    }

    /// <summary>A piece of a range; without a kernel it is only averaged.</summary>
    private readonly record struct Tile(long Offset, int Length, IUpdateKernel? Kernel);

    /// <summary>The buffers of a step, looked up once.</summary>
    private sealed class StepBuffers(ParameterArena arena, UpdateRule rule)
    {
        private readonly FlatBuffer weights = arena.Weights;
        private readonly FlatBuffer gradients = arena.Gradients;
        private readonly FlatBuffer first = arena[ArenaBuffer.Moment(0)];
        private readonly FlatBuffer? second = rule.MomentCount > 1 ? arena[ArenaBuffer.Moment(1)] : null;
        private readonly (FlatBuffer Buffer, double Decay)[] averages = [.. arena.EmaDecays.Select((decay, i) => (arena[ArenaBuffer.Ema(i)], decay))];

        public void Update(Tile tile)
        {
            var end = tile.Offset + tile.Length;
            for (var offset = tile.Offset; offset < end; offset += CachedLength)
            {
                var length = (int)Math.Min(CachedLength, end - offset);
                var w = weights.Span(offset, length);
                tile.Kernel?.Apply(w, gradients.Span(offset, length), first.Span(offset, length), second is null ? [] : second.Span(offset, length));
                foreach (var (average, decay) in averages)
                    ExponentialAverage.Apply(average.Span(offset, length), w, decay);
            }
        }
    }
}
