namespace AutoProg.Graphs.Gradients;

internal static class MatMulGradients
{
    public static IReadOnlyDictionary<string, GradientRule> Rules { get; } = new Dictionary<string, GradientRule>(StringComparer.Ordinal)
    {
        ["MatMul"] = static (b, n, dy) => Product(b, n.Input(0), n.Input(1), dy[0], false, false, 1),
        ["FusedMatMul"] = static (b, n, dy) => Product(
            b, n.Input(0), n.Input(1), dy[0], n.Attributes.Flag("transA"), n.Attributes.Flag("transB"), n.Attributes.Float("alpha", 1)),
        ["Gemm"] = Gemm,
    };

    /// <summary>Y = alpha A' B' + beta C with A' = A or its transpose, B' likewise: dA' = alpha dY B'^T, dB' = alpha A'^T dY, dC = beta dY.</summary>
    private static Value?[] Gemm(GraphBuilder b, Node n, OutputGradients dy)
    {
        var (a, w, g) = (n.Input(0), n.Input(1), dy[0]);
        var (transA, transB) = (n.Attributes.Flag("transA"), n.Attributes.Flag("transB"));
        var (alpha, beta) = (n.Attributes.Float("alpha", 1), n.Attributes.Float("beta", 1));
        var da = transA ? b.Gemm(w, g, null, transB, true, alpha) : b.Gemm(g, w, null, false, !transB, alpha);
        var dw = transB ? b.Gemm(g, a, null, true, transA, alpha) : b.Gemm(a, g, null, !transA, false, alpha);
        if (n.Inputs.Count == 2)
        {
            return [da, dw];
        }

        return [da, dw, n.Inputs[2] is { } c ? Bias(b, g, c, beta) : null];
    }

    private static Value Bias(GraphBuilder b, Value g, Value c, float beta)
    {
        var sum = Broadcasting.SumTo(b, g, c.Shape);
        return beta == 1 ? sum : b.Scale(sum, beta);
    }

    /// <summary>As <see cref="Gemm"/> without C, on stacks of matrices whose leading axes broadcast.</summary>
    private static Value?[] Product(GraphBuilder b, Value a, Value w, Value g, bool transA, bool transB, float alpha)
    {
        if (a.Shape.Rank == 1 || w.Shape.Rank == 1)
        {
            return Vectors(b, a, w, g, transA, transB, alpha);
        }

        if (w.Shape.Rank == 2 && a.Shape.Rank > 2 && !transA)
        {
            return SharedRight(b, a, w, g, transB, alpha);
        }

        var da = transA ? b.FusedMatMul(w, g, transB, true, alpha) : b.FusedMatMul(g, w, false, !transB, alpha);
        var dw = transB ? b.FusedMatMul(g, a, true, transA, alpha) : b.FusedMatMul(a, g, !transA, false, alpha);
        return [da, dw];
    }

    /// <summary>One right-hand matrix for the whole stack (a linear layer): the stack is flattened, so that dW is one product and not a sum of many.</summary>
    private static Value?[] SharedRight(GraphBuilder b, Value a, Value w, Value g, bool transB, float alpha)
    {
        var rows = a.Shape.ElementCount / a.Shape[-1];
        var flatA = b.Reshape(a, [rows, a.Shape[-1]]);
        var flatG = b.Reshape(g, [rows, g.Shape[-1]]);
        var da = b.Gemm(flatG, w, null, false, !transB, alpha);
        var dw = transB ? b.Gemm(flatG, flatA, null, true, false, alpha) : b.Gemm(flatA, flatG, null, true, false, alpha);
        return [b.Reshape(da, a.Shape), dw];
    }

    /// <summary>An operand of rank 1 is a row or a column: give it its missing axis, differentiate, and take the axis away.</summary>
    private static Value?[] Vectors(GraphBuilder b, Value a, Value w, Value g, bool transA, bool transB, float alpha)
    {
        var left = a.Shape.Rank == 1 ? b.Unsqueeze(a, 0) : a;
        var right = w.Shape.Rank == 1 ? b.Unsqueeze(w, 1) : w;
        List<long> dims = [.. g.Shape];
        if (a.Shape.Rank == 1)
        {
            dims.Insert(w.Shape.Rank == 1 ? dims.Count : dims.Count - 1, 1);
        }

        if (w.Shape.Rank == 1)
        {
            dims.Add(1);
        }

        var matrices = Product(b, left, right, b.Reshape(g, Shape.Of([.. dims])), transA && a.Shape.Rank > 1, transB && w.Shape.Rank > 1, alpha);
        return
        [
            a.Shape.Rank == 1 ? b.Reshape(Broadcasting.SumTo(b, matrices[0]!, left.Shape), a.Shape) : matrices[0],
            w.Shape.Rank == 1 ? b.Reshape(Broadcasting.SumTo(b, matrices[1]!, right.Shape), w.Shape) : matrices[1],
        ];
    }
}
