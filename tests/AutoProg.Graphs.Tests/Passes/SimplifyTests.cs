using AutoProg.Graphs.Passes;

namespace AutoProg.Graphs.Tests.Passes;

public sealed class SimplifyTests
{
    [Fact]
    public void Neutral_operands_are_removed()
    {
        Check("x * 1 = x", 2, "Exp", b => b.Exp(b.Mul(b.Scalar(1), b.Mul(X(b), b.Full(b.Scalar(0), [3], 1)))), alsoFold: true);
        Check("x + 0 = x", 2, "Exp", b => b.Exp(b.Add(b.Add(X(b), b.Scalar(0)), b.Floats([2, 3], new float[6]))));
        Check("x - 0 = x", 1, "Exp", b => b.Exp(b.Sub(X(b), b.Scalar(0))));
        Check("x / 1 = x", 1, "Exp", b => b.Exp(b.Div(X(b), b.Scalar(1))));
        Check("Identity(x) = x", 2, "Exp", b => b.Exp(b.Identity(b.Identity(X(b)))));
        Check("-(-x) = x", 1, "Exp", b => b.Exp(b.Neg(b.Neg(X(b)))));
        Check("Cast(x) = x for the type it has", 1, "Exp", b => b.Exp(b.Cast(X(b), ElementType.Float)));
    }

    [Fact]
    public void A_neutral_operand_that_repeats_the_other_one_stays() =>
        Check("x * 1 = x", 0, "Mul", b => b.Mul(X(b), b.Floats([4, 2, 3], [.. Enumerable.Repeat(1f, 24)])));

    [Fact]
    public void Subtraction_is_not_a_difference_from_zero() =>
        Check("x - 0 = x", 0, "Sub", b => b.Sub(b.Scalar(0), X(b)));

    [Fact]
    public void Adding_a_negation_is_subtracting()
    {
        Check("x + (-y) = x - y", 1, "Sub", b => b.Add(X(b), b.Neg(Y(b))));
        Check("x + (-y) = x - y", 1, "Sub", b => b.Add(b.Neg(X(b)), Y(b)));
    }

    [Fact]
    public void Reshapes_merge_and_vanish()
    {
        Check("Reshape(Reshape(x)) = Reshape(x)", 2, "Reshape", b => b.Squeeze(b.Reshape(b.Unsqueeze(X(b), 0), [1, 6]), 0));
        Check("Reshape(x) = x for the shape it has", 1, "Exp", b => b.Exp(b.Reshape(b.Reshape(X(b), [6]), [2, 3])));
    }

    [Fact]
    public void Transpositions_merge_and_vanish()
    {
        Check("Transpose(Transpose(x)) = Transpose(x)", 1, "Transpose", b => b.Transpose(b.Transpose(X(b, 2, 3, 4), 1, 2, 0), 0, 2, 1));
        Check("Transpose(Transpose(x)) = Transpose(x)", 1, "Exp", b => b.Exp(b.Transpose(b.Transpose(X(b, 2, 3, 4), 1, 2, 0), 2, 0, 1)));
        Check("Transpose(x) = Reshape(x) where only axes of size 1 move", 1, "Reshape", b => b.Transpose(X(b, 2, 1, 3), 1, 0, 2));
    }

    [Fact]
    public void A_patch_grid_that_is_flattened_to_tokens_is_not_moved_at_all() =>
        Check(
            "Transpose(Reshape(Transpose(x))) = Transpose(Reshape(x)) where merged axes stay together", 1, "Reshape",
            b => b.Transpose(b.Reshape(b.Transpose(X(b, 2, 3, 4, 5), 0, 3, 1, 2), [2, 5, 12]), 0, 2, 1));

    [Fact]
    public void Axes_that_are_merged_in_another_order_stay_transposed()
    {
        var log = Check(
            "Transpose(Reshape(Transpose(x))) = Transpose(Reshape(x)) where merged axes stay together", 0, "Transpose Reshape Transpose",
            b => b.Transpose(b.Reshape(b.Transpose(X(b, 2, 3, 4, 5), 0, 3, 2, 1), [2, 5, 12]), 0, 2, 1));
        Assert.EndsWith("axes that are merged are not neighbours before the first transposition.", log.Refused[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Tokens_that_are_laid_out_as_a_patch_grid_are_not_moved_at_all() =>
        Check(
            "Transpose(Reshape(Transpose(x))) = Transpose(Reshape(x)) where axes are split", 1, "Reshape",
            b => b.Transpose(b.Reshape(b.Transpose(X(b, 2, 12, 5), 0, 2, 1), [2, 5, 3, 4]), 0, 2, 3, 1));

    [Fact]
    public void Axes_that_are_split_move_once() =>
        Check(
            "Transpose(Reshape(Transpose(x))) = Transpose(Reshape(x)) where axes are split", 1, "Reshape Transpose",
            b => b.Transpose(b.Reshape(b.Transpose(X(b, 2, 6), 1, 0), [3, 2, 2]), 2, 1, 0));

    [Fact]
    public void A_reshape_across_axes_keeps_its_transpositions()
    {
        var log = Check(
            "Transpose(Reshape(Transpose(x))) = Transpose(Reshape(x)) where axes are split", 0, "Transpose Reshape Transpose",
            b => b.Transpose(b.Reshape(b.Transpose(X(b, 4, 6), 1, 0), [4, 6]), 1, 0));
        Assert.EndsWith("the reshape from [6, 4] to [4, 6] does more than merge axes.", log.Refused[0], StringComparison.Ordinal);
        Assert.EndsWith("the reshape from [6, 4] to [4, 6] does more than split axes.", log.Refused[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Movements_of_everything_vanish()
    {
        Check("Slice(x) = x where it takes everything", 1, "Exp", b => b.Exp(b.Slice(X(b), 1, 0, 3)));
        Check("Slice(x) = x where it takes everything", 0, "Slice", b => b.Slice(X(b), 1, -1, long.MinValue, -1));
        Check("Pad(x) = x where nothing is added", 1, "Exp", b => b.Exp(b.Pad(X(b), 0, 0, 0, 0)));
        Check("Concat(x) = x", 1, "Exp", b => b.Exp(b.Concat(0, X(b))));
    }

    [Fact]
    public void Expanded_operands_are_broadcast_by_their_reader()
    {
        Check("f(Expand(x), y) = f(x, y)", 1, "Mul", b => b.Mul(b.Expand(X(b, 1, 3), [2, 3]), Y(b)));
        Check("f(Expand(x), y) = f(x, y)", 1, "Where", b => b.Where(b.Input("c", ElementType.Bool, [2, 3]), b.Expand(X(b, 3), [2, 3]), Y(b)));
        Check("Expand(x) = x for the shape it has", 1, "Exp", b => b.Exp(b.Expand(X(b), [2, 3])));
        Check("Expand(Expand(x)) = Expand(x)", 1, "Expand", b => b.Expand(b.Expand(X(b, 1, 3), [2, 3]), [4, 2, 3]));
        Check("f(full(v), y) = f(v, y)", 1, "Max", b => b.Max(X(b), b.Floats([3], [2, 2, 2])));
    }

    [Fact]
    public void An_expanded_operand_that_alone_gives_the_shape_stays()
    {
        var log = Check("f(Expand(x), y) = f(x, y)", 0, "Expand Add", b => b.Add(b.Expand(X(b, 1, 3), [2, 3]), b.Input("y", ElementType.Float, [3])));
        Assert.Contains("operand 0 alone gives the result its shape [2, 3].", Assert.Single(log.Refused), StringComparison.Ordinal);
    }

    [Fact]
    public void Factors_in_a_row_are_one_factor()
    {
        Check("(x a) b = x (a b)", 2, "Mul", b => b.Scale(b.Div(b.Scale(X(b), 3), b.Scalar(2)), 0.25));
        Check("(x a) b = x (a b)", 1, "Mul", b => b.Neg(b.Scale(X(b), 3)));
    }

    [Fact]
    public void A_factor_joins_the_matrix_product_before_it()
    {
        Check("a Gemm(x, y, c) = Gemm(x, y, c) with alpha a, beta a", 1, "Gemm", b => b.Scale(b.Gemm(X(b), Y(b, 4, 3), b.Input("c", ElementType.Float, [4]), transB: true, beta: 0.5f), 3));
        Check("a Gemm(x, y, c) = Gemm(x, y, c) with alpha a, beta a", 1, "FusedMatMul", b => b.Neg(b.MatMul(X(b), Y(b, 3, 4))));
        Check("a Gemm(x, y, c) = Gemm(x, y, c) with alpha a, beta a", 1, "FusedMatMul Reshape Transpose", b =>
            b.Scale(b.Transpose(b.Reshape(b.FusedMatMul(X(b), Y(b), transB: true, alpha: 2), [2, 1, 2]), 2, 1, 0), 0.5));
    }

    [Fact]
    public void A_factor_joins_the_matrix_product_behind_it()
    {
        Check("Gemm(a x, y) = Gemm(x, y) with alpha a", 1, "Gemm", b => b.Gemm(b.Scale(X(b), 3), Y(b), b.Input("c", ElementType.Float, [2]), transB: true));
        Check("Gemm(a x, y) = Gemm(x, y) with alpha a", 2, "FusedMatMul", b => b.MatMul(b.Scale(X(b), 3), b.Neg(Y(b, 3, 4))));
    }

    [Fact]
    public void A_product_that_others_read_keeps_its_scale()
    {
        var log = Check("a Gemm(x, y, c) = Gemm(x, y, c) with alpha a, beta a", 0, "MatMul Mul Add", b =>
        {
            var product = b.MatMul(X(b), Y(b, 3, 4));
            return b.Add(b.Scale(product, 3), product);
        });
        Assert.Equal("a Gemm(x, y, c) = Gemm(x, y, c) with alpha a, beta a at node 'Mul' (Mul): node 'MatMul' (MatMul) has other readers.", Assert.Single(log.Refused));
    }

    private static RewriteLog Check(string rule, int fired, string operators, Func<GraphBuilder, Value> build, bool alsoFold = false) =>
        PassAssert.Rewrites(
            b => b.Output("result", build(b)),
            (g, log) => Simplify.Apply(alsoFold ? ConstantFolding.Apply(g) : g, log),
            rule, fired, operators);

    private static Value X(GraphBuilder b, params long[] shape) => b.Input("x", ElementType.Float, shape.Length == 0 ? [2, 3] : Shape.Of(shape));

    private static Value Y(GraphBuilder b, params long[] shape) => b.Input("y", ElementType.Float, shape.Length == 0 ? [2, 3] : Shape.Of(shape));
}
