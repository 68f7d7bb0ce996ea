namespace AutoProg.Graphs.Gradients;

internal static class BatchNormalizationGradients
{
    public static IReadOnlyDictionary<string, GradientRule> Rules { get; } = new Dictionary<string, GradientRule>(StringComparer.Ordinal)
    {
        ["BatchNormalization"] = BatchNormalization,
    };

    /// <summary>
    /// y = s (x - mean) + bias with s = scale / std and std = sqrt(variance + epsilon), per channel: dx = s dy. All other gradients come from two sums per channel,
    /// of dy and of dy (x - mean): dbias = sum(dy), dscale = sum(dy (x - mean)) / std, dmean = -s sum(dy), dvariance = -dscale scale / (2 (variance + epsilon)).
    /// </summary>
    private static Value?[] BatchNormalization(GraphBuilder b, Node n, OutputGradients dy)
    {
        var (x, scale, mean, g) = (n.Input(0), n.Input(1), n.Input(3), dy[0]);
        Value PerChannel(Value v) => b.Reshape(v, Broadcasting.PerChannel(v.Shape, x.Shape.Rank));
        long[] others = [0, .. Enumerable.Range(2, x.Shape.Rank - 2).Select(axis => (long)axis)];

        var shifted = b.Add(n.Input(4), b.ScalarLike(x, n.Attributes.Float("epsilon", 1e-5f)));
        var std = b.Sqrt(shifted);
        var s = b.Div(scale, std);
        var sum = b.ReduceSum(g, others);
        var dscale = b.Div(b.ReduceSum(b.Mul(g, b.Sub(x, PerChannel(mean))), others), std);
        return [b.Mul(g, PerChannel(s)), dscale, sum, b.Neg(b.Mul(s, sum)), b.Scale(b.Div(b.Mul(dscale, scale), shifted), -0.5)];
    }
}
