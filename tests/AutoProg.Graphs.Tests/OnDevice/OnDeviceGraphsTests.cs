using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.OnDevice;

namespace AutoProg.Graphs.Tests.OnDevice;

public sealed class OnDeviceGraphsTests
{
    [Fact]
    public void Inputs_are_what_is_fed_then_parameters_then_a_buffer_per_learnable_one_then_the_flag()
    {
        var graph = OnDeviceGraphs.Training(Dense(learnable: "w"), NoMomentum);

        Assert.Equal(["x"], graph.Inputs.Select(static i => i.Name));
        Assert.Equal(["b", "w", "w_grad.accumulation.buffer", "lazy_reset_grad"], graph.Parameters.Select(static p => p.Name));
        Assert.Equal([3, 2], graph.Parameters[2].Shape);
        Assert.Equal((ElementType.Bool, Shape.Of(1)), (graph.Parameters[3].Type, graph.Parameters[3].Shape));
        Assert.Equal(["loss", "y", "w_grad.accumulation.out"], graph.Outputs.Select(static o => o.Name));
    }

    [Fact]
    public void Each_gradient_goes_into_its_buffer_under_the_flag()
    {
        var graph = OnDeviceGraphs.Training(Dense("b", "w"), NoMomentum);

        var nodes = graph.Nodes.Where(static n => n.Operator == "InPlaceAccumulatorV2").ToList();
        Assert.Equal([["b_grad.accumulation.buffer", "lazy_reset_grad"], ["w_grad.accumulation.buffer", "lazy_reset_grad"]], nodes.Select(static n => new[] { n.Input(0).Name, n.Input(2).Name }));
        Assert.All(nodes, static n => Assert.Equal((GraphBuilder.MicrosoftDomain, n.Input(0).Shape), (n.Domain, n.Input(1).Shape)));
    }

    [Fact]
    public void A_running_statistic_moves_by_its_share_of_the_difference()
    {
        var b = new GraphBuilder();
        var (x, w, running) = (b.Input("x", ElementType.Float, [4, 2]), b.Parameter("w", [2]), b.Parameter("running", [2]));
        var batch = b.ReduceMean(x, [0], keepDims: false);
        var training = TrainingGraph.Create(b, b.ReduceMean(b.Mul(b.Mul(x, w), b.Mul(x, w)), [0, 1], keepDims: false), static name => name == "w", [], new Dictionary<string, Value> { ["running"] = batch });

        var graph = OnDeviceGraphs.Training(training, static _ => 0.25);

        var node = Assert.Single(graph.Nodes, static n => n.Operator == "InPlaceAccumulatorV2" && n.Inputs.Count == 2);
        Assert.Equal(running.Name, node.Input(0).Name);
        var product = node.Input(1).Producer!;
        Assert.Equal(("Mul", 0.25), (product.Operator, product.Input(1).Constant!.Doubles()[0]));
        var difference = product.Input(0).Producer!;
        Assert.Equal(("Sub", "running"), (difference.Operator, difference.Input(1).Name));
        Assert.Equal(["loss", "w_grad.accumulation.out", "running_grad.accumulation.out"], graph.Outputs.Select(static o => o.Name));
    }

    [Theory]
    [InlineData("noise_grad")]
    [InlineData("x_grad.accumulation.buffer")]
    [InlineData("lazy_reset_grad")]
    public void A_name_that_the_runtime_takes_for_something_else_is_refused(string name)
    {
        var error = Assert.Throws<GraphException>(() => OnDeviceGraphs.Training(Dense(name, ["w"]), NoMomentum));
        Assert.StartsWith($"The name '{name}' means something else to on-device training", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_graph_in_which_nothing_learns_is_refused() => Assert.StartsWith(
        "None of the parameters is learnable", Assert.Throws<GraphException>(() => OnDeviceGraphs.Training(Dense(learnable: []), NoMomentum)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_evaluation_takes_every_parameter_in_the_order_of_training()
    {
        var b = new GraphBuilder();
        var (x, w) = (b.Input("x", ElementType.Float, [4, 3]), b.Parameter("w", [3, 2]));
        b.Output("y", b.MatMul(x, w));

        var graph = OnDeviceGraphs.Evaluation(b.Build(), Dense("w"));

        Assert.Equal(["b", "w"], graph.Parameters.Select(static p => p.Name));
        Assert.Same(w, graph.Parameters[1]);
    }

    [Fact]
    public void An_evaluation_of_another_network_is_refused()
    {
        var b = new GraphBuilder();
        b.Output("y", b.MatMul(b.Input("x", ElementType.Float, [4, 3]), b.Parameter("other", [3, 2])));

        var error = Assert.Throws<GraphException>(() => OnDeviceGraphs.Evaluation(b.Build(), Dense("w")));

        Assert.Equal("The evaluation graph reads 'other: Float[3, 2]', which the training graph does not have; build both from the same network.", error.Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_normalisation_that_alone_reads_a_sum_works_on_rows(bool alone)
    {
        var b = new GraphBuilder();
        var (x, w) = (b.Input("x", ElementType.Float, [2, 3, 4]), b.Parameter("w", [2, 3, 4]));
        var sum = b.Add(x, w);
        var results = b.LayerNormalization(sum, b.Floats([4], [1, 1, 1, 1]), null, epsilon: 1e-6f);
        var loss = b.ReduceMean(b.Mul(alone ? results : b.Mul(results, sum), x), [0, 1, 2], keepDims: false);

        var graph = OnDeviceGraphs.Training(TrainingGraph.Create(b, loss, static _ => true), NoMomentum);

        var node = Assert.Single(graph.Nodes, static n => n.Operator == "LayerNormalization");
        Assert.Equal(alone ? [6, 4] : [2, 3, 4], node.Input(0).Shape);
        Assert.Equal(alone ? "Reshape" : "Add", node.Input(0).Producer!.Operator);
    }

    private static double NoMomentum(string name) => throw new InvalidOperationException($"'{name}' is no running statistic.");

    private static TrainingGraph Dense(params string[] learnable) => Dense("x", learnable);

    /// <summary>y = x w + b on x [4, 3], and the mean of its squares.</summary>
    private static TrainingGraph Dense(string input, string[] learnable)
    {
        var b = new GraphBuilder();
        var (x, bias, w) = (b.Input(input, ElementType.Float, [4, 3]), b.Parameter("b", [2]), b.Parameter("w", [3, 2]));
        var y = b.Add(b.MatMul(x, w), bias);
        return TrainingGraph.Create(b, b.ReduceMean(b.Mul(y, y), [0, 1], keepDims: false), learnable.Contains, new GraphOutput("y", y));
    }
}
