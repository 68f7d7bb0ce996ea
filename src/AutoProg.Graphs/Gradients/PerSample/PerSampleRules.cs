using AutoProg.Graphs.Gradients.Convolutions;
using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Gradients.PerSample;

/// <summary>
/// The per-sample gradients of a shared operand of one operator, whose result is divided by samples.
/// Null says that the operator has no rule for an operand in this place.
/// </summary>
/// <param name="b">Where nodes are added.</param>
/// <param name="node">The operator.</param>
/// <param name="operand">Index of the shared operand.</param>
/// <param name="dy">Gradient of the operator's first output.</param>
/// <param name="batch">Number of samples B.</param>
internal delegate SampleGradient? PerSampleRule(GraphBuilder b, Node node, int operand, Value dy, long batch);

/// <summary>Per-sample gradients by consuming operator.</summary>
internal static class PerSampleRules
{
    private static readonly Dictionary<string, PerSampleRule> Rules = new(
        [.. ElementwiseShapes.BroadcastingOperators.Select(op => KeyValuePair.Create(op, (PerSampleRule)Elementwise))], StringComparer.Ordinal)
    {
        ["Where"] = Elementwise,
        ["Gemm"] = Gemm,
        ["MatMul"] = Product,
        ["FusedMatMul"] = Product,
        ["Conv"] = Conv,
        ["Gather"] = Gather,
        ["LayerNormalization"] = LayerNormalization,
        ["BatchNormalization"] = BatchNormalization,
        ["Concat"] = Concat,
    };

    /// <summary>Operators with a rule.</summary>
    public static IReadOnlyCollection<string> Known => Rules.Keys;

    /// <summary>The rule of an operator, or null.</summary>
    public static PerSampleRule? Find(string op) => Rules.GetValueOrDefault(op);

    /// <summary>What the ordinary rule gives before it is summed over broadcast axes, summed within each sample.</summary>
    private static RowGradient? Elementwise(GraphBuilder b, Node n, int operand, Value dy, long batch) =>
        GradientRules.Find(n.Operator)!(b, n, new OutputGradients(b, n, [dy]))[operand] is { } gradient ? Summed(b, gradient, n.Inputs[operand]!.Shape, batch) : null;

    /// <summary>Y = alpha X W + beta C, W perhaps transposed: G_b = alpha sum over rows of sample b of x dy^T.</summary>
    private static SampleGradient? Gemm(GraphBuilder b, Node n, int operand, Value dy, long batch) => operand switch
    {
        1 when !n.Attributes.Flag("transA") => Weight(b, n, dy, batch),
        2 => Summed(b, Scaled(b, dy, n.Attributes.Float("beta", 1)), n.Input(2).Shape, batch),
        _ => null,
    };

    /// <summary>As <see cref="Gemm"/>, on a stack of matrices that share W.</summary>
    private static OuterProducts? Product(GraphBuilder b, Node n, int operand, Value dy, long batch) =>
        operand == 1 && n.Input(0).Shape.Rank > 1 && n.Input(1).Shape.Rank == 2 && !n.Attributes.Flag("transA") ? Weight(b, n, dy, batch) : null;

    private static OuterProducts Weight(GraphBuilder b, Node n, Value dy, long batch)
    {
        var (x, g) = (Rows(b, n.Input(0), batch), Rows(b, Scaled(b, dy, n.Attributes.Float("alpha", 1)), batch));
        return n.Attributes.Flag("transB") ? new OuterProducts(g, x) : new OuterProducts(x, g);
    }

    /// <summary>A kernel [M, C, taps] is a matrix [M, C taps] times what each window meets, or one such matrix for each group; its bias is added to every window.</summary>
    private static SampleGradient? Conv(GraphBuilder b, Node n, int operand, Value dy, long batch)
    {
        if (operand == 2)
        {
            return Summed(b, dy, Broadcasting.PerChannel(n.Input(2).Shape, dy.Shape.Rank), batch);
        }

        if (operand != 1)
        {
            return null;
        }

        var conv = Convolution.Of(n);
        if (conv.Groups == 1 && dy.Shape.Rank == 4)
        {
            return new OuterProducts(Rows(b, b.Transpose(dy, 0, 2, 3, 1), batch), Rows(b, WindowRows.Of(b, n.Input(0), conv.Window), batch));
        }

        var ofImages = b.Reshape(ConvKernelAdjoint.OfEachImage(b, conv, n.Input(0), dy), [batch, conv.Batch / batch, conv.Kernel.ElementCount]);
        return new RowGradient(b.ReduceSum(ofImages, [1]));
    }

    private static PickedRows? Gather(GraphBuilder b, Node n, int operand, Value dy, long batch)
    {
        var (table, indices) = (n.Input(0), n.Input(1));
        if (operand != 0 || table.Shape.Axis(n.Attributes.Int("axis", 0)) != 0)
        {
            return null;
        }

        var tokens = indices.Shape.ElementCount / batch;
        var places = b.Reshape(IndexingGradients.NonNegative(b, indices, table.Shape[0]), [batch, tokens]);
        return new PickedRows(places, b.Reshape(dy, [batch, tokens, table.Shape.ElementCount / table.Shape[0]]), table.Shape[0]);
    }

    /// <summary>Y = xhat scale + bias with xhat = (x - mean) / std, over the last axis.</summary>
    private static RowGradient? LayerNormalization(GraphBuilder b, Node n, int operand, Value dy, long batch)
    {
        if (operand == 0 || n.Outputs.Count < 3 || n.Input(0).Shape.Axis(n.Attributes.Int("axis", -1)) != n.Input(0).Shape.Rank - 1)
        {
            return null;
        }

        var gradient = operand == 1 ? b.Mul(dy, b.Mul(b.Sub(n.Input(0), n.Outputs[1]), n.Outputs[2])) : dy;
        return Summed(b, gradient, n.Inputs[operand]!.Shape, batch);
    }

    /// <summary>Y = xhat scale + bias with xhat = (x - mean) / sqrt(variance + epsilon), per channel; the statistics are no parameters.</summary>
    private static RowGradient? BatchNormalization(GraphBuilder b, Node n, int operand, Value dy, long batch)
    {
        var channels = Broadcasting.PerChannel(n.Input(1).Shape, dy.Shape.Rank);
        switch (operand)
        {
            case 1:
                var inverseStd = b.Reciprocal(b.Sqrt(b.Add(n.Input(4), b.ScalarLike(dy, n.Attributes.Float("epsilon", 1e-5f)))));
                var xhat = b.Mul(b.Sub(n.Input(0), b.Reshape(n.Input(3), channels)), b.Reshape(inverseStd, channels));
                return Summed(b, b.Mul(dy, xhat), channels, batch);
            case 2:
                return Summed(b, dy, channels, batch);
            default:
                return null;
        }
    }

    /// <summary>Gradients of the parts of a concatenation are parts of the gradient.</summary>
    private static RowGradient Concat(GraphBuilder b, Node n, int operand, Value dy, long batch) =>
        Summed(b, GradientRules.Find("Concat")!(b, n, new OutputGradients(b, n, [dy]))[operand]!, n.Input(operand).Shape, batch);

    private static Value Scaled(GraphBuilder b, Value x, float factor) => factor == 1 ? x : b.Scale(x, factor);

    /// <summary>[B, tokens of a sample, width of the last axis].</summary>
    private static Value Rows(GraphBuilder b, Value x, long batch) =>
        b.Reshape(x, [batch, x.Shape.ElementCount / x.Shape[-1] / batch, x.Shape[-1]]);

    /// <summary>The gradient of a result, summed for each sample over the axes along which an operand was repeated.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="gradient">Divided by samples.</param>
    /// <param name="operand">The operand's shape, which broadcasts to the gradient's.</param>
    /// <param name="batch">Number of samples B.</param>
    private static RowGradient Summed(GraphBuilder b, Value gradient, Shape operand, long batch)
    {
        var rows = batch == 1 ? b.Reshape(gradient, Shape.Of([1, .. gradient.Shape])) : BySamples(b, gradient, operand, batch);
        long[] repeated = [.. Enumerable.Range(1, rows.Shape.Rank - 1).Where(i => rows.Shape[i] != 1 && SizeFromBack(operand, rows.Shape.Rank - i) == 1).Select(i => (long)i)];
        return new RowGradient(b.Reshape(repeated.Length == 0 ? rows : b.ReduceSum(rows, repeated), [batch, operand.ElementCount]));
    }

    /// <summary>The sample axis [B n] split into [B, n], or [B, B n] for an operand that has rows of its own for every sample.</summary>
    private static Value BySamples(GraphBuilder b, Value gradient, Shape operand, long batch)
    {
        var axis = SampleLayouts.SampleAxis(gradient.Shape);
        var size = gradient.Shape[axis];
        long[] inner = [.. gradient.Shape.Skip(axis + 1)];
        var divided = b.Reshape(gradient, Shape.Of([batch, size / batch, .. inner]));
        return SizeFromBack(operand, gradient.Shape.Rank - axis) == 1
            ? divided
            : b.Reshape(b.Mul(b.Unsqueeze(divided, 0), OwnRows(b, divided)), Shape.Of([batch, size, .. inner]));
    }

    /// <summary>The unit matrix [B, B, 1, ...]: no sample influences the rows of another.</summary>
    private static Value OwnRows(GraphBuilder b, Value divided)
    {
        var batch = divided.Shape[0];
        var unit = new double[batch * batch];
        for (var i = 0; i < batch; i++)
        {
            unit[(i * batch) + i] = 1;
        }

        return b.Constant(Tensor.FromDoubles(divided.Type, Shape.Of([batch, batch, .. Enumerable.Repeat(1L, divided.Shape.Rank - 1)]), unit));
    }

    /// <summary>Size of an axis counted from the back; 1 in front of the first.</summary>
    private static long SizeFromBack(Shape shape, int axis) => axis <= shape.Rank ? shape[-axis] : 1;
}
