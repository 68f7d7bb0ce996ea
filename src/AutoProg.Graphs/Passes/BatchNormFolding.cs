namespace AutoProg.Graphs.Passes;

/// <summary>
/// Batch normalisation by given statistics, folded into the product that it stands on: with a = scale / sqrt(variance + epsilon),
/// <c>BN(Conv(x, W, b)) = Conv(x, a W, a (b - mean) + bias)</c>, and so for Gemm and for MatMul with a matrix of weights. Scaling weights takes the place of a pass over activations.
/// </summary>
public static class BatchNormFolding
{
    /// <summary>The graph with every normalisation folded that can be.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="storedWeights">
    /// Whether weights will be stored in the file, where what is computed from them is computed once (<see cref="StoredWeights"/>). Otherwise they are scaled at every run, and only
    /// where that is less work than normalising.
    /// </param>
    public static Graph Apply(Graph graph, bool storedWeights) => Apply(graph, storedWeights, new RewriteLog());

    /// <summary>The graph with every normalisation folded that can be.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="storedWeights">Whether weights will be stored in the file.</param>
    /// <param name="log">Is told how often it was done, and where a check said no.</param>
    public static Graph Apply(Graph graph, bool storedWeights, RewriteLog log)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(log);
        return Rewriting.Exhaust(graph, [new RewriteRule("BN(x W + b) = x (a W) + a (b - mean) + bias", (n, g) => Fold(n, g, storedWeights))], log);
    }

    private static Value? Fold(Node n, Rewriting g, bool storedWeights)
    {
        if (n.Operator != "BatchNormalization" || n.Attributes.Flag("training_mode") || n.Input(0).Producer is not { Operator: "Conv" or "Gemm" or "MatMul" } product)
        {
            return null;
        }

        var weights = product.Input(1);
        if (weights.Kind is not (ValueKind.Parameter or ValueKind.Constant))
        {
            return g.No(n, $"{product} has no weights.");
        }

        if (product.Operator != "Conv" && (weights.Shape.Rank != 2 || n.Output.Shape.Rank != 2))
        {
            return g.No(n, $"the channels of {n} are not the columns of {product}.");
        }

        if (!g.HasOneReader(product.Output))
        {
            return g.No(n, $"{product} has other readers.");
        }

        if (!storedWeights && weights.Shape.ElementCount > n.Output.Shape.ElementCount)
        {
            return g.No(n, $"to scale {weights.Shape.ElementCount} weights at every run is more work than to normalise {n.Output.Shape.ElementCount} elements.");
        }

        var channels = n.Input(1).Shape;
        if (product.OptionalInput(2) is { } addend && addend.Shape.ElementCount != channels.ElementCount)
        {
            return g.No(n, $"{product} adds {addend.Shape}, not a number per channel.");
        }

        var scale = g.Add("Div", n, [n.Input(1), g.Add("Sqrt", n, [g.Add("Add", n, [n.Input(4), Number(g, n, n.Attributes.Float("epsilon", 1e-5f))])])]);
        var scaled = g.Add("Mul", product, [weights, Along(ChannelAxis(product), weights.Shape.Rank, scale, n, g)]);
        var bias = g.Add("Add", product, [g.Add("Mul", n, [Offset(product, n, g), scale]), n.Input(2)]);
        return product.Operator == "Conv"
            ? g.Add("Conv", product, [product.Input(0), scaled, bias], product.Attributes)
            : g.Add("Gemm", product, [product.Input(0), scaled, bias], WithBetaOne(product));
    }

    /// <summary>b - mean, of the shape of the channels.</summary>
    private static Value Offset(Node product, Node n, Rewriting g)
    {
        var mean = n.Input(3);
        if (product.OptionalInput(2) is not { } addend)
        {
            return g.Add("Neg", n, [mean]);
        }

        var flat = addend.Shape.Equals(mean.Shape) ? addend : g.Reshape(product, addend, mean.Shape);
        var beta = product.Operator == "Gemm" ? product.Attributes.Float("beta", 1) : 1;
        return g.Add("Sub", n, [beta == 1 ? flat : g.Add("Mul", product, [flat, Number(g, n, beta)]), mean]);
    }

    /// <summary>The axis of the weights that the channels of the result come from.</summary>
    private static int ChannelAxis(Node product) => product.Operator == "Conv" || (product.Operator == "Gemm" && product.Attributes.Flag("transB")) ? 0 : 1;

    private static Attributes WithBetaOne(Node product)
    {
        var attributes = product.Attributes.Only("alpha", "transA", "transB");
        attributes.Add("beta", 1f);
        return attributes;
    }

    /// <summary>A vector that broadcasts along an axis.</summary>
    private static Value Along(int axis, int rank, Value vector, Node n, Rewriting g) =>
        axis == rank - 1 ? vector : g.Reshape(n, vector, Shape.Of([.. Enumerable.Range(0, rank).Select(i => i == axis ? vector.Shape[0] : 1)]));

    private static Value Number(Rewriting g, Node n, double value) => g.Constant(Tensor.Scalar(n.Output.Type, value));
}
