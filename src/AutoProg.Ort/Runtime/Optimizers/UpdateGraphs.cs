using AutoProg.Graphs;

namespace AutoProg.Ort.Runtime.Optimizers;

/// <summary>
/// The graphs of an update, each over a flat range of one static length. A result called <c>new/x</c> is bound to the memory of input <c>x</c>: that is right because
/// each is the output of an element-wise node, and because every node that reads the old x comes before it on a path to it, in whatever order nodes run.
/// </summary>
internal static class UpdateGraphs
{
    /// <summary>What the names of results begin with that take an input's place.</summary>
    public const string ResultPrefix = "new/";

    /// <summary>What an update's scalars are fed as, one vector: <see cref="UpdateRule.Scalars"/>.</summary>
    public const string ScalarInput = "scalars";

    /// <summary>What <see cref="Sum"/> adds to, and <see cref="Follow"/> takes.</summary>
    public const string SumInput = "sum";

    /// <summary>What <see cref="Sum"/> adds.</summary>
    public const string SummandInput = "summand";

    /// <summary>What <see cref="Follow"/> moves; it follows <see cref="SumInput"/>.</summary>
    public const string RunningInput = "running";

    /// <summary>Result of <see cref="SquareSum"/>, one double.</summary>
    public const string SquareSumOutput = "square_sum";

    /// <summary>Updates weights and moments, and moves the averages (eq. 3) after them. Inputs are called as the arena's buffers.</summary>
    public static Graph Step(UpdateRule rule, IReadOnlyList<double> emaDecays, int length)
    {
        var b = new GraphBuilder();
        var count = rule.Scalars(0, 1, decayed: false, step: 1).Length;
        var scalars = b.Split(b.Input(ScalarInput, ElementType.Float, [count]), 0, [.. Enumerable.Repeat(1L, count)]);
        var gradients = Range(b, ArenaBuffer.Gradients, length);
        var old = new RangeState(
            Range(b, ArenaBuffer.Weights, length),
            Range(b, ArenaBuffer.Moment(0), length),
            rule.MomentCount > 1 ? Range(b, ArenaBuffer.Moment(1), length) : null);
        var updated = rule.Express(b, old, gradients, scalars);
        Replace(b, ArenaBuffer.Weights, updated.Weights);
        Replace(b, ArenaBuffer.Moment(0), updated.First);
        if (updated.Second is { } second)
            Replace(b, ArenaBuffer.Moment(1), second);

        MoveAverages(b, updated.Weights, emaDecays, length);
        return b.Build();
    }

    /// <summary>Moves the averages of weights that rest.</summary>
    public static Graph Average(IReadOnlyList<double> emaDecays, int length)
    {
        var b = new GraphBuilder();
        MoveAverages(b, Range(b, ArenaBuffer.Weights, length), emaDecays, length);
        return b.Build();
    }

    /// <summary>sum + summand.</summary>
    public static Graph Sum(int length)
    {
        var b = new GraphBuilder();
        b.Output(ResultPrefix + SumInput, b.Add(b.Input(SumInput, ElementType.Float, [length]), b.Input(SummandInput, ElementType.Float, [length])));
        return b.Build();
    }

    /// <summary>kept running + gained sum, in double precision; the scalars are kept and gained.</summary>
    public static Graph Follow(int length)
    {
        var b = new GraphBuilder();
        var scalars = b.Split(b.Input(ScalarInput, ElementType.Double, [2]), 0, 1, 1);
        var moved = b.Add(b.Mul(Double(RunningInput), scalars[0]), b.Mul(Double(SumInput), scalars[1]));
        b.Output(ResultPrefix + RunningInput, b.Cast(moved, ElementType.Float));
        return b.Build();

        Value Double(string name) => b.Cast(b.Input(name, ElementType.Float, [length]), ElementType.Double);
    }

    /// <summary>Sum of the squared gradients in double precision, which no finite float32 overflows.</summary>
    public static Graph SquareSum(int length)
    {
        var b = new GraphBuilder();
        b.Output(SquareSumOutput, b.ReduceSumSquare(b.Cast(Range(b, ArenaBuffer.Gradients, length), ElementType.Double), [0], keepDims: true));
        return b.Build();
    }

    private static void MoveAverages(GraphBuilder b, Value weights, IReadOnlyList<double> emaDecays, int length)
    {
        for (var i = 0; i < emaDecays.Count; i++)
        {
            var average = Range(b, ArenaBuffer.Ema(i), length);
            Replace(b, ArenaBuffer.Ema(i), b.Add(average, b.Scale(b.Sub(weights, average), 1 - emaDecays[i])));
        }
    }

    private static Value Range(GraphBuilder b, ArenaBuffer buffer, int length) => b.Input(buffer.ToString(), ElementType.Float, [length]);

    private static void Replace(GraphBuilder b, ArenaBuffer buffer, Value value) => b.Output(ResultPrefix + buffer, value);
}
