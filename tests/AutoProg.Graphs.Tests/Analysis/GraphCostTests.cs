using AutoProg.Graphs.Analysis;
using AutoProg.Graphs.Passes;

namespace AutoProg.Graphs.Tests.Analysis;

public sealed class GraphCostTests
{
    [Theory]
    [InlineData("Gemm", 2 * 5 * 7 * 3)]
    [InlineData("FusedMatMul", 2 * 2 * 5 * 7 * 3)]
    [InlineData("Conv", 2 * 2 * 6 * 20 * 20 * 4 * 9)]
    [InlineData("grouped Conv", 2 * 2 * 6 * 20 * 20 * 2 * 9)]
    [InlineData("ConvTranspose", 2 * 2 * 4 * 20 * 20 * 6 * 9)]
    [InlineData("elementwise", 0)]
    public void Products_of_matrices_are_counted(string what, long expected)
    {
        var b = new GraphBuilder();
        var image = b.Input("image", ElementType.Float, [2, 4, 20, 20]);
        b.Output("y", what switch
        {
            "Gemm" => b.Gemm(b.Input("x", ElementType.Float, [5, 3]), b.Parameter("w", [3, 7])),
            "FusedMatMul" => b.FusedMatMul(b.Input("x", ElementType.Float, [2, 3, 5]), b.Input("z", ElementType.Float, [2, 3, 7]), transA: true),
            "Conv" => b.Conv(image, b.Parameter("w", [6, 4, 3, 3]), pads: [1, 1, 1, 1]),
            "grouped Conv" => b.Conv(image, b.Parameter("w", [6, 2, 3, 3]), pads: [1, 1, 1, 1], groups: 2),
            "ConvTranspose" => b.ConvTranspose(image, b.Parameter("w", [4, 6, 3, 3]), pads: [1, 1, 1, 1]),
            _ => b.Relu(image),
        });
        Assert.Equal(expected, GraphCost.MatrixFlops(b.Build()));
    }

    [Fact]
    public void What_is_fused_counts_as_much_as_before()
    {
        var b = new GraphBuilder();
        var y = b.Conv(b.Input("x", ElementType.Float, [2, 4, 20, 20]), b.Parameter("w", [6, 4, 3, 3]), pads: [1, 1, 1, 1]);
        b.Output("y", b.Relu(b.Add(b.Mul(b.Relu(y), b.Parameter("a", [1, 6, 1, 1])), b.Parameter("b", [1, 6, 1, 1]))));
        var graph = b.Build();
        var fused = ConvFusion.Apply(graph, new RewriteLog());

        Assert.Equal(2, fused.Nodes.Count(n => n.Operator == "FusedConv"));
        Assert.Equal(GraphCost.MatrixFlops(graph), GraphCost.MatrixFlops(fused));
    }

    [Fact]
    public void The_peak_of_activations_is_what_lives_at_once_where_results_take_the_place_of_operands()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, [100]);
        var kept = b.Exp(x);
        b.Output("y", b.Add(b.Exp(b.Exp(kept)), kept));
        Assert.Equal(2 * 100 * sizeof(float), GraphCost.PeakActivationBytes(b.Build()));
    }

    [Fact]
    public void A_fused_convolution_takes_the_place_of_what_it_adds_and_of_nothing_else()
    {
        var b = new GraphBuilder();
        var (x, w) = (b.Exp(b.Input("x", ElementType.Float, [2, 4, 20, 20])), b.Parameter("w", [4, 4, 1, 1]));
        b.Output("y", b.ReduceSum(b.Add(b.Conv(x, w), b.Exp(b.Input("z", ElementType.Float, [2, 4, 20, 20]))), []));
        var fused = ConvFusion.Apply(b.Build(), new RewriteLog());

        Assert.Equal(2 * 2 * 4 * 20 * 20 * sizeof(float), GraphCost.PeakActivationBytes(fused));
    }
}
