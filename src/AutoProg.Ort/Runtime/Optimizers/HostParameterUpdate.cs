using System.Numerics;
using System.Runtime.InteropServices;

namespace AutoProg.Ort.Runtime.Optimizers;

/// <summary>
/// Updates parameters on the processor in one pass over memory: weights, moments and all momentum networks of a tile while it is in the cache.
/// Results do not depend on the number of threads.
/// </summary>
internal sealed class HostParameterUpdate : ParameterUpdate
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

    private readonly ParallelOptions threads;

    /// <summary>Drives an arena that keeps gradients and the rule's moments.</summary>
    /// <param name="arena">On the host; stays the property of the caller.</param>
    /// <param name="rule">How gradients become new weights.</param>
    /// <param name="threadCount">Threads to use, at least 1.</param>
    /// <exception cref="ArgumentException">The arena lacks gradients or moments, or lies on another device.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threadCount"/> is not positive.</exception>
    public HostParameterUpdate(ParameterArena arena, UpdateRule rule, int threadCount)
        : base(arena, rule)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(threadCount);
        if (!arena.Weights.IsHost)
            throw new ArgumentException($"The arena lies on a device whose memory the processor does not reach; take what {nameof(Device)}.{nameof(Device.CreateUpdate)} gives.", nameof(arena));

        threads = new ParallelOptions { MaxDegreeOfParallelism = threadCount };
    }

    /// <inheritdoc />
    public override void Dispose() => GC.SuppressFinalize(this);

    private protected override void Collect(IReadOnlyList<ArenaRange> ranges, MicroBatchPlace place)
    {
        var (gradients, sum) = (Arena.Gradients, Arena.GradientSum);
        Run(Cut(ranges), tile =>
        {
            var fresh = gradients.Span(tile.Offset, tile.Length);
            var sums = sum.Span(tile.Offset, tile.Length);
            switch (place)
            {
                case MicroBatchPlace.First:
                    fresh.CopyTo(sums);
                    break;
                case MicroBatchPlace.Between:
                    Add(fresh, sums);
                    break;
                default:
                    Add(sums, fresh);
                    break;
            }
        });
    }

    private protected override void Follow(FlatBuffer running, ArenaRange range, double kept, double gained)
    {
        var sums = Arena.Gradients;
        Run(Cut([range]), tile =>
        {
            var statistics = running.Span(tile.Offset, tile.Length);
            var sum = sums.Span(tile.Offset, tile.Length);
            for (var i = 0; i < statistics.Length; i++)
                statistics[i] = (float)((kept * statistics[i]) + (gained * sum[i]));
        });
    }

    private protected override double SumOfSquares(IReadOnlyList<ArenaRange> ranges)
    {
        var gradients = Arena.Gradients;
        var tiles = Cut(ranges);
        var sums = new double[tiles.Count];
        Run(tiles, (tile, i) => sums[i] = GradientNorm.SumOfSquares(gradients.Span(tile.Offset, tile.Length)));
        return sums.Sum();
    }

    private protected override void Update(IReadOnlyList<RangeStep> steps, double learningRate, double gradientScale)
    {
        var tiles = new List<Tile>();
        foreach (var (range, number) in steps)
            Cut(range, number is { } step ? Rule.At(learningRate, gradientScale, range.WeightDecay, step) : null, tiles);

        var buffers = new StepBuffers(Arena, Rule);
        Run(tiles, tile => buffers.Update(tile));
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
