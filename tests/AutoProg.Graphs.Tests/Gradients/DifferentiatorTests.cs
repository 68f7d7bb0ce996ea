using AutoProg.Graphs.Gradients;

namespace AutoProg.Graphs.Tests.Gradients;

public sealed class DifferentiatorTests
{
    [Fact]
    public void An_operator_without_a_rule_is_named_with_its_node_and_the_cure()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, [2, 3]);
        Value y;
        using (b.Scope("head"))
        {
            y = b.Exp(x);
        }

        var error = Assert.Throws<GraphException>(() => Differentiator.AddGradientsBy(
            op => op == "Exp" ? null : GradientRules.Find(op), b, b.ReduceSum(y, []), [x]));
        Assert.Equal("No gradient rule for 'Exp' (node 'head/Exp'). Add it to its family under Gradients, or freeze the parameters in front of it.", error.Message);
    }

    [Fact]
    public void A_rule_that_forgets_an_input_is_named()
    {
        var b = new GraphBuilder();
        var x = b.Parameter("x", [2]);
        var loss = b.ReduceSum(b.Mul(x, x), []);
        var error = Assert.Throws<GraphException>(() => Differentiator.AddGradientsBy(
            op => op == "Mul" ? (_, _, dy) => [dy[0]] : GradientRules.Find(op), b, loss, [x]));
        Assert.Equal("The gradient rule of 'Mul' gave 1 gradients for 2 inputs (node 'Mul' (Mul)).", error.Message);
    }

    [Fact]
    public void A_target_that_does_not_influence_the_loss_is_named()
    {
        var b = new GraphBuilder();
        var (x, w) = (b.Parameter("x", [2]), b.Parameter("w", [2]));
        b.Mul(x, w);
        using var scope = b.Scope("loss");
        var error = Assert.Throws<GraphException>(() => Differentiator.AddGradients(b, b.ReduceSum(x, []), [x, w]));
        Assert.Equal("'w' does not influence the loss 'loss/ReduceSum:out'. Freeze it, or use it in the model.", error.Message);
    }

    [Fact]
    public void A_loss_must_be_a_scalar()
    {
        var b = new GraphBuilder();
        var x = b.Parameter("x", [2, 3]);
        var error = Assert.Throws<GraphException>(() => Differentiator.AddGradients(b, b.Exp(x), [x]));
        Assert.Equal("The loss 'Exp:out' has shape [2, 3]; a scalar is needed. Reduce it first.", error.Message);
    }

    [Fact]
    public void Gradients_of_all_uses_of_a_value_are_added()
    {
        var b = new GraphBuilder();
        var x = b.Parameter("x", [2]);
        var loss = b.ReduceSum(b.Add(b.Mul(x, x), b.Add(x, x)), []);
        b.Output("gradient", Differentiator.AddGradients(b, loss, [x])[x]);
        var gradient = Evaluation.DoubleEvaluator.Run(b.Build(), new Dictionary<string, Evaluation.DoubleTensor> { ["x"] = new([2], [3, -1]) })["gradient"];
        Assert.Equal([8, 0], gradient.Values); // 2 x + 2
    }

    [Fact]
    public void An_output_that_nothing_reads_has_gradient_zero()
    {
        var b = new GraphBuilder();
        var x = b.Parameter("x", [4]);
        b.Output("gradient", Differentiator.AddGradients(b, b.ReduceSum(b.Split(x, 0, 1, 3)[1], []), [x])[x]);
        var gradient = Evaluation.DoubleEvaluator.Run(b.Build(), new Dictionary<string, Evaluation.DoubleTensor> { ["x"] = new([4], [1, 2, 3, 4]) })["gradient"];
        Assert.Equal([0, 1, 1, 1], gradient.Values);
    }

    [Fact]
    public void A_stopped_gradient_does_not_pass_and_everything_else_does()
    {
        var b = new GraphBuilder();
        var x = b.Parameter("x", [2]);
        var loss = b.ReduceSum(b.Mul(b.StopGradient(b.Exp(x)), x), []);
        b.Output("loss", loss);
        b.Output("gradient", Differentiator.AddGradients(b, loss, [x])[x]);
        var results = Evaluation.DoubleEvaluator.Run(b.Build(), new Dictionary<string, Evaluation.DoubleTensor> { ["x"] = new([2], [1, -1]) });
        Assert.Equal([Math.E, 1 / Math.E], results["gradient"].Values); // exp(x) as if it were constant, not (1 + x) exp(x)
        Assert.Equal(Math.E - (1 / Math.E), results["loss"].Values[0], 12);
    }

    [Fact]
    public void A_stopped_gradient_leaves_no_node_behind()
    {
        var b = new GraphBuilder();
        var x = b.Parameter("x", [2]);
        var loss = b.ReduceSum(b.Mul(b.StopGradient(b.Exp(x)), x), []);
        b.Output("gradient", Differentiator.AddGradients(b, loss, [x])[x]);
        Assert.Contains(b.Build().Nodes, n => n.Operator == "Identity");
        Assert.Equal(["Exp"], AutoProg.Graphs.Passes.Pass.Standard(b.Build()).Nodes.Select(n => n.Operator));
    }

    [Fact]
    public void What_reaches_the_loss_only_behind_a_stop_is_named()
    {
        var b = new GraphBuilder();
        var x = b.Parameter("x", [2]);
        var error = Assert.Throws<GraphException>(() => Differentiator.AddGradients(b, b.ReduceSum(b.StopGradient(x), []), [x]));
        Assert.Equal("'x' does not influence the loss 'ReduceSum:out'. Freeze it, or use it in the model.", error.Message);
    }

    [Fact]
    public void The_loss_itself_has_gradient_one()
    {
        var b = new GraphBuilder();
        var x = b.Parameter("x", [1]);
        b.Output("gradient", Differentiator.AddGradients(b, x, [x])[x]);
        var gradient = Evaluation.DoubleEvaluator.Run(b.Build(), new Dictionary<string, Evaluation.DoubleTensor> { ["x"] = new([1], [5]) })["gradient"];
        Assert.Equal([1], gradient.Values);
    }

    [Fact]
    public void Gradient_nodes_are_named_after_what_they_differentiate()
    {
        var b = new GraphBuilder();
        var x = b.Parameter("x", [2]);
        Value y;
        using (b.Scope("blocks.3.mlp"))
        {
            y = b.Exp(x);
        }

        Differentiator.AddGradients(b, b.ReduceSum(y, []), [x]);
        Assert.Contains(b.Nodes, n => n.Name == "grad/blocks.3.mlp/Exp/Mul");
    }
}
