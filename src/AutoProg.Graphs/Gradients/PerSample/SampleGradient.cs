namespace AutoProg.Graphs.Gradients.PerSample;

/// <summary>The gradients of a shared value for each of B samples, in a form from which [B, elements] or their Gram matrix is computed.</summary>
internal abstract record SampleGradient
{
    /// <summary>[B, elements]: row b is the gradient for sample b, row-major.</summary>
    public abstract Value Whole(GraphBuilder b);

    /// <summary>[B, B]: the inner products of the samples' gradients.</summary>
    public virtual Value Gram(GraphBuilder b)
    {
        var rows = Whole(b);
        return b.Gemm(rows, rows, transB: true);
    }
}

/// <summary>Gradients that stand in rows already.</summary>
/// <param name="Rows">[B, elements].</param>
internal sealed record RowGradient(Value Rows) : SampleGradient
{
    /// <inheritdoc />
    public override Value Whole(GraphBuilder b) => Rows;
}

/// <summary>
/// Of a matrix [p, q] in a product: G_b = sum over tokens n of left_bn right_bn^T. Its Gram matrix has two forms, and the cheaper one is taken: the inner
/// products of all G_b, or, without any G_b, &lt;G_b, G_c&gt; = sum over n, m of &lt;left_bn, left_cm&gt; &lt;right_bn, right_cm&gt;.
/// </summary>
/// <param name="Left">[B, N, p].</param>
/// <param name="Right">[B, N, q].</param>
internal sealed record OuterProducts(Value Left, Value Right) : SampleGradient
{
    // What it costs to write and read an element again, in floating-point operations; between what one core and what many cores of today's CPUs show.
    private const double OperationsPerElement = 20;

    /// <inheritdoc />
    public override Value Whole(GraphBuilder b) =>
        b.Reshape(b.FusedMatMul(Left, Right, transA: true), [Left.Shape[0], Left.Shape[2] * Right.Shape[2]]);

    /// <inheritdoc />
    public override Value Gram(GraphBuilder b) => ByTokensIsCheaper(Left.Shape[0], Left.Shape[1], Left.Shape[2], Right.Shape[2])
        ? Tokens.SumOfSamples(b, b.Mul(Tokens.Products(b, Left), Tokens.Products(b, Right)), Left.Shape[0])
        : base.Gram(b);

    /// <summary>Which form of the Gram matrix costs less, in operations and elements moved.</summary>
    /// <param name="batch">B.</param>
    /// <param name="tokens">N.</param>
    /// <param name="p">Rows of the weight.</param>
    /// <param name="q">Columns of the weight.</param>
    public static bool ByTokensIsCheaper(long batch, long tokens, long p, long q)
    {
        var (gradients, pairs) = ((double)batch * p * q, (double)batch * tokens * batch * tokens);
        var whole = (2 * gradients * (tokens + batch)) + (OperationsPerElement * gradients);
        var byTokens = (2 * pairs * (p + q)) + (OperationsPerElement * 3 * pairs);
        return byTokens < whole;
    }
}

/// <summary>Of a table whose rows the tokens pick: row r of G_b is the sum of the gradients of the tokens of sample b that pick r.</summary>
/// <param name="Indices">[B, N], int64, from 0.</param>
/// <param name="Picked">[B, N, width]: gradients of what was picked.</param>
/// <param name="RowCount">Rows of the table.</param>
internal sealed record PickedRows(Value Indices, Value Picked, long RowCount) : SampleGradient
{
    /// <inheritdoc />
    public override Value Whole(GraphBuilder b)
    {
        var (batch, tokens, width) = (Picked.Shape[0], Picked.Shape[1], Picked.Shape[2]);
        var rows = b.Constant(Tensor.FromLongs([1, 1, RowCount], [.. Enumerable.Range(0, checked((int)RowCount)).Select(i => (long)i)]));
        var picks = b.Cast(b.Equal(b.Reshape(Indices, [batch, tokens, 1]), rows), Picked.Type); // [B, N, rows]
        return b.Reshape(b.FusedMatMul(picks, Picked, transA: true), [batch, RowCount * width]);
    }

    /// <summary>Only tokens that pick the same row meet, so the table's size plays no part.</summary>
    public override Value Gram(GraphBuilder b)
    {
        var count = Indices.Shape.ElementCount;
        var same = b.Cast(b.Equal(b.Reshape(Indices, [count, 1]), b.Reshape(Indices, [1, count])), Picked.Type);
        return Tokens.SumOfSamples(b, b.Mul(same, Tokens.Products(b, Picked)), Picked.Shape[0]);
    }
}

/// <summary>Products of all tokens of all samples with each other.</summary>
internal static class Tokens
{
    /// <summary>[B, N, width] to the inner products [B N, B N].</summary>
    public static Value Products(GraphBuilder b, Value tokens)
    {
        var rows = b.Reshape(tokens, [tokens.Shape[0] * tokens.Shape[1], tokens.Shape[2]]);
        return b.Gemm(rows, rows, transB: true);
    }

    /// <summary>[B N, B N] to [B, B]: the sum over the tokens of each pair of samples.</summary>
    public static Value SumOfSamples(GraphBuilder b, Value pairs, long batch)
    {
        var tokens = pairs.Shape[0] / batch;
        return tokens == 1 ? pairs : b.ReduceSum(b.ReduceSum(b.Reshape(pairs, [batch, tokens, batch, tokens]), [3]), [1]);
    }
}
