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
        return b.Reshape(axes.Length == 0 ? gradient : b.ReduceSum(gradient, axes), shape);
    }
}
