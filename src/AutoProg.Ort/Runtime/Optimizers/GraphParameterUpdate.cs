namespace AutoProg.Ort.Runtime.Optimizers;

/// <summary>
/// Updates parameters in the memory of any device: small graphs over ranges, whose results are bound to the memory that they were computed from.
/// Differs from <see cref="HostParameterUpdate"/> by rounding alone, since graphs have no fused multiply-add.
/// </summary>
internal sealed class GraphParameterUpdate : ParameterUpdate
{
#if DEBUG
    // Debug builds cut every range, and not where parameters end.
    private const int LongestRange = 208;
#else
    // Bounds the intermediate results, 16 MiB each, and is long enough that starting a graph costs nothing beside it.
    private const int LongestRange = 1 << 22;
#endif

    private readonly Device device;
    private readonly Dictionary<string, ArenaBuffer> byName;
    private readonly Dictionary<(Work Work, int Length), RangeSession> sessions = [];

    /// <summary>Drives an arena that keeps gradients and the rule's moments.</summary>
    /// <param name="arena">In the device's memory; stays the property of the caller.</param>
    /// <param name="rule">How gradients become new weights.</param>
    /// <param name="device">Where the graphs run.</param>
    /// <exception cref="ArgumentException">The arena lacks gradients or moments, or lies elsewhere.</exception>
    public GraphParameterUpdate(ParameterArena arena, UpdateRule rule, Device device)
        : base(arena, rule)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (!arena.Weights.LiesIn(device.Memory))
            throw new ArgumentException($"The arena does not lie in the memory of device '{device.Name}'; make it with that device.", nameof(arena));

        this.device = device;
        byName = arena.Buffers.ToDictionary(buffer => buffer.ToString(), StringComparer.Ordinal);
    }

    private enum Work
    {
        Step,
        Average,
        Sum,
        Follow,
        SquareSum,
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        foreach (var session in sessions.Values)
            session.Dispose();

        sessions.Clear();
        GC.SuppressFinalize(this);
    }

    private protected override void Collect(IReadOnlyList<ArenaRange> ranges, MicroBatchPlace place)
    {
        var (to, from) = place == MicroBatchPlace.Last ? (Arena.Gradients, Arena.GradientSum) : (Arena.GradientSum, Arena.Gradients);
        foreach (var (offset, length) in ranges.SelectMany(Cut))
        {
            if (place == MicroBatchPlace.First)
                to.CopyFrom(from, offset, offset, length);
            else
                SessionFor(Work.Sum, length).Run(name => name == UpdateGraphs.SumInput ? to : from, offset);
        }
    }

    private protected override void Follow(FlatBuffer running, ArenaRange range, double kept, double gained)
    {
        foreach (var (offset, length) in Cut(range))
        {
            var session = SessionFor(Work.Follow, length);
            ((double[])[kept, gained]).CopyTo(session.Tensor<double>(UpdateGraphs.ScalarInput));
            session.Run(name => name == UpdateGraphs.RunningInput ? running : Arena.Gradients, offset);
        }
    }

    private protected override double SumOfSquares(IReadOnlyList<ArenaRange> ranges)
    {
        var sum = 0.0;
        foreach (var (offset, length) in ranges.SelectMany(Cut))
        {
            var session = SessionFor(Work.SquareSum, length);
            session.Run(Buffer, offset);
            sum += session.Double(UpdateGraphs.SquareSumOutput);
        }

        return sum;
    }

    private protected override void Update(IReadOnlyList<RangeStep> steps, double learningRate, double gradientScale)
    {
        foreach (var (range, number) in steps)
        {
            var scalars = number is { } step ? Rule.Scalars(learningRate, gradientScale, range.WeightDecay, step) : null;
            foreach (var (offset, length) in Cut(range))
            {
                var session = SessionFor(scalars is null ? Work.Average : Work.Step, length);
                scalars?.CopyTo(session.Tensor(UpdateGraphs.ScalarInput));
                session.Run(Buffer, offset);
            }
        }
    }

    private static IEnumerable<(long Offset, int Length)> Cut(ArenaRange range)
    {
        for (var offset = range.Offset; offset < range.End; offset += LongestRange)
            yield return (offset, (int)Math.Min(LongestRange, range.End - offset));
    }

    private FlatBuffer Buffer(string name) => Arena[byName[name]];

    private RangeSession SessionFor(Work work, int length)
    {
        if (!sessions.TryGetValue((work, length), out var session))
        {
            var graph = work switch
            {
                Work.Step => UpdateGraphs.Step(Rule, Arena.EmaDecays, length),
                Work.Average => UpdateGraphs.Average(Arena.EmaDecays, length),
                Work.Sum => UpdateGraphs.Sum(length),
                Work.Follow => UpdateGraphs.Follow(length),
                _ => UpdateGraphs.SquareSum(length),
            };
            sessions.Add((work, length), session = new RangeSession(device, graph, length));
        }

        return session;
    }
}
