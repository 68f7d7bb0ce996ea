using AutoProg.Graphs.Gradients;

namespace AutoProg.Graphs.Passes;

/// <summary>
/// Batch normalisation in training mode, written in operators that every provider has: no CUDA kernel of ONNX Runtime computes a batch's statistics, and the one on the CPU
/// writes them over its operands, shared constants included. So no graph is written without this pass. The centred x is computed before the variance, which a mean of squares would lose where the mean is large; the gradient reads it, too, and x no more.
/// </summary>
internal static class BatchStatistics
{
    /// <summary>The graph without the training mode.</summary>
    public static Graph Expand(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return Rewriting.Expand(graph, static (n, g) => n.Operator == "BatchNormalization" && n.Attributes.Flag("training_mode") ? Written(n, g) : null);
    }

    /// <summary>mean = sum(x) / m, variance = sum((x - mean)^2) / m, y = (x - mean) scale / sqrt(variance + epsilon) + bias.</summary>
    private static Value[] Written(Node n, Rewriting g)
    {
        var (x, scale, bias) = (n.Input(0), n.Input(1), n.Input(2));
        var perChannel = Broadcasting.PerChannel(scale.Shape, x.Shape.Rank);
        var mean = Reduced("ReduceMean", n, g, x);
        var centered = g.Add("Sub", n, [x, g.Reshape(n, mean, perChannel)]);
        var variance = g.Add("Mul", n, [SquareSums(n, g, centered), Scalar(g, x, (double)x.Shape[1] / x.Shape.ElementCount)]);

        var std = g.Add("Sqrt", n, [g.Add("Add", n, [variance, Scalar(g, x, n.Attributes.Float("epsilon", 1e-5f))])]);
        var a = g.Add("Mul", n, [scale, g.Add("Reciprocal", n, [std])]);
        var y = g.Add("Add", n, [g.Add("Mul", n, [centered, g.Reshape(n, a, perChannel)]), g.Reshape(n, bias, perChannel)]);
        return [y, Moved(n, g, n.Input(3), mean), Moved(n, g, n.Input(4), variance)];
    }

    /// <summary>ONNX's running statistic: momentum old + (1 - momentum) new.</summary>
    private static Value Moved(Node n, Rewriting g, Value old, Value statistic)
    {
        double momentum = n.Attributes.Float("momentum", 0.9f);
        return momentum == 0
            ? statistic
            : g.Add("Add", n, [g.Add("Mul", n, [old, Scalar(g, old, momentum)]), g.Add("Mul", n, [statistic, Scalar(g, old, 1 - momentum)])]);
    }

    /// <summary>As the gradient's dot products.</summary>
    private static Value SquareSums(Node n, Rewriting g, Value centered)
    {
        var shape = centered.Shape;
        if (!ChannelSums.HasLongRows(shape))
        {
            return Reduced("ReduceSum", n, g, g.Add("Mul", n, [centered, centered]));
        }

        var rows = g.Reshape(n, centered, [shape[0] * shape[1], 1, shape.ElementCount / (shape[0] * shape[1])]);
        var dots = g.Add("FusedMatMul", n, [rows, rows], new Attributes { { "alpha", 1f }, { "transA", false }, { "transB", true } }, GraphBuilder.MicrosoftDomain);
        return Reduced("ReduceSum", n, g, g.Reshape(n, dots, [shape[0], shape[1]]));
    }

    private static Value Reduced(string op, Node n, Rewriting g, Value x) =>
        g.Add(op, n, [x, Longs(g, ChannelSums.Axes(x.Shape))], new Attributes { { "keepdims", false } });

    private static Value Longs(Rewriting g, long[] values) => g.Constant(Tensor.FromLongs([values.Length], values));

    private static Value Scalar(Rewriting g, Value like, double value) => g.Constant(Tensor.Scalar(like.Type, value));
}
