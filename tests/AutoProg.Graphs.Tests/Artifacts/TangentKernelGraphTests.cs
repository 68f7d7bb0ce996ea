using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.Tests.Evaluation;

namespace AutoProg.Graphs.Tests.Artifacts;

public sealed class TangentKernelGraphTests
{
    [Fact]
    public void The_manifest_lists_a_Gram_matrix_per_learnable_parameter()
    {
        var kernel = Create(static _ => true);
        var (_, manifest) = kernel.Write("small-b3-ntk");
        Assert.Equal(["gram.first", "gram.second", "gram.bias"], manifest.Outputs.Select(o => o.Name));
        Assert.Equal([("first", "gram.first"), ("second", "gram.second"), ("bias", "gram.bias")], kernel.Grams.Select(g => (g.Key, g.Value)));
        Assert.All(manifest.Outputs, o => Assert.Equal([3L, 3], o.Shape));
        Assert.Empty(manifest.Gradients);
        Assert.Null(manifest.Loss);
    }

    [Fact]
    public void Parameters_that_no_gradient_depends_on_are_not_asked_for()
    {
        Assert.Equal(["first", "second"], Create(static _ => true).Graph.Parameters.Select(p => p.Name)); // the last bias moves the output alone
        Assert.Equal(["first"], Create(static name => name == "second").Graph.Parameters.Select(p => p.Name));
    }

    [Fact]
    public void What_frozen_parameters_alone_need_is_not_computed()
    {
        var (all, last) = (Create(static _ => true).Graph, Create(static name => name == "second").Graph);
        Assert.True(last.Nodes.Count < all.Nodes.Count);
        var feeds = new Dictionary<string, DoubleTensor>
        {
            ["x"] = new([3, 2], [1, 2, -1, 0.5, 3, -2]),
            ["first"] = new([2, 2], [0.1, 0.2, 0.3, -0.4]),
            ["second"] = new([2, 4], [1, 2, 3, 4, 5, 6, 7, 8]),
        };
        Assert.Equal(DoubleEvaluator.Run(all, feeds)["gram.second"].Values, DoubleEvaluator.Run(last, feeds)["gram.second"].Values);
    }

    [Fact]
    public void A_kernel_of_nothing_is_refused() => Assert.Equal(
        "None of the 3 parameters is learnable, so there is no tangent kernel; choose one at least.",
        Assert.Throws<GraphException>(() => Create(static _ => false)).Message);

    private static TangentKernelGraph Create(Func<string, bool> learnable)
    {
        var b = new GraphBuilder();
        var hidden = b.Tanh(b.MatMul(b.Input("x", ElementType.Float, [3, 2]), b.Parameter("first", [2, 2])));
        return TangentKernelGraph.Create(b, b.Gemm(hidden, b.Parameter("second", [2, 4]), b.Parameter("bias", [4])), learnable);
    }
}
