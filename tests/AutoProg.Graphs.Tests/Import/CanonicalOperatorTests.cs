using AutoProg.Graphs.Import;
using AutoProg.Graphs.Tests.Evaluation;

namespace AutoProg.Graphs.Tests.Import;

/// <summary>What a node of a file becomes computes what ONNX Runtime's kernel for the file's opset computes.</summary>
public sealed class CanonicalOperatorTests
{
    // float32, sums of at most some hundred terms.
    private const double SinglePrecision = 2e-5;

    public static TheoryData<string> Names => [.. CanonicalCases.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_canonical_form_computes_what_the_node_computes(string name)
    {
        var drawn = CanonicalCases.All[name];
        var (graph, feeds) = (drawn.Canonical(), drawn.Feeds());
        var expected = OrtRun.Run(drawn.File(), graph.Inputs, feeds);
        var actual = OrtRun.Run(graph, feeds);
        foreach (var (output, tensor) in expected)
        {
            Assert.Equal(tensor.Shape, actual[output].Shape);
            var limit = SinglePrecision * Math.Max(1, tensor.Values.Select(Math.Abs).DefaultIfEmpty().Max());
            Assert.All(tensor.Values.Zip(actual[output].Values), pair => Assert.True(Math.Abs(pair.First - pair.Second) <= limit, $"{output}: {pair.Second}, the kernel has {pair.First}"));
        }
    }

    [Fact]
    public void Every_operator_that_changed_has_a_case() =>
        Assert.Empty(CanonicalOperators.Changed.Except(CanonicalCases.All.Values.Where(c => c.Domain.Length == 0).Select(c => c.Operator)));

    [Fact]
    public void Every_operator_of_ONNX_Runtime_has_a_case() =>
        Assert.Empty(CanonicalMicrosoft.Rules.Keys.Except(CanonicalCases.All.Values.Where(c => c.Domain == GraphBuilder.MicrosoftDomain).Select(c => c.Operator)));

    [Fact]
    public void Every_operator_is_known_once_and_has_a_gradient() =>
        Assert.All(CanonicalOperators.Known.GroupBy(op => op), op => Assert.True(op.Count() == 1 && CanonicalOperators.HasGradient(op.Key), op.Key));
}
