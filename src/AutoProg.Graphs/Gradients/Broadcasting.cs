namespace AutoProg.Graphs.Gradients;

/// <summary>The adjoint of broadcasting.</summary>
internal static class Broadcasting
{
    /// <summary>Sums over the axes along which a tensor of shape <paramref name="shape"/> was repeated.</summary>
    public static Value SumTo(GraphBuilder b, Value gradient, Shape shape)
    {
        if (gradient.Shape.Equals(shape))
        {
            return gradient;
        }

        var added = gradient.Shape.Rank - shape.Rank;
        var axes = Enumerable.Range(0, gradient.Shape.Rank)
            .Where(axis => axis < added || (shape[axis - added] == 1 && gradient.Shape[axis] != 1))
            .Select(axis => (long)axis)
            .ToArray();
        return b.Reshape(axes switch
        {
            [] => gradient,
            [0] when gradient.Shape.Rank == 2 => SumRows(b, gradient),
            [1] when gradient.Shape.Rank == 3 => SumRowsOfEach(b, gradient),
            _ => b.ReduceSum(gradient, axes),
        }, shape);
    }

    /// <summary>The shape in which a number per channel broadcasts over images [batch, channels, ...] of a rank: [1, channels, 1, ...].</summary>
    public static Shape PerChannel(Shape channels, int rank) => Shape.Of([1, channels[0], .. Enumerable.Repeat(1L, rank - 2)]);

    /// <summary>Sum over the rows of a matrix, [rows, columns] to [columns], as a product with a row of ones: matrix kernels read memory faster than reductions do.</summary>
    public static Value SumRows(GraphBuilder b, Value matrix) => b.MatMul(b.Full(matrix, [matrix.Shape[0]], 1), matrix);

    /// <summary>The same for each of a stack of matrices, [stack, rows, columns] to [stack, 1, columns].</summary>
    private static Value SumRowsOfEach(GraphBuilder b, Value matrices) => b.MatMul(b.Full(matrices, [1, matrices.Shape[1]], 1), matrices);
}
