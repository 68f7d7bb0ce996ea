using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Tests.Evaluation;

internal static class ReductionFormulas
{
    public static IReadOnlyDictionary<string, Formula> All { get; } = new Dictionary<string, Formula>(StringComparer.Ordinal)
    {
        ["ReduceSum"] = Reduce(v => v.Sum()),
        ["ReduceMean"] = Reduce(v => v.Average()),
        ["ReduceMax"] = Reduce(v => v.Max()),
        ["ReduceMin"] = Reduce(v => v.Min()),
        ["ReduceSumSquare"] = Reduce(v => v.Sum(x => x * x)),
        ["ReduceProd"] = Reduce(v => v.Aggregate(1.0, (a, b) => a * b)),
        ["ReduceL2"] = Reduce(v => Math.Sqrt(v.Sum(x => x * x))),
        ["ReduceLogSumExp"] = Reduce(v => double.IsInfinity(v.Max()) ? v.Max() : v.Max() + Math.Log(v.Sum(x => Math.Exp(x - v.Max())))),
        ["ArgMax"] = static (node, x) => [Best(node, x[0]!, 1, v => -v, 0)[1].WithShape(node.Output.Shape)],
        ["ArgMin"] = static (node, x) => [Best(node, x[0]!, 1, v => v, 0)[1].WithShape(node.Output.Shape)],
        ["TopK"] = static (node, x) => Best(node, x[0]!, (int)x[1]!.Values[0], node.Attributes.Flag("largest", true) ? v => -v : v => v, -1),
        ["CumSum"] = static (node, x) =>
        {
            var (exclusive, reverse, axis) = (node.Attributes.Flag("exclusive"), node.Attributes.Flag("reverse"), x[0]!.Shape.Axis((long)x[1]!.Values[0]));
            return Along(axis, x[0]!, row => [.. row.Select((_, i) => row.Where((_, k) => (reverse ? k > i : k < i) || (k == i && !exclusive)).Sum())]);
        },
        ["Softmax"] = static (node, x) => Along(node, x[0]!, row =>
        {
            var max = row.Max();
            var sum = row.Sum(v => Math.Exp(v - max));
            return [.. row.Select(v => Math.Exp(v - max) / sum)];
        }),
        ["LogSoftmax"] = static (node, x) => Along(node, x[0]!, row =>
        {
            var max = row.Max();
            var log = Math.Log(row.Sum(v => Math.Exp(v - max)));
            return [.. row.Select(v => v - max - log)];
        }),
        ["LayerNormalization"] = LayerNormalization,
        ["BatchNormalization"] = BatchNormalization,
    };

    private static Formula Reduce(Func<IReadOnlyList<double>, double> f) => (node, x) =>
    {
        var axes = ReductionShapes.Axes(node);
        var kept = Shape.Of([.. x[0]!.Shape.Select((dim, axis) => axes.Contains(axis) ? 1 : dim)]);
        var reduced = Shape.Of([.. x[0]!.Shape.Select((dim, axis) => axes.Contains(axis) ? dim : 1)]);
        var result = DoubleTensor.From(kept, i =>
            f([.. DoubleTensor.Indices(reduced).Select(k => x[0]![[.. i.Zip(k, (a, b) => a + b)]])]));
        return [result.WithShape(node.Output.Shape)];
    };

    /// <summary>The k elements of each line that come first by some order, and their places.</summary>
    private static DoubleTensor[] Best(Node node, DoubleTensor x, int k, Func<double, double> order, int defaultAxis)
    {
        var axis = x.Shape.Axis(node.Attributes.Int("axis", defaultAxis));
        DoubleTensor Of(Func<double[], int, double> pick) => First(axis, k, Along(axis, x, row => [.. Enumerable.Range(0, row.Length).OrderBy(i => order(row[i])).Select(i => pick(row, i))])[0]);
        return [Of((row, i) => row[i]), Of((_, i) => i)];
    }

    private static DoubleTensor First(int axis, int k, DoubleTensor x) => DoubleTensor.From(x.Shape.With(axis, k), i => x[i]);

    private static DoubleTensor[] Along(Node node, DoubleTensor x, Func<double[], double[]> f) => Along(x.Shape.Axis(node.Attributes.Int("axis", -1)), x, f);

    private static DoubleTensor[] Along(int axis, DoubleTensor x, Func<double[], double[]> f)
    {
        var result = new double[x.Values.Length];
        foreach (var i in DoubleTensor.Indices(x.Shape.With(axis, 1)))
        {
            var line = Enumerable.Range(0, (int)x.Shape[axis]).Select(k => x.Offset([.. i.Select((v, a) => a == axis ? k : v)])).ToArray();
            foreach (var (place, value) in line.Zip(f([.. line.Select(p => x.Values[p])])))
            {
                result[place] = value;
            }
        }

        return [new DoubleTensor(x.Shape, result)];
    }

    private static DoubleTensor[] LayerNormalization(Node node, DoubleTensor?[] inputs)
    {
        var x = inputs[0]!;
        var axis = x.Shape.Axis(node.Attributes.Int("axis", -1));
        var epsilon = node.Attributes.Float("epsilon", 1e-5f);
        var size = (int)Shape.Of([.. x.Shape.Skip(axis)]).ElementCount;
        var statistics = Shape.Of([.. x.Shape.Select((dim, i) => i < axis ? dim : 1)]);
        var rows = x.Values.Chunk(size).ToArray();
        var mean = rows.Select(r => r.Average()).ToArray();
        var inverseStd = rows.Select((r, i) => 1 / Math.Sqrt(r.Average(v => (v - mean[i]) * (v - mean[i])) + epsilon)).ToArray();
        var y = x.Values.Select((v, i) =>
            ((v - mean[i / size]) * inverseStd[i / size] * inputs[1]!.Values[i % size]) + (inputs.ElementAtOrDefault(2)?.Values[i % size] ?? 0));
        return [new DoubleTensor(x.Shape, [.. y]), new DoubleTensor(statistics, mean), new DoubleTensor(statistics, inverseStd)];
    }

    private static DoubleTensor[] BatchNormalization(Node node, DoubleTensor?[] inputs)
    {
        var (x, scale, bias, mean, variance) = (inputs[0]!, inputs[1]!.Values, inputs[2]!.Values, inputs[3]!.Values, inputs[4]!.Values);
        var (epsilon, momentum) = (node.Attributes.Float("epsilon", 1e-5f), node.Attributes.Float("momentum", 0.9f));
        if (!node.Attributes.Flag("training_mode"))
        {
            return [Normalized(mean, variance)];
        }

        var elements = DoubleTensor.Indices(x.Shape).ToLookup(i => i[1], i => x[i]);
        double[] batchMean = [.. mean.Select((_, c) => elements[c].Average())];
        double[] batchVariance = [.. mean.Select((_, c) => elements[c].Average(v => Math.Pow(v - batchMean[c], 2)))];
        return [Normalized(batchMean, batchVariance), Running(mean, batchMean), Running(variance, batchVariance)];

        DoubleTensor Normalized(double[] mean, double[] variance) =>
            DoubleTensor.From(x.Shape, i => (scale[i[1]] * (x[i] - mean[i[1]]) / Math.Sqrt(variance[i[1]] + epsilon)) + bias[i[1]]);

        DoubleTensor Running(double[] old, double[] batch) => new([old.Length], [.. old.Zip(batch, (o, n) => (momentum * o) + ((1 - momentum) * n))]);
    }
}
