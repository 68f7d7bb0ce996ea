using AutoProg.Graphs.Gradients;
using AutoProg.Graphs.Operators;
using AutoProg.Graphs.Passes;
using AutoProg.Graphs.Tests.Evaluation;

namespace AutoProg.Graphs.Tests.Gradients;

public sealed class GradientTests
{
    /// <summary>float32 against double over sums of at most some hundred products: 1e-7 times their number, relative to the largest element.</summary>
    private const double SinglePrecision = 1e-4;

    public static TheoryData<string> Rows => GradientRows.Names;

    [Theory]
    [MemberData(nameof(Rows))]
    public void The_evaluator_agrees_with_the_kernels_of_ONNX_Runtime(string row)
    {
        foreach (var drawn in Draw(row, ElementType.Float))
        {
            AssertAgree(DoubleEvaluator.Run(drawn.Forward, drawn.Feeds), OrtRun.Run(BatchStatistics.Expand(drawn.Forward), drawn.Feeds));
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Gradients_agree_with_central_differences(string row)
    {
        foreach (var drawn in Draw(row, ElementType.Double))
        {
            var results = DoubleEvaluator.Run(drawn.Training, drawn.Feeds);
            foreach (var target in drawn.Targets)
            {
                Assert.Null(FiniteDifferences.Disagreement(drawn, target, results[$"{target}_grad"], GradientRows.All[row].Step, new Random(1)));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Gradient_graphs_run_in_ONNX_Runtime_and_agree_with_the_evaluator(string row)
    {
        foreach (var drawn in Draw(row, ElementType.Float))
        {
            AssertAgree(DoubleEvaluator.Run(drawn.Training, drawn.Feeds), OrtRun.Run(BatchStatistics.Expand(drawn.Training), drawn.Feeds));
        }
    }

    [Fact]
    public void Every_gradient_rule_has_a_row_that_uses_its_operator()
    {
        var used = GradientRows.All.Values
            .Where(row => row.Draw(0, ElementType.Float).Forward.Nodes.Any(n => n.Operator == row.Operator))
            .Select(row => row.Operator);
        Assert.Empty(GradientRules.Known.Except(used));
    }

    [Fact]
    public void Every_operator_with_a_shape_rule_has_a_gradient_rule_but_what_is_written_after_differentiation() =>
        Assert.Equal(["FusedConv"], OperatorShapes.Known.Except(GradientRules.Known));

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void An_error_of_one_percent_in_one_element_is_refused(int element)
    {
        var drawn = GradientRow.Of("Exp", "2 3", (b, x) => b.Exp(x[0])).Draw(1, ElementType.Double);
        var gradient = DoubleEvaluator.Run(drawn.Training, drawn.Feeds)["x0_grad"];
        Assert.Null(FiniteDifferences.Disagreement(drawn, "x0", gradient, 1e-5, new Random(1)));

        gradient.Values[element] *= 1.01;

        Assert.NotNull(FiniteDifferences.Disagreement(drawn, "x0", gradient, 1e-5, new Random(1)));
    }

    [Fact]
    public void An_error_of_one_percent_in_one_element_of_a_large_tensor_is_refused()
    {
        var drawn = GradientRow.Linear("Mul", "20 20; 20", (b, x) => b.Mul(x[0], x[1])).Draw(1, ElementType.Double);
        var gradient = DoubleEvaluator.Run(drawn.Training, drawn.Feeds)["x0_grad"];
        var scaled = new DoubleTensor(gradient.Shape, [.. gradient.Values.Select(g => g * 1.01)]);

        Assert.Null(FiniteDifferences.Disagreement(drawn, "x0", gradient, 1, new Random(1)));
        Assert.NotNull(FiniteDifferences.Disagreement(drawn, "x0", scaled, 1, new Random(1)));
    }

    [Fact]
    public void A_gradient_that_is_not_a_number_is_refused()
    {
        var drawn = GradientRow.Of("Exp", "2", (b, x) => b.Exp(x[0])).Draw(1, ElementType.Double);
        Assert.NotNull(FiniteDifferences.Disagreement(drawn, "x0", new DoubleTensor([2], [double.NaN, 0]), 1e-5, new Random(1)));
    }

    private static IEnumerable<GradientCase> Draw(string row, ElementType type) =>
        Enumerable.Range(0, GradientRows.Draws).Select(seed => GradientRows.All[row].Draw(seed, type));

    private static void AssertAgree(IReadOnlyDictionary<string, DoubleTensor> expected, IReadOnlyDictionary<string, DoubleTensor> actual)
    {
        foreach (var (name, tensor) in expected)
        {
            Assert.Equal(tensor.Shape, actual[name].Shape);
            var limit = SinglePrecision * Math.Max(1, tensor.Values.Select(Math.Abs).DefaultIfEmpty().Max());
            var worst = tensor.Values.Zip(actual[name].Values, (e, a) => double.IsNaN(e - a) ? double.PositiveInfinity : Math.Abs(e - a)).DefaultIfEmpty().Max();
            Assert.True(worst <= limit, $"{name} is off by {worst}; {limit} is allowed.");
        }
    }
}
