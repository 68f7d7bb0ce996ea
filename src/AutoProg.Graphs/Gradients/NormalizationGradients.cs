namespace AutoProg.Graphs.Gradients;

internal static class NormalizationGradients
{
    public static IReadOnlyDictionary<string, GradientRule> Rules { get; } = new Dictionary<string, GradientRule>(StringComparer.Ordinal)
    {
        ["Softmax"] = Softmax,
        ["LogSoftmax"] = LogSoftmax,
        ["LayerNormalization"] = LayerNormalization,
    };

    /// <summary>dx = y (dy - sum(dy y)).</summary>
    private static Value?[] Softmax(GraphBuilder b, Node n, OutputGradients dy)
    {
        var axis = n.Attributes.Int("axis", -1);
        var sum = AttentionRowSums(b, n, dy[0], axis) ?? b.ReduceSum(b.Mul(dy[0], n.Output), [axis], keepDims: true);
        return [b.Mul(n.Output, b.Sub(dy[0], sum))];
    }

    /// <summary>
    /// In attention, O = P V and dP = dO V^T, so the sums over a row of dP P equal those of dO O, which has width d instead of N
    /// (Dao et al., FlashAttention, 2022, sec. 3.1).
    /// </summary>
    /// <returns>The sums, or null where the softmax P feeds anything else.</returns>
    private static Value? AttentionRowSums(GraphBuilder b, Node softmax, Value dp, long axis)
    {
        if (softmax.Output.Shape.Axis(axis) != softmax.Output.Shape.Rank - 1
            || dp.Producer is not { Operator: "FusedMatMul" } product || !product.Attributes.Flag("transB") || product.Attributes.Flag("transA"))
        {
            return null;
        }

        var (dOutput, v) = (product.Input(0), product.Input(1));
        var readers = b.Nodes.Where(r => r.Operator is "MatMul" or "FusedMatMul" && r.Input(0) == softmax.Output && r.Input(1) == v).ToList();
        return readers is [var output] && output.Output.Shape.Equals(dOutput.Shape) && !output.Attributes.Flag("transB") && !output.Attributes.Flag("transA")
            && output.Attributes.Float("alpha", 1) == 1 && product.Attributes.Float("alpha", 1) == 1
            ? b.ReduceSum(b.Mul(dOutput, output.Output), [-1], keepDims: true)
            : null;
    }

    /// <summary>dx = dy - exp(y) sum(dy).</summary>
    private static Value?[] LogSoftmax(GraphBuilder b, Node n, OutputGradients dy) =>
        [b.Sub(dy[0], b.Mul(b.Exp(n.Output), b.ReduceSum(dy[0], [n.Attributes.Int("axis", -1)], keepDims: true)))];

    /// <summary>
    /// With xhat = (x - mean) / std and g = dy scale: dx = (g - mean(g) - xhat mean(g xhat)) / std, dscale = sum(dy xhat), dbias = sum(dy).
    /// The two means over the last axis are matrix-vector products with scale / D. Without parameters, xhat is the output.
    /// </summary>
    private static Value?[] LayerNormalization(GraphBuilder b, Node n, OutputGradients dy)
    {
        var (x, scale) = (n.Input(0), n.Input(1));
        var size = x.Shape[-1];
        if (x.Shape.Axis(n.Attributes.Int("axis", -1)) != x.Shape.Rank - 1 || n.Outputs.Count < 3)
        {
            throw new GraphException($"{n}: the gradient of LayerNormalization needs the last axis and all three outputs.");
        }

        var rows = x.Shape.ElementCount / size;
        var (flatX, g) = (b.Reshape(x, [rows, size]), b.Reshape(dy[0], [rows, size]));
        var (mean, inverseStd) = (b.Reshape(n.Outputs[1], [rows, 1]), b.Reshape(n.Outputs[2], [rows, 1]));
        var isPlain = n.Inputs.Count == 2 && scale.Constant?.Uniform() == 1;
        var xhat = isPlain ? b.Reshape(n.Output, [rows, size]) : b.Mul(b.Sub(flatX, mean), inverseStd);
        var gx = b.Mul(g, xhat);

        var weights = b.Reshape(b.Scale(scale, 1.0 / size), [size, 1]);
        var meanG = b.Gemm(g, weights);
        var meanGx = b.Gemm(gx, weights);
        var dx = b.Mul(b.Sub(b.Sub(b.Mul(g, scale), meanG), b.Mul(xhat, meanGx)), inverseStd);
        return n.Inputs.Count == 2
            ? [b.Reshape(dx, x.Shape), Broadcasting.SumRows(b, gx)]
            : [b.Reshape(dx, x.Shape), Broadcasting.SumRows(b, gx), Broadcasting.SumRows(b, g)];
    }
}
