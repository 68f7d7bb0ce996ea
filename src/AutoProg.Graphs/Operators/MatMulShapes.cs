using static AutoProg.Graphs.Operators.OperatorShapes;

namespace AutoProg.Graphs.Operators;

internal static class MatMulShapes
{
    public static IReadOnlyDictionary<string, ShapeRule> Rules { get; } = new Dictionary<string, ShapeRule>(StringComparer.Ordinal)
    {
        ["MatMul"] = static (n, _) => [new(n.Input(0).Type, Product(n.Input(0).Shape, n.Input(1).Shape, false, false))],
        ["FusedMatMul"] = static (n, _) =>
        [
            new(n.Input(0).Type, Product(n.Input(0).Shape, n.Input(1).Shape, n.Attributes.Flag("transA"), n.Attributes.Flag("transB"))),
        ],
        ["Gemm"] = Gemm,
    };

    /// <summary>[..., M, K] times [..., K, N]; the leading axes broadcast; an operand of rank 1 is a row (left) or a column (right).</summary>
    private static Shape Product(Shape a, Shape b, bool transA, bool transB)
    {
        if (a.Rank == 0 || b.Rank == 0)
        {
            throw new GraphException("a scalar cannot be multiplied as a matrix.");
        }

        var left = a.Rank == 1 ? [1, a[0]] : a;
        var right = b.Rank == 1 ? [b[0], 1] : b;
        var (rows, inner) = transA && a.Rank > 1 ? (left[-1], left[-2]) : (left[-2], left[-1]);
        var (inner2, columns) = transB && b.Rank > 1 ? (right[-1], right[-2]) : (right[-2], right[-1]);
        if (inner != inner2)
        {
            throw new GraphException($"inner sizes differ: {inner} and {inner2}.");
        }

        List<long> dims = [.. Broadcast(Shape.Of([.. left.Take(left.Rank - 2)]), Shape.Of([.. right.Take(right.Rank - 2)]))];
        if (a.Rank > 1)
        {
            dims.Add(rows);
        }

        if (b.Rank > 1)
        {
            dims.Add(columns);
        }

        return Shape.Of([.. dims]);
    }

    private static OutputType[] Gemm(Node node, int outputs)
    {
        var (a, b) = (node.Input(0).Shape, node.Input(1).Shape);
        if (a.Rank != 2 || b.Rank != 2)
        {
            throw new GraphException("Gemm multiplies matrices; reshape to rank 2.");
        }

        var product = Product(a, b, node.Attributes.Flag("transA"), node.Attributes.Flag("transB"));
        if (node.OptionalInput(2) is { } c && (c.Shape.Rank > 2 || c.Shape.Reverse().Zip(product.Reverse()).Any(d => d.First != 1 && d.First != d.Second)))
        {
            throw new GraphException($"C {c.Shape} does not broadcast to {product}.");
        }

        return [new(node.Input(0).Type, product)];
    }
}
