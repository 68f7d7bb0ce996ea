using AutoProg.Graphs.Passes;

namespace AutoProg.Graphs.Tests.Passes;

public sealed class ConstantFoldingTests
{
    private const string Rule = "f(constants) = constant";

    [Fact]
    public void Arithmetic_of_constants_is_done_once()
    {
        Check(3, "Mul", b => b.Mul(X(b), b.Sqrt(b.Add(b.Neg(b.Scalar(-8)), b.Scalar(1)))));
        Check(1, "Add", b => b.Add(X(b), b.Div(b.Floats([2, 1], [1, 2]), b.Floats([3], [3, 4, 5]))));
        Check(2, "Add", b => b.Add(X(b), b.Where(b.Less(b.Floats([3], [1, 5, 3]), b.Scalar(4)), b.Floats([2, 1], [1, 2]), b.Scalar(7))));
        Check(2, "Mul", b => b.Mul(X(b), b.Cast(b.Equal(b.Floats([3], [1, 2, 1]), b.Scalar(1)), ElementType.Float)));
    }

    [Fact]
    public void Movements_of_constants_are_done_once()
    {
        Check(3, "Add", b => b.Add(X(b), b.Transpose(b.Slice(b.Reshape(b.Floats([12], [.. Enumerable.Range(0, 12)]), [4, 3]), 0, 3, 0, -2), 0, 1)));
        Check(1, "Add", b => b.Add(X(b), b.Transpose(b.Floats([3, 2], [1, 2, 3, 4, 5, 6]), 1, 0)));
        Check(1, "Add", b => b.Add(X(b), b.Expand(b.Floats([2, 1], [1, 2]), [2, 3])));
    }

    [Fact]
    public void Integers_are_computed_as_integers()
    {
        Check(2, "Gather", b => b.Gather(X(b), b.Div(b.Mul(b.Longs(5, 2), b.Longs(3)), b.Longs(10, 7))));
        Check(0, "Div Gather", b => b.Gather(X(b), b.Div(b.Longs(0), b.Longs(0))), run: false);
    }

    [Fact]
    public void What_depends_on_an_input_stays() =>
        Check(0, "Mul", b => b.Mul(X(b), b.Scalar(2)));

    [Fact]
    public void A_result_beyond_the_limit_is_left_to_the_runtime()
    {
        var log = Check(0, "Expand Concat", b => b.Concat(0, X(b), b.Expand(b.Scalar(1), [4, 3])), maxElements: 11);
        Assert.Equal($"{Rule} at node 'Expand' (Expand): the result has 12 elements, at most 11 are computed.", Assert.Single(log.Refused));
        Check(1, "Concat", b => b.Concat(0, X(b), b.Expand(b.Scalar(1), [4, 3])), maxElements: 12);
    }

    [Fact]
    public void A_result_that_is_no_larger_than_its_operands_is_computed_whatever_the_limit() =>
        Check(1, "Add", b => b.Add(X(b), b.Transpose(b.Floats([3, 2], [1, 2, 3, 4, 5, 6]), 1, 0)), maxElements: 0);

    [Fact]
    public void An_operator_without_a_host_kernel_stays_and_the_log_tells()
    {
        var log = Check(0, "Erf Mul", b => b.Mul(X(b), b.Erf(b.Scalar(2))));
        Assert.Equal($"{Rule} at node 'Erf' (Erf): Erf of Float is not computed on the host.", Assert.Single(log.Refused));
    }

    private static RewriteLog Check(int fired, string operators, Func<GraphBuilder, Value> build, long maxElements = ConstantFolding.DefaultMaxElements, bool run = true)
    {
        Graph Fold(Graph graph, RewriteLog log) => ConstantFolding.Apply(graph, log, maxElements);
        if (run)
        {
            return PassAssert.Rewrites(b => b.Output("result", build(b)), Fold, Rule, fired, operators);
        }

        var b = new GraphBuilder();
        b.Output("result", build(b));
        var log = new RewriteLog();
        Assert.Equal(operators, PassAssert.Operators(Fold(b.Build(), log)));
        return log;
    }

    private static Value X(GraphBuilder b) => b.Input("x", ElementType.Float, [2, 3]);
}
