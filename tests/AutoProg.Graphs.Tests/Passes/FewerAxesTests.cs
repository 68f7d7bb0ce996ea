using AutoProg.Graphs.Passes;

namespace AutoProg.Graphs.Tests.Passes;

public sealed class FewerAxesTests
{
    private const string Rule = "Transpose(x) = Transpose(Reshape(x)) of fewer axes";

    [Theory]
    [InlineData(new long[] { 5, 4, 1, 1 }, new long[] { 1, 0, 2, 3 }, new long[] { 5, 4 }, new long[] { 1, 0 })] // weights of one tap
    [InlineData(new long[] { 5, 4, 3, 2 }, new long[] { 1, 0, 2, 3 }, new long[] { 5, 4, 6 }, new long[] { 1, 0, 2 })]
    [InlineData(new long[] { 2, 1, 3, 4, 5 }, new long[] { 1, 0, 3, 4, 2 }, new long[] { 2, 3, 20 }, new long[] { 0, 2, 1 })] // pixels in front of channels
    [InlineData(new long[] { 2, 3, 4, 5 }, new long[] { 2, 3, 0, 1 }, new long[] { 6, 20 }, new long[] { 1, 0 })]
    [InlineData(new long[] { 2, 3, 1, 5 }, new long[] { 3, 2, 0, 1 }, new long[] { 6, 5 }, new long[] { 1, 0 })] // an axis of size 1 on its way between
    [InlineData(new long[] { 2, 3, 4, 5 }, new long[] { 3, 1, 0, 2 }, null, null)]
    [InlineData(new long[] { 2, 3, 4, 5 }, new long[] { 0, 2, 1, 3 }, null, null)] // heads of an attention
    public void Neighbours_move_as_one(long[] shape, long[] permutation, long[]? merged, long[]? shorter)
    {
        var log = PassAssert.Rewrites(
            b => b.Output("y", b.Transpose(b.Input("x", ElementType.Float, Shape.Of(shape)), permutation)),
            FewerAxes.Apply,
            Rule,
            merged is null ? 0 : 1,
            merged is null ? "Transpose" : "Reshape Transpose Reshape");
        Assert.Empty(log.Refused);

        var b = new GraphBuilder();
        b.Output("y", b.Transpose(b.Input("x", ElementType.Float, Shape.Of(shape)), permutation));
        var transpose = FewerAxes.Apply(b.Build(), new RewriteLog()).Nodes.Single(n => n.Operator == "Transpose");
        Assert.Equal(merged ?? shape, transpose.Input(0).Shape);
        Assert.Equal(shorter ?? permutation, transpose.Attributes.Ints("perm"));
    }

    [Fact]
    public void A_reshape_before_and_behind_is_taken_along() =>
        PassAssert.Rewrites(
            b => b.Output("y", b.Reshape(b.Transpose(b.Reshape(b.Input("w", ElementType.Float, [5, 4, 1, 1]), [1, 5, 4, 1]), 0, 2, 1, 3), [4, 5, 1, 1])),
            FewerAxes.Apply,
            Rule,
            1,
            "Reshape Transpose Reshape");
}
