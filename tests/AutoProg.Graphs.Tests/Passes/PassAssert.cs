using AutoProg.Graphs.Passes;
using AutoProg.Graphs.Tests.Evaluation;
using AutoProg.Graphs.Tests.Gradients;

namespace AutoProg.Graphs.Tests.Passes;

/// <summary>What every test of a rewrite asserts: the rule fired n times, these operators are left, the numbers are the same, ONNX Runtime takes the result.</summary>
internal static class PassAssert
{
    public static RewriteLog Rewrites(Action<GraphBuilder> build, Func<Graph, RewriteLog, Graph> pass, string rule, int fired, string operators)
    {
        var b = new GraphBuilder();
        build(b);
        var before = b.Build();
        var log = new RewriteLog();
        var after = pass(before, log);

        Assert.True(fired == log.Fired.GetValueOrDefault(rule), $"'{rule}' fired {log.Fired.GetValueOrDefault(rule)} times; log: {string.Join("; ", log.Fired)}\n{GraphText.Of(after)}");
        Assert.Equal(operators, Operators(after));
        SameNumbers(before, after);
        return log;
    }

    public static string Operators(Graph graph) => string.Join(" ", graph.Nodes.Select(n => n.Operator));

    public static void SameNumbers(Graph before, Graph after)
    {
        var random = new Random(5);
        var feeds = before.Inputs.Concat(before.Parameters)
            .ToDictionary(v => v.Name, v => DoubleTensor.From(v.Shape, _ => v.Type == ElementType.Bool ? random.Next(2) : GradientRow.Gaussian(random)), StringComparer.Ordinal);
        var expected = DoubleEvaluator.Run(before, feeds);
        var actual = DoubleEvaluator.Run(after, feeds);
        var single = OrtRun.Run(after, feeds);
        foreach (var (name, tensor) in expected)
        {
            var size = Math.Max(1, tensor.Values.Max(Math.Abs));
            Assert.Equal(tensor.Shape, actual[name].Shape);
            Assert.Equal(tensor.Shape, single[name].Shape);
            for (var i = 0; i < tensor.Values.Length; i++)
            {
                Assert.Equal(tensor.Values[i], actual[name].Values[i], 1e-6 * size); // constants are merged in float32
                Assert.Equal(tensor.Values[i], single[name].Values[i], 1e-4 * size); // float32 kernels
            }
        }
    }
}
