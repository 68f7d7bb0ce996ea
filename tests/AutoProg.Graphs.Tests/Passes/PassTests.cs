using AutoProg.Graphs.Passes;
using AutoProg.Graphs.Tests.Evaluation;
using AutoProg.Graphs.Tests.Gradients;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Graphs.Tests.Passes;

public sealed class PassTests
{
    public static TheoryData<string> Rows => GradientRows.Names;

    [Theory]
    [MemberData(nameof(Rows))]
    public void The_standard_passes_keep_the_results_of_every_gradient_graph(string row)
    {
        for (var seed = 0; seed < GradientRows.Draws; seed++)
        {
            var drawn = GradientRows.All[row].Draw(seed, ElementType.Double);
            var expected = DoubleEvaluator.Run(drawn.Training, drawn.Feeds);
            var optimised = Pass.Standard(drawn.Training);
            Assert.True(optimised.Nodes.Count <= drawn.Training.Nodes.Count);
            Assert.Equal(optimised.Nodes.Count, optimised.Nodes.Select(n => n.Name).Distinct().Count());
            foreach (var (name, actual) in DoubleEvaluator.Run(optimised, drawn.Feeds))
            {
                var size = Math.Max(1, expected[name].Values.DefaultIfEmpty().Max(Math.Abs));
                Assert.All(expected[name].Values.Zip(actual.Values), pair => Assert.Equal(pair.First, pair.Second, 1e-6 * size)); // attributes are float32
            }
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void ONNX_Runtimes_own_optimisations_keep_the_results_too(string row)
    {
        var drawn = GradientRows.All[row].Draw(1, ElementType.Float);
        var expected = DoubleEvaluator.Run(drawn.Training, drawn.Feeds);
        foreach (var (name, actual) in OrtRun.Run(Pass.Standard(BatchStatistics.Expand(drawn.Training)), drawn.Feeds, GraphOptimizationLevel.ORT_ENABLE_ALL))
        {
            var size = Math.Max(1, expected[name].Values.DefaultIfEmpty().Max(Math.Abs));
            Assert.All(expected[name].Values.Zip(actual.Values), pair => Assert.Equal(pair.First, pair.Second, 1e-4 * size)); // float32 kernels
        }
    }

    [Fact]
    public void The_gradient_of_a_mean_starts_with_a_number_not_with_a_tensor_of_numbers()
    {
        var b = new GraphBuilder();
        var (logits, target) = (b.Parameter("logits", [8, 10]), b.Input("target", ElementType.Float, [8, 10]));
        var loss = Losses.SoftTargetCrossEntropy(b, logits, target);
        b.Output("loss", loss);
        b.Output("gradient", AutoProg.Graphs.Gradients.Differentiator.AddGradients(b, loss, [logits])[logits]);
        var graph = Pass.Standard(b.Build());
        Assert.DoesNotContain("Expand", graph.OperatorCounts().Keys);
        Assert.All(graph.Constants.Where(c => c.Type == ElementType.Float), c => Assert.Equal(1, c.Shape.ElementCount));
    }

    [Fact]
    public void Nodes_that_no_output_needs_are_removed_and_the_interface_stays()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, [2]);
        var w = b.Parameter("w", [2]);
        b.Exp(b.Mul(x, w));
        b.Output("result", b.Tanh(x));
        var graph = DeadCode.Remove(b.Build());
        Assert.Equal("Tanh", PassAssert.Operators(graph));
        Assert.Equal(["w"], graph.Parameters.Select(p => p.Name));
    }

    [Fact]
    public void Equal_nodes_become_one_and_chains_of_equal_nodes_too()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, [2, 2]);
        b.Output("left", b.Exp(b.Mul(x, b.Scalar(2))));
        b.Output("right", b.Exp(b.Mul(x, b.Scalar(2))));
        var before = b.Build();
        var after = CommonSubexpressions.Merge(before);
        Assert.Equal("Mul Exp", PassAssert.Operators(after));
        Assert.Same(after.Outputs[0].Value, after.Outputs[1].Value);
        PassAssert.SameNumbers(before, after);
    }

    [Fact]
    public void Nodes_that_differ_in_an_attribute_operand_order_or_domain_stay_apart()
    {
        var b = new GraphBuilder();
        var (x, y) = (b.Input("x", ElementType.Float, [2, 2]), b.Input("y", ElementType.Float, [2, 2]));
        Value Gemm(string transposed) => b.Add("Gemm", [x, y], new Attributes { { transposed, true } })[0];
        Value[] values = [b.Sub(x, y), b.Sub(y, x), b.Softmax(x, 0), b.Softmax(x, 1), b.Gemm(x, y), b.Gemm(x, y, alpha: 2), Gemm("transA"), Gemm("transB"), b.Clip(x, b.Scalar(0), null), b.Clip(x, null, b.Scalar(0))];
        for (var i = 0; i < values.Length; i++)
        {
            b.Output($"y{i}", values[i]);
        }

        Assert.Equal(values.Length, CommonSubexpressions.Merge(b.Build()).Nodes.Count);
    }

    [Fact]
    public void Statistics_that_only_a_gradient_would_read_are_left_out()
    {
        var b = new GraphBuilder();
        var (x, w) = (b.Input("x", ElementType.Float, [2, 4]), b.Parameter("w", [4]));
        b.Output("normalised", b.Tanh(b.LayerNormalization(x, w, w, 1e-5f)));
        b.Output("pooled", b.MaxPool(b.Reshape(x, [1, 2, 4]), [2]));
        var before = b.Build();
        var after = UnusedOutputs.Remove(before);
        Assert.All(after.Nodes, n => Assert.Single(n.Outputs));
        PassAssert.SameNumbers(before, after);
    }

    [Fact]
    public void Statistics_that_are_read_stay()
    {
        var b = new GraphBuilder();
        var (x, w) = (b.Input("x", ElementType.Float, [2, 4]), b.Parameter("w", [4]));
        var y = b.LayerNormalization(x, w, w, 1e-5f);
        b.Output("deviation", b.Exp(y.Producer!.Outputs[2]));
        Assert.Equal(3, UnusedOutputs.Remove(b.Build()).Nodes[0].Outputs.Count);
    }

    [Fact]
    public void The_log_of_the_standard_passes_tells_what_was_done()
    {
        var b = new GraphBuilder();
        b.Output("y", b.Mul(b.Input("x", ElementType.Float, [2]), b.Neg(b.Scalar(-1))));
        var log = new RewriteLog();
        var graph = Pass.Standard(b.Build(), log);
        Assert.Empty(graph.Nodes);
        Assert.Equal(["f(constants) = constant", "x * 1 = x"], log.Fired.Keys);
    }
}
