using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.Passes;
using AutoProg.Graphs.Tests.Evaluation;
using AutoProg.Graphs.Tests.Gradients;

namespace AutoProg.Graphs.Tests.Passes;

public sealed class BatchStatisticsTests
{
    [Theory]
    [InlineData(5, 3, "ReduceMean Reshape Sub Mul ReduceSum Mul Add Sqrt Reciprocal Mul Reshape Mul Reshape Add")]
    [InlineData(20, 30, "ReduceMean Reshape Sub Reshape FusedMatMul Reshape ReduceSum Mul Add Sqrt Reciprocal Mul Reshape Mul Reshape Add")]
    public void The_training_mode_is_written_in_simpler_operators(long height, long width, string operators)
    {
        var before = Graph([3, 4, height, width], 0);
        var after = DeadCode.Remove(BatchStatistics.Expand(before));

        Assert.Equal(operators, PassAssert.Operators(after));
        PassAssert.SameNumbers(before, after);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.9f)]
    public void The_results_are_those_of_the_kernel_that_ONNX_Runtime_has_on_the_CPU(float momentum)
    {
        var graph = Graph([3, 4, 6], momentum);
        var random = new Random(1);
        var feeds = graph.Inputs.ToDictionary(v => v.Name, v => DoubleTensor.From(v.Shape, _ => GradientRow.Gaussian(random)), StringComparer.Ordinal);
        var expected = OrtRun.Run(graph, feeds);
        foreach (var (name, actual) in OrtRun.Run(BatchStatistics.Expand(graph), feeds))
        {
            Assert.Equal(expected[name].Shape, actual.Shape);
            Assert.All(expected[name].Values.Zip(actual.Values), pair => Assert.Equal(pair.First, pair.Second, 1e-5)); // sums of 18 numbers of order one in float32
        }
    }

    [Fact]
    public void The_evaluation_mode_stays()
    {
        var b = new GraphBuilder();
        var p = Enumerable.Range(0, 4).Select(i => b.Parameter($"p{i}", [2])).ToList();
        b.Output("y", b.BatchNormalization(b.Input("x", ElementType.Float, [1, 2, 3]), p[0], p[1], p[2], p[3], 1e-5f));

        Assert.Equal("BatchNormalization", PassAssert.Operators(BatchStatistics.Expand(b.Build())));
    }

    /// <summary>A mean of squares less the square of the mean would have lost every digit: 1e6 has 0.06 between neighbours in float32.</summary>
    [Fact]
    public void The_variance_survives_a_mean_a_thousand_times_the_deviation()
    {
        var graph = BatchStatistics.Expand(Graph([4, 1, 20, 20], 0));
        var random = new Random(1);
        var feeds = graph.Inputs.ToDictionary(v => v.Name, v => DoubleTensor.From(v.Shape, _ => v.Name == "x" ? (float)(1000 + GradientRow.Gaussian(random)) : 1), StringComparer.Ordinal);
        var x = feeds["x"].Values;
        var mean = x.Average();
        var variance = x.Average(v => (v - mean) * (v - mean));

        // The mean is rounded to 3e-5 of the deviation, which moves the variance by its square alone; the centred x by as much.
        Assert.Equal(variance, OrtRun.Run(graph, feeds)["variance"].Values[0], 1e-5);
    }

    [Fact]
    public void A_training_step_centres_once_and_keeps_nothing_else_of_the_input()
    {
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, [2, 3, 20, 20]);
        var (w, scale, bias) = (b.Parameter("w", [3, 3, 1, 1]), b.Parameter("scale", [3]), b.Parameter("bias", [3]));
        var convolved = b.Conv(x, w);
        var normalized = b.BatchNormalizationInTraining(convolved, scale, bias, 1e-5f);
        var loss = b.ReduceSum(b.Mul(normalized.Result, normalized.Result), []);
        var statistics = new Dictionary<string, Value> { ["running_mean"] = normalized.Mean, ["running_var"] = normalized.Variance };

        var training = TrainingGraph.Create(b, loss, _ => true, [], statistics);

        var readers = training.Graph.Nodes.Where(n => n.Inputs.Any(i => i?.Name == convolved.Name)).Select(n => n.Operator);
        Assert.Equal(["ReduceMean", "Sub"], readers.Order(StringComparer.Ordinal));
        Assert.Equal(["running_mean_batch", "running_var_batch"], training.Write("test").Manifest.Statistics.Values);
    }

    private static Graph Graph(Shape shape, float momentum)
    {
        var b = new GraphBuilder();
        var inputs = new[] { "scale", "bias", "mean", "var" }.Select(name => b.Input(name, ElementType.Float, [shape[1]]));
        var attributes = new Attributes { { "epsilon", 1e-3f }, { "momentum", momentum }, { "training_mode", true } };
        var results = b.Add("BatchNormalization", [b.Input("x", ElementType.Float, shape), .. inputs], attributes, outputCount: 3);
        b.Output("y", results[0]);
        b.Output("running_mean", results[1]);
        b.Output("variance", results[2]);
        return b.Build();
    }
}
