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
        var weighted = b.Mul(dy[0], n.Output);
        return [b.Sub(weighted, b.Mul(n.Output, b.ReduceSum(weighted, [n.Attributes.Int("axis", -1)], keepDims: true)))];
    }

    /// <summary>dx = dy - exp(y) sum(dy).</summary>
    private static Value?[] LogSoftmax(GraphBuilder b, Node n, OutputGradients dy) =>
        [b.Sub(dy[0], b.Mul(b.Exp(n.Output), b.ReduceSum(dy[0], [n.Attributes.Int("axis", -1)], keepDims: true)))];

    /// <summary>
    /// With xhat = (x - mean) / std and g = dy scale: dx = (g - mean(g) - xhat mean(g xhat)) / std, dscale = sum(dy xhat), dbias = sum(dy).
    /// The two means over the last axis are matrix-vector products with scale / D.
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
        var xhat = b.Mul(b.Sub(flatX, mean), inverseStd);
        var gx = b.Mul(g, xhat);

        var weights = b.Reshape(b.Scale(scale, 1.0 / size), [size, 1]);
        var meanG = b.Gemm(g, weights);
        var meanGx = b.Gemm(gx, weights);
        var dx = b.Mul(b.Sub(b.Sub(b.Mul(g, scale), meanG), b.Mul(xhat, meanGx)), inverseStd);
        return n.Inputs.Count == 2
            ? [b.Reshape(dx, x.Shape), b.ReduceSum(gx, [0])]
            : [b.Reshape(dx, x.Shape), b.ReduceSum(gx, [0]), b.ReduceSum(g, [0])];
    }
}
