using static AutoProg.Graphs.Tests.Gradients.Domain;
using static AutoProg.Graphs.Tests.Gradients.GradientRow;

namespace AutoProg.Graphs.Tests.Gradients;

/// <summary>The gradient table, joined from the families.</summary>
internal static class GradientRows
{
    /// <summary>How often each row is drawn.</summary>
    public const int Draws = 3;

    public static IReadOnlyDictionary<string, GradientRow> All { get; } = new[]
    {
        Elementwise, Layout, Products, Reductions, WindowRows.Convolutions, WindowRows.Pools,
    }.SelectMany(family => family).ToDictionary(row => row.Name, StringComparer.Ordinal);

    public static TheoryData<string> Names => [.. All.Keys];

    private static GradientRow[] Elementwise =>
    [
        Linear("Add", "n c; n c", (b, x) => b.Add(x[0], x[1])),
        Linear("Add", "N 1 C; C", (b, x) => b.Add(x[0], x[1])),
        Linear("Add", "(); N C", (b, x) => b.Add(x[0], x[1])),
        Linear("Add", "(); ()", (b, x) => b.Add(x[0], x[1])),
        Linear("Sub", "N 1; 1 C", (b, x) => b.Sub(x[0], x[1])),
        Linear("Mul", "N 1 C; C", (b, x) => b.Mul(x[0], x[1])),
        Linear("Mul", "1 C; N 1", (b, x) => b.Mul(x[0], x[1])),
        Linear("Mul", "N T C; N 1 C", (b, x) => b.Mul(x[0], x[1])) with { Note = "an image's factor for all its tokens" },
        Of("Mul", "N C", (b, x) => b.Mul(x[0], x[0])) with { Note = "with itself" },
        Of("Div", "N C; C", (b, x) => b.Div(x[0], x[1])) with { Domains = [Normal, AwayFromZero] },
        Of("Div", "(); N C", (b, x) => b.Div(x[0], x[1])) with { Domains = [Normal, AwayFromZero] },
        Of("Pow", "N C; C", (b, x) => b.Pow(x[0], x[1])) with { Domains = [Positive, Normal] },
        Of("Pow", "n c", (b, x) => b.Pow(x[0], b.ScalarLike(x[0], 3))) with { Note = "constant exponent" },
        Of("Pow", "n c", (b, x) => b.Pow(x[0], b.ScalarLike(x[0], 2))) with { Note = "square" },
        Of("Pow", "n 3", (b, x) => b.Pow(x[0], b.Constant(Tensor.FromDoubles(x[0].Type, [3], [0, -1, 2])))) with { Domains = [AwayFromZero], Note = "constant exponents" },
        Of("Mod", "N C; C", (b, x) => b.Mod(x[0], x[1])) with { Domains = [Normal, Positive] },
        Of("Max", "N C; C", (b, x) => b.Max(x[0], x[1])) with { Domains = [Distinct] },
        Of("Max", "n c; 1 c; ()", (b, x) => b.Max(x[0], x[1], x[2])) with { Domains = [Distinct] },
        Of("Max", "n c", (b, x) => b.Max(x[0])) with { Domains = [Distinct] },
        Of("Min", "N 1; 1 C", (b, x) => b.Min(x[0], x[1])) with { Domains = [Distinct] },
        Linear("Neg", "n c", (b, x) => b.Neg(x[0])),
        Of("Abs", "n c", (b, x) => b.Abs(x[0])) with { Domains = [AwayFromZero] },
        Of("Sqrt", "n c", (b, x) => b.Sqrt(x[0])) with { Domains = [Positive] },
        Of("Reciprocal", "n c", (b, x) => b.Reciprocal(x[0])) with { Domains = [AwayFromZero] },
        Of("Exp", "n c", (b, x) => b.Exp(x[0])),
        Of("Log", "n c", (b, x) => b.Log(x[0])) with { Domains = [Positive] },
        Of("Erf", "n c", (b, x) => b.Erf(x[0])),
        Of("Tanh", "n c", (b, x) => b.Tanh(x[0])),
        Of("Sigmoid", "n c", (b, x) => b.Sigmoid(x[0])),
        Of("Softplus", "n c", (b, x) => b.Softplus(x[0])),
        Of("Tan", "n c", (b, x) => b.Tan(b.Scale(x[0], 0.2))),
        Of("Asin", "n c", (b, x) => b.Asin(b.Tanh(x[0]))),
        Of("Acos", "n c", (b, x) => b.Acos(b.Tanh(x[0]))),
        Of("Atan", "n c", (b, x) => b.Atan(x[0])),
        Of("Sinh", "n c", (b, x) => b.Sinh(x[0])),
        Of("Cosh", "n c", (b, x) => b.Cosh(x[0])),
        Of("Asinh", "n c", (b, x) => b.Asinh(x[0])),
        Of("Acosh", "n c", (b, x) => b.Acosh(b.Add(x[0], b.ScalarLike(x[0], 1)))) with { Domains = [Positive] },
        Of("Atanh", "n c", (b, x) => b.Atanh(b.Scale(b.Tanh(x[0]), 0.8))),
        Of("Softsign", "n c", (b, x) => b.Softsign(x[0])) with { Domains = [AwayFromZero] },
        Of("Relu", "n c", (b, x) => b.Relu(x[0])) with { Domains = [Distinct] },
        Of("Gelu", "n c", (b, x) => b.Gelu(x[0])),
        Of("FastGelu", "n c", (b, x) => b.FastGelu(x[0])),
        Of("QuickGelu", "n c", (b, x) => b.QuickGelu(x[0])),
        Of("QuickGelu", "n c", (b, x) => b.QuickGelu(x[0], 1)) with { Note = "SiLU" },
        Of("LeakyRelu", "n c", (b, x) => b.LeakyRelu(x[0], 0.1f)) with { Domains = [Distinct] },
        Of("PRelu", "N C h; C 1", (b, x) => b.PRelu(x[0], x[1])) with { Domains = [Distinct] },
        Of("ThresholdedRelu", "n c", (b, x) => b.ThresholdedRelu(x[0], 0.2f)) with { Domains = [Distinct] },
        Of("Selu", "n c", (b, x) => b.Selu(x[0])) with { Domains = [Distinct] },
        Of("Elu", "n c", (b, x) => b.Elu(x[0], 0.7f)) with { Domains = [Distinct] },
        Of("HardSigmoid", "5 C", (b, x) => b.HardSigmoid(x[0], 0.9f, 0.51f)) with { Domains = [Distinct] },
        Of("HardSwish", "5 C", (b, x) => b.HardSwish(b.Scale(x[0], 4.1))) with { Domains = [Distinct] },
        Of("Sin", "n c", (b, x) => b.Sin(x[0])),
        Of("Cos", "n c", (b, x) => b.Cos(x[0])),
        Of("Clip", "N C", (b, x) => b.Clip(x[0], b.ScalarLike(x[0], -0.2), b.ScalarLike(x[0], 0.3))) with { Domains = [Distinct] },
        Of("Clip", "N C", (b, x) => b.Clip(x[0], b.ScalarLike(x[0], -0.2), null)) with { Domains = [Distinct], Note = "from below" },
        Of("Clip", "N C", (b, x) => b.Clip(x[0], null, b.ScalarLike(x[0], 0.3))) with { Domains = [Distinct], Note = "from above" },
        Linear("Identity", "n c", (b, x) => b.Identity(x[0])),
        Linear("Where", "N C:bool; N C; C", (b, x) => b.Where(x[0], x[1], x[2])),
        Linear("Where", "N 1:bool; (); 1 C", (b, x) => b.Where(x[0], x[1], x[2])),
        Linear("Cast", "n c", (b, x) => b.Cast(x[0], x[0].Type)),

        // Without a derivative: they choose, and the gradient flows around them.
        Of("Sign", "n c", (b, x) => b.Mul(x[0], b.Sign(x[0]))) with { Domains = [AwayFromZero] },
        Of("Floor", "n c", (b, x) => b.Mul(x[0], b.Floor(b.Scale(x[0], 3)))) with { Domains = [Distinct] },
        Of("Ceil", "n c", (b, x) => b.Mul(x[0], b.Ceil(b.Scale(x[0], 3)))) with { Domains = [Distinct] },
        Of("Round", "n c", (b, x) => b.Mul(x[0], b.Round(b.Scale(x[0], 3)))) with { Domains = [Distinct] },
        Of("IsNaN", "n c", (b, x) => b.Where(b.IsNaN(b.Sqrt(x[0])), b.Exp(x[0]), x[0])) with { Domains = [AwayFromZero] },
        Of("IsInf", "n c", (b, x) => b.Where(b.IsInf(b.Exp(b.Scale(x[0], 1e4))), b.Exp(x[0]), x[0])) with { Domains = [AwayFromZero] },
        Of("LessOrEqual", "n c; c", (b, x) => b.Where(b.LessOrEqual(x[0], x[1]), x[0], b.Mul(x[0], x[1]))) with { Domains = [Distinct] },
        Of("GreaterOrEqual", "n c; c", (b, x) => b.Where(b.GreaterOrEqual(x[0], x[1]), x[0], b.Mul(x[0], x[1]))) with { Domains = [Distinct] },
        Of("Xor", "n c; n c:bool", (b, x) => b.Where(b.Xor(b.Less(x[0], b.ScalarLike(x[0], 0)), x[1]), x[0], b.Exp(x[0]))) with { Domains = [Distinct] },
        Of("Greater", "n c; n c", (b, x) => b.Where(b.Greater(x[0], x[1]), x[0], b.Mul(x[0], x[1]))) with { Domains = [Distinct] },
        Of("Less", "n c; c", (b, x) => b.Where(b.Less(x[0], x[1]), x[0], b.Mul(x[0], x[1]))) with { Domains = [Distinct] },
        Of("Equal", "n c; n c", (b, x) => b.Where(b.Equal(x[0], x[1]), x[0], b.Mul(x[0], x[1]))) with { Domains = [Distinct] },
        Of("Not", "n c; n c", (b, x) => b.Where(b.Not(b.Less(x[0], x[1])), x[0], b.Mul(x[0], x[1]))) with { Domains = [Distinct] },
        Of("And", "n c; n c:bool", (b, x) => b.Where(b.And(b.Less(x[0], b.ScalarLike(x[0], 0)), x[1]), x[0], b.Exp(x[0]))) with { Domains = [Distinct] },
        Of("Or", "n c; n c:bool", (b, x) => b.Where(b.Or(b.Less(x[0], b.ScalarLike(x[0], 0)), x[1]), x[0], b.Exp(x[0]))) with { Domains = [Distinct] },
    ];

    private static GradientRow[] Layout =>
    [
        Linear("Reshape", "2 3 c", (b, x) => b.Reshape(x[0], [6 * x[0].Shape[-1]])),
        Linear("Reshape", "1 1", (b, x) => b.Reshape(x[0], Shape.Scalar)),
        Linear("Transpose", "n c h w", (b, x) => b.Transpose(x[0], 0, 2, 3, 1)),
        Linear("Transpose", "n c h", (b, x) => b.Add("Transpose", [x[0]])[0]) with { Note = "reversing by default" },
        Linear("Concat", "n c; n c; n c", (b, x) => b.Concat(1, x)),
        Linear("Concat", "n c; n d; n 1", (b, x) => b.Concat(-1, x)),
        new("Split", "n 6", (b, x) => [.. b.Split(x[0], -1, 1, 3, 2)]) { Step = 1 },
        Linear("Split", "6 c", (b, x) => b.Split(x[0], 0, 4, 2)[0]) with { Note = "second part unused" },
        Linear("Slice", "n 6", (b, x) => b.Slice(x[0], 1, 1, 4)),
        Linear("Slice", "n 7", (b, x) => b.Slice(x[0], -1, 1, 6, 3)) with { Note = "step 3" },
        Linear("Slice", "7 n", (b, x) => b.Slice(x[0], 0, -1, long.MinValue, -2)) with { Note = "step -2" },
        Linear("Slice", "6 n", (b, x) => b.Slice(x[0], 0, -3, long.MaxValue)) with { Note = "negative start" },
        Linear("Slice", "5 6 n", (b, x) => b.Add("Slice", [x[0], b.Longs(1, 5), b.Longs(4, 0), b.Longs(0, 1), b.Longs(2, -2)])[0]) with { Note = "two axes" },
        Linear("Gather", "5 c", (b, x) => b.Gather(x[0], b.Longs(3, -1, 3))),
        Linear("Gather", "n 5 c", (b, x) => b.Gather(x[0], b.Constant(Tensor.FromLongs([2, 2], [0, 1, 4, 1])), 1)),
        Linear("Gather", "n 5", (b, x) => b.Gather(x[0], b.Constant(Tensor.FromLongs(Shape.Scalar, [2])), -1)) with { Note = "scalar index" },
        Linear("Gather", "5 c; k:index5", (b, x) => b.Gather(x[0], x[1])),
        Linear("Gather", "2 c; 7:index2", (b, x) => b.Gather(x[0], x[1])) with { Note = "rows that repeat" },
        Linear("GatherElements", "n 5; n k:index5", (b, x) => b.GatherElements(x[0], x[1], 1)),
        Linear("GatherND", "4 5 c", (b, x) => b.GatherND(x[0], b.Constant(Tensor.FromLongs([3, 2], [1, 2, -1, 0, 1, 2])))),
        Linear("GatherND", "5 c; k m 1:index5", (b, x) => b.GatherND(x[0], x[1])),
        Linear("ScatterElements", "2 5; 2 2", (b, x) => b.ScatterElements(x[0], b.Constant(Tensor.FromLongs([2, 2], [0, 3, 4, -2])), x[1], 1)),
        Linear("ScatterElements", "n 5; n k:index5; n k", (b, x) => b.ScatterElements(x[0], x[1], x[2], -1, "add")),
        Linear("ScatterND", "5 c; 2 c", (b, x) => b.ScatterND(x[0], b.Constant(Tensor.FromLongs([2, 1], [3, 0])), x[1])),
        Linear("ScatterND", "5 c; k 1:index5; k c", (b, x) => b.ScatterND(x[0], x[1], x[2], "add")),
        Linear("Expand", "n 1 c", (b, x) => b.Expand(x[0], [2, x[0].Shape[0], 3, x[0].Shape[2]])),
        Linear("Expand", "()", (b, x) => b.Expand(x[0], [2, 3])),
        Linear("Tile", "n c", (b, x) => b.Tile(x[0], 2, 3)),
        Linear("Pad", "n c", (b, x) => b.Pad(x[0], 1, 0, 2, 3)),
        Linear("Pad", "4 c", (b, x) => b.Pad(x[0], -1, 1, 2, 0)) with { Note = "cropping" },
        Linear("Pad", "n c 3", (b, x) => b.Add("Pad", [x[0], b.Longs(1, 2), b.ScalarLike(x[0], 4), b.Longs(-1)])[0]) with { Note = "one axis, value 4" },
        Linear("Trilu", "n 4 3", (b, x) => b.Trilu(x[0], diagonal: -1)),
        Linear("Trilu", "3 c", (b, x) => b.Trilu(x[0], upper: false, 1)) with { Note = "lower" },
        Linear("Trilu", "3 3", (b, x) => b.Add("Trilu", [x[0]])[0]) with { Note = "by default" },
        Linear("Squeeze", "n 1 c 1", (b, x) => b.Squeeze(x[0], 1, -1)),
        Linear("Squeeze", "1 1", (b, x) => b.Add("Squeeze", [x[0]])[0]) with { Note = "to a scalar" },
        Linear("Unsqueeze", "n c", (b, x) => b.Unsqueeze(x[0], 0, -1)),
    ];

    private static GradientRow[] Products =>
    [
        Linear("MatMul", "n k; k m", (b, x) => b.MatMul(x[0], x[1])),
        Linear("MatMul", "N 1 n k; B k m", (b, x) => b.MatMul(x[0], x[1])),
        Linear("MatMul", "B n k; k m", (b, x) => b.MatMul(x[0], x[1])),
        Linear("MatMul", "n k; B k m", (b, x) => b.MatMul(x[0], x[1])),
        Linear("MatMul", "k; k", (b, x) => b.MatMul(x[0], x[1])),
        Linear("MatMul", "k; B k m", (b, x) => b.MatMul(x[0], x[1])),
        Linear("MatMul", "B n k; k", (b, x) => b.MatMul(x[0], x[1])),
        Linear("FusedMatMul", "B n k; B m k", (b, x) => b.FusedMatMul(x[0], x[1], transB: true, alpha: 0.5f)),
        Linear("FusedMatMul", "B k n; B k m", (b, x) => b.FusedMatMul(x[0], x[1], transA: true)),
        Linear("FusedMatMul", "B k n; 1 m k", (b, x) => b.FusedMatMul(x[0], x[1], transA: true, transB: true, alpha: 2)),
        Linear("FusedMatMul", "B n k; m k", (b, x) => b.FusedMatMul(x[0], x[1], transB: true, alpha: 0.5f)),
        Linear("Gemm", "n k; k m", (b, x) => b.Gemm(x[0], x[1])),
        Linear("Gemm", "n k; m k; m", (b, x) => b.Gemm(x[0], x[1], x[2], transB: true)),
        Linear("Gemm", "k n; k m; n 1", (b, x) => b.Gemm(x[0], x[1], x[2], transA: true, alpha: 0.5f, beta: 2)),
        Linear("Gemm", "k n; m k; ()", (b, x) => b.Gemm(x[0], x[1], x[2], transA: true, transB: true, beta: 0.5f)),
        Linear("Gemm", "n k; k m; n m", (b, x) => b.Gemm(x[0], x[1], x[2], alpha: 3)),
    ];

    private static GradientRow[] Reductions =>
    [
        Linear("ReduceSum", "n c h", (b, x) => b.ReduceSum(x[0], [1])),
        Linear("ReduceSum", "n c h", (b, x) => b.ReduceSum(x[0], [-1, 0], keepDims: true)) with { Note = "keeping" },
        Linear("ReduceSum", "n c", (b, x) => b.ReduceSum(x[0], [])) with { Note = "of everything" },
        Linear("ReduceSum", "()", (b, x) => b.ReduceSum(x[0], [])),
        Linear("ReduceMean", "n c h", (b, x) => b.ReduceMean(x[0], [-1])),
        Linear("ReduceMean", "n c h", (b, x) => b.ReduceMean(x[0], [0, 2], keepDims: true)) with { Note = "keeping" },
        Of("ReduceMax", "n c h", (b, x) => b.ReduceMax(x[0], [1])) with { Domains = [Distinct] },
        Of("ReduceMax", "n c h", (b, x) => b.ReduceMax(x[0], [-1, 0], keepDims: true)) with { Domains = [Distinct], Note = "keeping" },
        Of("ReduceMin", "n c h", (b, x) => b.ReduceMin(x[0], [2])) with { Domains = [Distinct] },
        Of("ReduceSumSquare", "n c h", (b, x) => b.ReduceSumSquare(x[0], [0, 2])),
        Of("ReduceProd", "n 3 h", (b, x) => b.ReduceProd(x[0], [1])),
        Of("ReduceProd", "n 3 h", (b, x) => b.ReduceProd(x[0], [0, 2], keepDims: true)) with { Note = "keeping" },
        Of("ReduceProd", "2 2", (b, x) => b.ReduceProd(x[0], [])) with { Note = "of everything" },
        Of("ReduceL2", "n C h", (b, x) => b.ReduceL2(x[0], [1, 2])) with { Domains = [AwayFromZero] },
        Of("ReduceL2", "n C h", (b, x) => b.ReduceL2(x[0], [-2], keepDims: true)) with { Domains = [AwayFromZero], Note = "keeping" },
        Of("ReduceLogSumExp", "n C h", (b, x) => b.ReduceLogSumExp(x[0], [1])),
        Of("ReduceLogSumExp", "n C h", (b, x) => b.ReduceLogSumExp(x[0], [0, -1], keepDims: true)) with { Note = "keeping" },
        Of("ArgMax", "n 4", (b, x) => b.GatherElements(x[0], b.ArgMax(x[0], 1, keepDims: true), 1)) with { Domains = [Distinct] },
        Of("ArgMin", "4 c", (b, x) => b.Mul(x[0], b.Cast(b.ArgMin(x[0], 0), x[0].Type))) with { Domains = [Distinct] },
        new("TopK", "n 5", (b, x) => [b.TopK(x[0], 3).Values]) { Domains = [Distinct] },
        new("TopK", "5 c", (b, x) => [b.TopK(x[0], 2, 0, largest: false).Values]) { Domains = [Distinct] },
        Linear("CumSum", "n 4 h", (b, x) => b.CumSum(x[0], 1)),
        Linear("CumSum", "n 4", (b, x) => b.CumSum(x[0], -1, exclusive: true)) with { Note = "exclusive" },
        Linear("CumSum", "4 c", (b, x) => b.CumSum(x[0], 0, reverse: true)) with { Note = "reverse" },
        Linear("CumSum", "4 c", (b, x) => b.CumSum(x[0], 0, exclusive: true, reverse: true)) with { Note = "exclusive, reverse" },
        Of("Softmax", "n c", (b, x) => b.Softmax(x[0])),
        Of("Softmax", "n c h", (b, x) => b.Softmax(x[0], 1)),
        Of("LogSoftmax", "n c", (b, x) => b.LogSoftmax(x[0])),
        Of("LogSoftmax", "n c h", (b, x) => b.LogSoftmax(x[0], 0)),
        Of("LayerNormalization", "n t C; C; C", (b, x) => b.LayerNormalization(x[0], x[1], x[2], 1e-3f)),
        Of("LayerNormalization", "n t C; n t C; C; C", (b, x) => b.LayerNormalization(b.Add(x[0], x[1]), x[2], x[3], 1e-3f)) with { Note = "of a sum" },
        new("LayerNormalization", "n t C; n t C; C; C", (b, x) =>
        {
            var sum = b.Add(x[0], x[1]);
            return [sum, b.Gelu(b.LayerNormalization(sum, x[2], x[3], 1e-3f))];
        }) { Note = "of a sum that is read again" },
        Of("LayerNormalization", "C; C; C", (b, x) => b.LayerNormalization(x[0], x[1], x[2], 1e-3f)),
        Of("LayerNormalization", "n C; C", (b, x) => b.LayerNormalization(x[0], x[1], null, 1e-3f)) with { Note = "without bias" },
        Of("LayerNormalization", "n t 3", (b, x) => b.LayerNormalization(x[0], b.Constant(Tensor.FromDoubles(x[0].Type, [3], [1, 1, 1])), null, 1e-3f)) with { Note = "without parameters" },
        Of("LayerNormalization", "n t 3", (b, x) => b.LayerNormalization(x[0], b.Constant(Tensor.FromDoubles(x[0].Type, [3], [2, 2, 2])), null, 1e-3f)) with { Note = "with a constant scale" },
        BatchNormalization("n C h w; C; C; C; C"),
        BatchNormalization("n C h; C; C; C; C"),
        BatchNormalization("n C; C; C; C; C"),
        BatchNormalization("n c 2 128; c; c; c; c") with { Note = "of long rows" },
        BatchNormalizationInTraining("N C h w; C; C"),
        BatchNormalizationInTraining("N C; C; C"),
        BatchNormalizationInTraining("n c 2 128; c; c") with { Note = "in training, of long rows" },
        Of("BatchNormalization", "N C H; C; C", (b, x) => b.Tanh(b.BatchNormalizationInTraining(b.Tanh(x[0]), x[1], x[2], 1e-3f).Result)) with { Note = "in training, between others" },
    ];

    private static GradientRow BatchNormalizationInTraining(string shapes) =>
        Of("BatchNormalization", shapes, (b, x) => b.BatchNormalizationInTraining(x[0], x[1], x[2], 1e-3f).Result) with { Note = "in training" };

    private static GradientRow BatchNormalization(string shapes) =>
        Of("BatchNormalization", shapes, (b, x) => b.BatchNormalization(x[0], x[1], x[2], x[3], x[4], 1e-3f)) with { Domains = [Normal, Normal, Normal, Normal, Positive] };
}
