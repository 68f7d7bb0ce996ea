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
    public void Elements_are_picked_joined_repeated_and_written()
    {
        Check(1, "Add", b => b.Add(X(b), b.Gather(b.Floats([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]), b.Longs(3, -4, 1), 1)));
        Check(1, "Add", b => b.Add(X(b), b.Concat(1, b.Floats([2, 1], [1, 2]), b.Floats([2, 2], [3, 4, 5, 6]))));
        Check(1, "Add", b => b.Add(X(b), b.Tile(b.Floats([1, 3], [1, 2, 3]), 2, 1)));
        Check(1, "Concat", b => b.Concat(0, X(b), b.Tile(b.Floats([2, 1], [1, 2]), 2, 3)));
        Check(1, "Add", b => b.Add(X(b), b.ScatterND(b.Floats([2, 3], [1, 2, 3, 4, 5, 6]), b.Constant(Tensor.FromLongs([2, 1], [1, -2])), b.Floats([2, 3], [7, 8, 9, 10, 11, 12]))));
        Check(1, "Add", b => b.Add(X(b), b.ScatterND(b.Floats([3], [1, 2, 3]), b.Constant(Tensor.FromLongs([2, 1], [2, 0])), b.Floats([2], [7, 8]))));
    }

    [Fact]
    public void Reductions_and_truth_values_of_constants_are_computed()
    {
        Check(1, "Add", b => b.Add(X(b), b.ReduceSum(b.Floats([2, 2, 3], [.. Enumerable.Range(0, 12)]), [1])));
        Check(1, "Add", b => b.Add(X(b), b.ReduceMax(b.Floats([2, 3], [1, 5, 2, 4, 3, 6]), [0], keepDims: true)));
        Check(1, "Add", b => b.Add(X(b), b.ReduceProd(b.Floats([3, 2], [1, 5, 2, 4, 3, 6]), [1])));
        Check(1, "Add", b => b.Add(X(b), b.ReduceMin(b.Floats([3], [3, 2, 4]), [])));
        Check(4, "Where", b => b.Where(b.Not(b.And(b.Or(Truths(b, true, false, false), Truths(b, false, true, false)), b.Xor(Truths(b, true, true, true), Truths(b, false, true, true)))), X(b), b.Scalar(7)));
        Check(4, "Add", b => b.Add(X(b), b.Cast(b.And(b.LessOrEqual(b.Floats([3], [1, 2, 3]), b.Scalar(2)), b.GreaterOrEqual(b.Floats([3], [1, 2, 3]), b.Scalar(2))), ElementType.Float)));
        Check(2, "Add", b => b.Add(X(b), b.Max(b.Floor(b.Floats([3], [1.5f, -1.5f, 2])), b.Floats([3], [0, 1, 9]), b.Scalar(1))));
        Check(2, "Mul", b => b.Mul(X(b), b.Pow(b.Round(b.Floats([3], [1.5f, 2.5f, 3])), b.Scalar(2))));
    }

    [Fact]
    public void Integers_are_computed_as_integers()
    {
        Check(3, "Gather", b => b.Gather(X(b), b.Cast(b.Mod(b.Mul(b.Longs(-5, 7), b.Longs(3)), b.Longs(2)), ElementType.Int64)));
        Check(2, "Gather", b => b.Gather(X(b), b.Cast(b.Ceil(b.Floats([2], [0.2f, -1.5f])), ElementType.Int64)));
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

    [Fact]
    public void An_index_outside_is_named()
    {
        var b = new GraphBuilder();
        b.Output("result", b.Gather(b.Longs(1, 2), b.Longs(2)));
        Assert.Equal("index 2 is outside an axis of 2.", Assert.Throws<GraphException>(() => ConstantFolding.Apply(b.Build())).Message);
    }

    [Fact]
    public void A_number_that_no_integer_is_near_to_is_left_to_the_runtime() =>
        Check(0, "Cast Gather", b => b.Gather(X(b), b.Cast(b.Floats([1], [float.NaN]), ElementType.Int64)), run: false);

    private static Value Truths(GraphBuilder b, params bool[] values) => b.Constant(Tensor.FromBools([values.Length], values));

    private static Value X(GraphBuilder b) => b.Input("x", ElementType.Float, [2, 3]);
}
