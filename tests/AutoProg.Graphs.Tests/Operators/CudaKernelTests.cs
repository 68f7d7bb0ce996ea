using System.Globalization;
using System.Text.Json;
using AutoProg.Graphs.Passes;
using AutoProg.Graphs.Tests.Gradients;
using AutoProg.Graphs.Tests.Gradients.PerSample;

namespace AutoProg.Graphs.Tests.Operators;

/// <summary>
/// Every operator that is emitted, forward or backward, has a CUDA kernel for its element type: without one, a training step copies its operands to the host.
/// The fixture lists ONNX Runtime's kernels (docs/OperatorKernels.md).
/// </summary>
public sealed class CudaKernelTests
{
    /// <summary>Operators that run on the CPU under CUDA, each with the reason why it is emitted all the same.</summary>
    private static readonly Dictionary<string, string> Exceptions = new(new[] { "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh" }
        .Select(op => KeyValuePair.Create(op, "No kernel exists, and only models from elsewhere have it.")), StringComparer.Ordinal);

    /// <summary>The version in which each operator's schema was last changed up to opset 18: an open-ended kernel "N+" binds to N only.</summary>
    private static readonly Dictionary<string, int> SchemaVersions = new (int Version, string[] Operators)[]
    {
        (1, ["GlobalAveragePool", "Not", "Softplus", "Softsign"]),
        (6, ["Elu", "HardSigmoid", "Selu"]),
        (7, ["Acos", "And", "Asin", "Atan", "Cos", "Or", "Sin", "Tan", "Xor"]),
        (9, ["Acosh", "Asinh", "Atanh", "Cosh", "Sinh"]),
        (10, ["IsInf", "ThresholdedRelu"]),
        (11, ["AveragePool", "Conv", "ConvTranspose", "Round", "TopK"]),
        (12, ["MaxPool"]),
        (13,
        [
            "Abs", "ArgMax", "ArgMin", "Cast", "Ceil", "Clip", "Concat", "Equal", "Erf", "Exp", "Expand", "Floor", "Gather", "GatherElements", "GatherND",
            "Gemm", "Greater", "IsNaN", "Less", "Log", "LogSoftmax", "MatMul", "Max", "Min", "Mod", "Neg", "Reciprocal", "ReduceSum",
            "Sigmoid", "Sign", "Slice", "Softmax", "Sqrt", "Squeeze", "Tanh", "Tile", "Transpose", "Unsqueeze",
        ]),
        (14, ["Add", "CumSum", "Div", "HardSwish", "Mul", "Relu", "Reshape", "Sub", "Trilu"]),
        (15, ["BatchNormalization", "Pow"]),
        (16, ["GreaterOrEqual", "Identity", "LeakyRelu", "LessOrEqual", "PRelu", "Where"]),
        (17, ["LayerNormalization"]),
        (18, ["Pad", "ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSumSquare", "ScatterElements", "ScatterND", "Split"]),
    }.SelectMany(v => v.Operators.Select(op => (op, v.Version))).ToDictionary(StringComparer.Ordinal);

    private static readonly JsonElement Kernels = Fixture.Load("operator-kernels.json");

    [Fact]
    public void Every_emitted_operator_has_a_CUDA_kernel()
    {
        var missing = Emitted().Where(use => !Exceptions.ContainsKey(use.Operator) && !HasKernel("cuda", use));
        Assert.Empty(missing.Select(use => use.ToString()));
    }

    [Fact]
    public void Every_exception_is_needed() =>
        Assert.Empty(Exceptions.Keys.Except(Emitted().Where(use => !HasKernel("cuda", use)).Select(use => use.Operator)));

    [Theory]
    [InlineData("Col2Im", 18, ElementType.Float, false)] // no kernel
    [InlineData("MaxPool", 22, ElementType.Float, false)] // 12+ does not bind to 22
    [InlineData("MaxPool", 12, ElementType.Float, true)]
    [InlineData("Conv", 11, ElementType.Float, true)] // [11, 21]
    [InlineData("Conv", 11, ElementType.BFloat16, false)] // only from 22
    [InlineData("Where", 16, ElementType.Bool, false)]
    public void A_kernel_binds_by_schema_version_and_type(string op, int version, ElementType type, bool expected) =>
        Assert.Equal(expected, HasKernel("cuda", new Use("", op, version, type, null)));

    private static IEnumerable<Use> Emitted() => GradientRows.All.Values
        .SelectMany(row => TrainingNodes(row.Draw(0, ElementType.Float).Training))
        .Concat(PerSampleRows.All.Values.SelectMany(row => row.Grams(3).Nodes))
        .Select(n => new Use(
            n.Domain,
            n.Operator,
            n.Domain.Length > 0 ? 1 : SchemaVersions.TryGetValue(n.Operator, out var version) ? version : throw new InvalidOperationException($"Add {n.Operator} to SchemaVersions."),
            n.Input(n.Operator == "Where" ? 1 : 0).Type,
            n.Operator == "Cast" ? n.Output.Type : null))
        .Distinct();

    /// <summary>As they are before the last pass and behind it.</summary>
    private static IEnumerable<Node> TrainingNodes(Graph graph)
    {
        var expanded = BatchStatistics.Expand(graph);
        return expanded.Nodes.Concat(ConvFusion.Apply(expanded, new RewriteLog()).Nodes);
    }

    private static bool HasKernel(string provider, Use use)
    {
        var domain = use.Domain.Length == 0 ? "ai.onnx" : use.Domain;
        return Kernels.GetProperty(provider).GetProperty(domain).TryGetProperty(use.Operator, out var registrations)
            && registrations.EnumerateArray().Any(r => Binds(r.GetProperty("opset").GetString()!, use.Version) && Takes(r, use));
    }

    /// <summary>"[7, 12]" binds to 7..12; "13" and, unintuitively, "13+" bind to 13.</summary>
    private static bool Binds(string range, int version)
    {
        var bounds = range.Trim('[', ']', '+').Split(',').Select(part => int.Parse(part, CultureInfo.InvariantCulture)).ToArray();
        return version >= bounds[0] && version <= bounds[^1];
    }

    private static bool Takes(JsonElement registration, Use use) => use.CastTo is { } to
        ? Lists(registration.GetProperty("constraints").GetProperty("T1"), use.Type) && Lists(registration.GetProperty("constraints").GetProperty("T2"), to)
        : Lists(registration.GetProperty("types"), use.Type);

    private static bool Lists(JsonElement types, ElementType type) => types.EnumerateArray().Any(t => string.Equals(t.GetString(), type.ToString(), StringComparison.OrdinalIgnoreCase));

    private sealed record Use(string Domain, string Operator, int Version, ElementType Type, ElementType? CastTo);
}
