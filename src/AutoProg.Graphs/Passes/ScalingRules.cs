namespace AutoProg.Graphs.Passes;

/// <summary>Multiplications by a number, moved into other multiplications.</summary>
internal static class ScalingRules
{
    public static IReadOnlyList<RewriteRule> All { get; } =
    [
        new("(x a) b = x (a b)", Chain),
        new("a Gemm(x, y, c) = Gemm(x, y, c) with alpha a, beta a", static (n, g) => AfterProduct(n, g)),
        new("Gemm(a x, y) = Gemm(x, y) with alpha a", static (n, g) => BeforeProduct(n, g)),
    ];

    /// <summary>The factor and operand of x a, a x, x / a or -x with a scalar constant a, or null.</summary>
    private static (Value X, double Factor)? Scaled(Node? n) => n?.Operator switch
    {
        "Neg" when n.Output.Type.IsFloatingPoint() => (n.Input(0), -1),
        "Mul" when Number(n, 1) is { } a => (n.Input(0), a),
        "Mul" when Number(n, 0) is { } a => (n.Input(1), a),
        "Div" when Number(n, 1) is { } a && a != 0 => (n.Input(0), 1 / a),
        _ => null,
    };

    /// <summary>An operand that is one number, if the other has the result's type and shape.</summary>
    private static double? Number(Node n, int input) =>
        n.Output.Type is ElementType.Float or ElementType.Double && n.Input(1 - input).Shape.Equals(n.Output.Shape) ? n.Input(input).Constant?.Uniform() : null;

    private static Value Times(Rewriting graph, Node n, Value x, double factor) => factor == -1
        ? graph.Add("Neg", n, [x])
        : graph.Add("Mul", n, [x, graph.Constant(Tensor.Scalar(x.Type, factor))]);

    private static Value? Chain(Node n, Rewriting graph) =>
        Scaled(n) is { } outer && Scaled(outer.X.Producer) is { } inner && IsSafe(outer.Factor * inner.Factor)
            ? Times(graph, n, inner.X, outer.Factor * inner.Factor)
            : null;

    /// <summary>A product of two factors may leave the range of float32 though each is inside.</summary>
    private static bool IsSafe(double factor) => Math.Abs(factor) is > 1e-30 and < 1e30;

    /// <summary>The factor may also come behind a Reshape or Transpose of the product.</summary>
    private static Value? AfterProduct(Node n, Rewriting graph)
    {
        if (Scaled(n) is not { } scaled)
        {
            return null;
        }

        var layouts = new Stack<Node>();
        var value = scaled.X;
        while (value.Producer is { Operator: "Reshape" or "Transpose" or "Squeeze" or "Unsqueeze" } layout && graph.HasOneReader(value))
        {
            layouts.Push(layout);
            value = layout.Input(0);
        }

        if (value.Producer is not { Operator: "Gemm" or "MatMul" or "FusedMatMul" } product)
        {
            return null;
        }

        if (!graph.HasOneReader(value))
        {
            return graph.No(n, $"{product} has other readers.");
        }

        var result = WithAlpha(graph, product, product.Inputs, scaled.Factor, scaled.Factor);
        return layouts.Aggregate(result, (x, layout) => graph.Add(layout.Operator, layout, [x, .. layout.Inputs.Skip(1)], layout.Attributes));
    }

    private static Value? BeforeProduct(Node n, Rewriting graph)
    {
        if (n.Operator is not ("Gemm" or "MatMul" or "FusedMatMul"))
        {
            return null;
        }

        for (var i = 0; i < 2; i++)
        {
            if (Scaled(n.Input(i).Producer) is { } scaled)
            {
                Value?[] inputs = [.. n.Inputs];
                inputs[i] = scaled.X;
                return graph.HasOneReader(n.Input(i))
                    ? WithAlpha(graph, n, inputs, scaled.Factor, 1)
                    : graph.No(n, $"{n.Input(i).Producer} has other readers.");
            }
        }

        return null;
    }

    private static Value WithAlpha(Rewriting graph, Node product, IReadOnlyList<Value?> inputs, double alpha, double beta)
    {
        var attributes = new Attributes { { "alpha", (float)(product.Attributes.Float("alpha", 1) * alpha) } };
        foreach (var (name, value) in product.Attributes.Where(a => a.Key is not ("alpha" or "beta")))
        {
            attributes.Add(name, (long)value);
        }

        if (product.Operator != "Gemm")
        {
            return graph.Add("FusedMatMul", product, inputs, attributes, GraphBuilder.MicrosoftDomain);
        }

        attributes.Add("beta", (float)(product.Attributes.Float("beta", 1) * beta));
        return graph.Add("Gemm", product, inputs, attributes);
    }
}
