using System.Text.Json;
using AutoProg.Graphs.Gradients;
using AutoProg.Graphs.Tests.Evaluation;

namespace AutoProg.Graphs.Tests.Gradients;

/// <summary>Values and gradients where finite differences say nothing: ties, bounds, saturation. PyTorch's choice is ours.</summary>
public sealed class SpecialValueTests
{
    private static readonly Dictionary<string, JsonElement> Goldens =
        Fixture.Load("special_values.json").GetProperty("rows").EnumerateArray().ToDictionary(r => r.GetProperty("name").GetString()!, StringComparer.Ordinal);

    private static readonly Dictionary<string, Func<GraphBuilder, Value[], Value>> Expressions = new(StringComparer.Ordinal)
    {
        ["Softmax"] = (b, x) => b.Softmax(x[0]),
        ["LogSoftmax"] = (b, x) => b.LogSoftmax(x[0]),
        ["Gelu"] = (b, x) => b.Gelu(x[0]),
        ["Softplus"] = (b, x) => b.Softplus(x[0]),
        ["Sigmoid"] = (b, x) => b.Sigmoid(x[0]),
        ["Tanh"] = (b, x) => b.Tanh(x[0]),
        ["Erf"] = (b, x) => b.Erf(x[0]),
        ["Pow"] = (b, x) => b.Pow(x[0], x[1]),
        ["Max"] = (b, x) => b.Max(x),
        ["Min"] = (b, x) => b.Min(x),
        ["ReduceMax"] = (b, x) => b.ReduceMax(x[0], [1]),
        ["ReduceMin"] = (b, x) => b.ReduceMin(x[0], [1]),
        ["Clip"] = (b, x) => b.Clip(x[0], b.ScalarLike(x[0], -1), b.ScalarLike(x[0], 1)),
        ["Abs"] = (b, x) => b.Abs(x[0]),
        ["Relu"] = (b, x) => b.Relu(x[0]),
        ["LeakyRelu"] = (b, x) => b.LeakyRelu(x[0], 0.1f),
        ["Elu"] = (b, x) => b.Elu(x[0], 0.7f),
        ["HardSigmoid"] = (b, x) => b.HardSigmoid(b.Scale(x[0], 3), 1f / 6),
    };

    public static TheoryData<string> Names => [.. Goldens.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Values_and_gradients_equal_PyTorchs(string name) =>
        AssertEqual(name, ElementType.Double, DoubleEvaluator.Run, relative: 1e-7); // float32 attributes such as 1/6

    [Theory]
    [MemberData(nameof(Names))]
    public void Values_and_gradients_equal_PyTorchs_in_ONNX_Runtime(string name) =>
        AssertEqual(name, ElementType.Float, (graph, feeds) => OrtRun.Run(graph, feeds), relative: 1e-5); // float32, a few operations each

    [Fact]
    public void Three_operands_that_tie_share_the_gradient()
    {
        var (graph, feeds) = Build([[2], [2], [2], [1]], (b, x) => b.Max(x), ElementType.Double);
        var results = DoubleEvaluator.Run(graph, feeds);
        Assert.Equal([1.0 / 3, 1.0 / 3, 1.0 / 3, 0], Enumerable.Range(0, 4).Select(i => results[$"x{i}_grad"].Values[0]));
    }

    [Fact]
    public void A_constant_exponent_of_zero_has_gradient_zero_even_at_zero()
    {
        var (graph, feeds) = Build([[0, 0, 0]], (b, x) => b.Pow(x[0], b.Constant(Tensor.FromDoubles(x[0].Type, [3], [0, 1, 2]))), ElementType.Double);
        Assert.Equal([0, 2, 0], DoubleEvaluator.Run(graph, feeds)["x0_grad"].Values); // weights 1, 2, 3
    }

    private static void AssertEqual(
        string name, ElementType type, Func<Graph, Dictionary<string, DoubleTensor>, IReadOnlyDictionary<string, DoubleTensor>> run, double relative)
    {
        var golden = Goldens[name];
        var inputs = golden.GetProperty("inputs").EnumerateArray()
            .Select(i => new DoubleTensor(Shape.Of(i.GetProperty("shape").Longs()), i.GetProperty("values").Doubles())).ToArray();
        var (graph, feeds) = Build(inputs, Expressions[name], type);
        var results = run(graph, feeds);
        AssertClose(golden.GetProperty("y").Doubles(), results["y"].Values, relative, "y");
        var gradients = golden.GetProperty("gradients").EnumerateArray().ToArray();
        for (var i = 0; i < gradients.Length; i++)
        {
            AssertClose(gradients[i].Doubles(), results[$"x{i}_grad"].Values, relative, $"x{i}_grad");
        }
    }

    private static (Graph Graph, Dictionary<string, DoubleTensor> Feeds) Build(double[][] inputs, Func<GraphBuilder, Value[], Value> build, ElementType type) =>
        Build([.. inputs.Select(i => new DoubleTensor([i.Length], i))], build, type);

    private static (Graph Graph, Dictionary<string, DoubleTensor> Feeds) Build(DoubleTensor[] inputs, Func<GraphBuilder, Value[], Value> build, ElementType type)
    {
        var b = new GraphBuilder();
        var x = inputs.Select((tensor, i) => b.Input($"x{i}", type, tensor.Shape)).ToArray();
        var y = build(b, x);
        double[] weights = [.. Enumerable.Range(1, (int)y.Shape.ElementCount)];
        var loss = b.ReduceSum(b.Mul(y, b.Constant(Tensor.FromDoubles(type, y.Shape, weights))), []);
        b.Output("y", y);
        foreach (var (target, gradient) in Differentiator.AddGradients(b, loss, x))
        {
            b.Output($"{target.Name}_grad", gradient);
        }

        return (b.Build(), inputs.Select((tensor, i) => ($"x{i}", tensor)).ToDictionary(StringComparer.Ordinal));
    }

    private static void AssertClose(double[] expected, double[] actual, double relative, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (var i = 0; i < expected.Length; i++)
        {
            var limit = relative * Math.Max(1, Math.Abs(expected[i]));
            Assert.True(Math.Abs(expected[i] - actual[i]) <= limit, $"{what}[{i}] is {actual[i]}, PyTorch has {expected[i]}");
        }
    }
}
