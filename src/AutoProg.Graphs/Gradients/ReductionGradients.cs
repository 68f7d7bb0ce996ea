using AutoProg.Graphs.Operators;
using static AutoProg.Graphs.Gradients.GradientRules;

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
        ["ReduceProd"] = Product,
        ["ReduceL2"] = Norm,
        ["ReduceLogSumExp"] = LogSumExp,
        ["ArgMax"] = NoGradient,
        ["ArgMin"] = NoGradient,
        ["CumSum"] = static (b, n, dy) =>
            [b.CumSum(dy[0], ReductionShapes.SummedAxis(n), n.Attributes.Flag("exclusive"), !n.Attributes.Flag("reverse")), null],
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

    /// <summary>Each factor gets the product of the others, so that factors that are zero need no division. K factors take K^2 elements.</summary>
    private static Value?[] Product(GraphBuilder b, Node n, OutputGradients dy)
    {
        var x = n.Input(0);
        var reduced = ReductionShapes.Axes(n);
        long[] order = [.. Enumerable.Range(0, x.Shape.Rank).Except(reduced).Concat(reduced).Select(a => (long)a)];
        var outer = n.Output.Shape.ElementCount;
        var factors = outer == 0 ? 0 : x.Shape.ElementCount / outer;
        var rows = b.Reshape(b.Transpose(x, order), [outer, 1, factors]);
        var self = b.Equal(b.Longs([.. Enumerable.Range(0, (int)factors)]), b.Reshape(b.Longs([.. Enumerable.Range(0, (int)factors)]), [factors, 1]));
        var others = b.ReduceProd(b.Where(self, b.ScalarLike(x, 1), rows), [2]); // [outer, factors]
        var gradient = b.Reshape(b.Mul(others, b.Reshape(dy[0], [outer, 1])), Shape.Of([.. order.Select(axis => x.Shape[(int)axis])]));
        return First(n, b.Transpose(gradient, LayoutGradients.Inverse(order)));
    }

    /// <summary>y = sqrt(sum(x^2)): dy/dx = x / y, and 0 at y = 0, as in PyTorch.</summary>
    private static Value?[] Norm(GraphBuilder b, Node n, OutputGradients dy)
    {
        var positive = b.Where(b.Equal(n.Output, b.ScalarLike(n.Output, 0)), b.ScalarLike(n.Output, 1), n.Output);
        return First(n, b.Mul(n.Input(0), b.Reshape(b.Div(dy[0], positive), Kept(n))));
    }

    /// <summary>y = log(sum(exp x)): dy/dx = exp(x - y), and 0 where all x are -infinity, as in PyTorch.</summary>
    private static Value?[] LogSumExp(GraphBuilder b, Node n, OutputGradients dy)
    {
        var finite = b.Where(b.IsInf(n.Output), b.ScalarLike(n.Output, 0), n.Output);
        return First(n, b.Mul(b.Exp(b.Sub(n.Input(0), b.Reshape(finite, Kept(n)))), b.Reshape(dy[0], Kept(n))));
    }

    private static Value?[] First(Node n, Value gradient) => [gradient, .. new Value?[n.Inputs.Count - 1]];

    /// <summary>The output's shape with the reduced axes kept as 1.</summary>
    private static Shape Kept(Node n)
    {
        var axes = ReductionShapes.Axes(n);
        return Shape.Of([.. n.Input(0).Shape.Select((dim, i) => axes.Contains(i) ? 1 : dim)]);
    }
}
