using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Gradients;

internal static class ReductionGradients
{
    public static IReadOnlyDictionary<string, GradientRule> Rules { get; } = new Dictionary<string, GradientRule>(StringComparer.Ordinal)
    {
        ["ReduceSum"] = static (b, n, dy) => Spread(b, n, dy[0]),
        ["ReduceMean"] = static (b, n, dy) => Spread(b, n, b.Scale(dy[0], (double)n.Output.Shape.ElementCount / n.Input(0).Shape.ElementCount)),
        ["ReduceSumSquare"] = static (b, n, dy) =>
            [b.Mul(b.Scale(n.Input(0), 2), b.Reshape(dy[0], Kept(n))), .. new Value?[n.Inputs.Count - 1]],
        ["ReduceMax"] = Extremum,
        ["ReduceMin"] = Extremum,
    };

    /// <summary>Each element of the sum gets the sum's gradient.</summary>
    private static Value?[] Spread(GraphBuilder b, Node n, Value gradient)
    {
        var all = new Value?[n.Inputs.Count];
        all[0] = b.Expand(b.Reshape(gradient, Kept(n)), n.Input(0).Shape);
        return all;
    }

    /// <summary>The gradient goes to the extremum; elements that tie share it evenly, as PyTorch's amax.</summary>
    private static Value?[] Extremum(GraphBuilder b, Node n, OutputGradients dy)
    {
        var x = n.Input(0);
        var chosen = b.Cast(b.Equal(x, b.Reshape(n.Output, Kept(n))), x.Type);
        var ties = b.ReduceSum(chosen, [.. ReductionShapes.Axes(n).Select(a => (long)a)], keepDims: true);
        var all = new Value?[n.Inputs.Count];
        all[0] = b.Mul(chosen, b.Div(b.Reshape(dy[0], Kept(n)), ties));
        return all;
    }

    /// <summary>The output's shape with the reduced axes kept as 1.</summary>
    private static Shape Kept(Node n)
    {
        var axes = ReductionShapes.Axes(n);
        return Shape.Of([.. n.Input(0).Shape.Select((dim, i) => axes.Contains(i) ? 1 : dim)]);
    }
}
