namespace AutoProg.Graphs.Tests.Evaluation;

internal static class ProductFormulas
{
    public static IReadOnlyDictionary<string, Formula> All { get; } = new Dictionary<string, Formula>(StringComparer.Ordinal)
    {
        ["MatMul"] = MatMul,
        ["FusedMatMul"] = MatMul,
        ["Gemm"] = Gemm,
    };

    private static DoubleTensor[] MatMul(Node node, DoubleTensor?[] x)
    {
        var (a, b) = (x[0]!, x[1]!);
        var (vectorA, vectorB) = (a.Shape.Rank == 1, b.Shape.Rank == 1);
        var (transA, transB) = (node.Attributes.Flag("transA") && !vectorA, node.Attributes.Flag("transB") && !vectorB);
        var alpha = node.Attributes.Float("alpha", 1);
        var inner = transA ? a.Shape[-2] : a.Shape[-1];
        return [DoubleTensor.From(node.Output.Shape, i =>
        {
            var stack = i[..^((vectorA ? 0 : 1) + (vectorB ? 0 : 1))];
            var row = vectorA ? 0 : i[^(vectorB ? 1 : 2)];
            var column = vectorB ? 0 : i[^1];
            var sum = 0.0;
            for (var k = 0L; k < inner; k++)
            {
                sum += a[vectorA ? [k] : transA ? [.. stack, k, row] : [.. stack, row, k]]
                    * b[vectorB ? [k] : transB ? [.. stack, column, k] : [.. stack, k, column]];
            }

            return alpha * sum;
        })];
    }

    private static DoubleTensor[] Gemm(Node node, DoubleTensor?[] x)
    {
        var product = MatMul(node, x)[0];
        var beta = node.Attributes.Float("beta", 1);
        return x.ElementAtOrDefault(2) is { } c ? [DoubleTensor.From(product.Shape, i => product[i] + (beta * c[i]))] : [product];
    }
}
