namespace AutoProg.Graphs.Gradients;

/// <summary>
/// Batch normalisation (Ioffe and Szegedy, ICML 2015) in both modes, per channel: y = xc a + bias with xc = x - mean and a = scale / std, std = sqrt(variance + epsilon).
/// </summary>
internal static class BatchNormalizationGradients
{
    public static IReadOnlyDictionary<string, GradientRule> Rules { get; } = new Dictionary<string, GradientRule>(StringComparer.Ordinal)
    {
        ["BatchNormalization"] = static (b, n, dy) => n.Attributes.Flag("training_mode") ? Training(b, n, dy) : Evaluation(b, n, dy),
    };

    /// <summary>dx = a dy, dscale = sum(dy xc) / std, dbias = sum(dy), dmean = -a sum(dy), dvariance = -a sum(dy xc) / (2 std^2).</summary>
    private static Value?[] Evaluation(GraphBuilder b, Node n, OutputGradients dy)
    {
        var (inverseStd, a) = Factors(b, n, n.Input(4));
        var sum = ChannelSums.Of(b, dy[0]);
        var dot = ChannelSums.OfProducts(b, dy[0], Centered(b, n, n.Input(3)));
        var dVariance = b.Mul(b.Mul(b.Scale(a, -0.5), b.Mul(inverseStd, inverseStd)), dot);
        return [b.Mul(dy[0], Channels(b, a, n)), b.Mul(dot, inverseStd), sum, b.Neg(b.Mul(a, sum)), dVariance];
    }

    /// <summary>
    /// The statistics are functions of x, too: with m elements per channel, dx = a dy - a sum(dy) / m - xc a sum(dy xc) / (m std^2); dscale and dbias as in evaluation.
    /// </summary>
    private static Value?[] Training(GraphBuilder b, Node n, OutputGradients dy)
    {
        if (n.Outputs.Count < 3 || n.Attributes.Float("momentum", 0.9f) != 0 || dy.Has(1) || dy.Has(2))
        {
            throw new GraphException($"{n}: the gradient of BatchNormalization in training mode needs all three outputs and momentum 0, and a loss without its statistics; keep running averages outside the graph.");
        }

        var count = dy[0].Shape.ElementCount / dy[0].Shape[1];
        var (inverseStd, a) = Factors(b, n, n.Outputs[2]);
        var xc = Centered(b, n, n.Outputs[1]);
        var sum = ChannelSums.Of(b, dy[0]);
        var dot = ChannelSums.OfProducts(b, dy[0], xc);

        var share = b.Scale(a, -1.0 / count);
        var (slope, shift) = (b.Mul(b.Mul(share, b.Mul(inverseStd, inverseStd)), dot), b.Mul(share, sum));
        var dx = b.Add(b.Add(b.Mul(dy[0], Channels(b, a, n)), Channels(b, shift, n)), b.Mul(xc, Channels(b, slope, n)));
        return [dx, b.Mul(dot, inverseStd), sum, null, null];
    }

    /// <summary>1 / std and a, [channels].</summary>
    private static (Value InverseStd, Value A) Factors(GraphBuilder b, Node n, Value variance)
    {
        var inverseStd = b.Reciprocal(b.Sqrt(b.Add(variance, b.ScalarLike(variance, n.Attributes.Float("epsilon", 1e-5f)))));
        return (inverseStd, b.Mul(n.Input(1), inverseStd));
    }

    private static Value Centered(GraphBuilder b, Node n, Value mean) => b.Sub(n.Input(0), Channels(b, mean, n));

    private static Value Channels(GraphBuilder b, Value perChannel, Node n) => b.Reshape(perChannel, Broadcasting.PerChannel(perChannel.Shape, n.Input(0).Shape.Rank));
}
