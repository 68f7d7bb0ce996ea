using AutoProg.Graphs.Operators;
using MathNet.Numerics;

namespace AutoProg.Graphs.Tests.Evaluation;

internal static class ElementwiseFormulas
{
    public static IReadOnlyDictionary<string, Formula> All { get; } = new Dictionary<string, Formula>(StringComparer.Ordinal)
    {
        ["Add"] = Fold((a, b) => a + b),
        ["Sub"] = Fold((a, b) => a - b),
        ["Mul"] = Fold((a, b) => a * b),
        ["Div"] = static (node, x) => Fold(node.Output.Type.IsFloatingPoint() ? (a, b) => a / b : (a, b) => Math.Truncate(a / b))(node, x),
        ["Pow"] = Fold(Math.Pow),
        ["Mod"] = static (node, x) => Fold(node.Attributes.Flag("fmod") ? (a, b) => a - (b * Math.Truncate(a / b)) : Modulo)(node, x),
        ["Max"] = Fold(Math.Max),
        ["Min"] = Fold(Math.Min),
        ["Neg"] = Map(x => -x),
        ["Abs"] = Map(Math.Abs),
        ["Sign"] = Map(x => Math.Sign(x)),
        ["Floor"] = Map(Math.Floor),
        ["Ceil"] = Map(Math.Ceiling),
        ["Round"] = Map(x => Math.Round(x, MidpointRounding.ToEven)),
        ["Sqrt"] = Map(Math.Sqrt),
        ["Reciprocal"] = Map(x => 1 / x),
        ["Exp"] = Map(Math.Exp),
        ["Log"] = Map(Math.Log),
        ["Sin"] = Map(Math.Sin),
        ["Cos"] = Map(Math.Cos),
        ["Tan"] = Map(Math.Tan),
        ["Asin"] = Map(Math.Asin),
        ["Acos"] = Map(Math.Acos),
        ["Atan"] = Map(Math.Atan),
        ["Sinh"] = Map(Math.Sinh),
        ["Cosh"] = Map(Math.Cosh),
        ["Asinh"] = Map(Math.Asinh),
        ["Acosh"] = Map(Math.Acosh),
        ["Atanh"] = Map(Math.Atanh),
        ["Erf"] = Map(SpecialFunctions.Erf),
        ["Tanh"] = Map(Math.Tanh),
        ["Sigmoid"] = Map(Sigmoid),
        ["Softplus"] = Map(x => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)))),
        ["Softsign"] = Map(x => x / (1 + Math.Abs(x))),
        ["Relu"] = Map(x => Math.Max(x, 0)),
        ["LeakyRelu"] = static (node, x) => [x[0]!.Map(v => v >= 0 ? v : v * node.Attributes.Float("alpha", 0.01f))],
        ["PRelu"] = Fold((x, slope) => x >= 0 ? x : x * slope),
        ["ThresholdedRelu"] = static (node, x) => [x[0]!.Map(v => v > node.Attributes.Float("alpha", 1) ? v : 0)],
        ["Selu"] = Map(x => 1.05070102f * (x >= 0 ? x : 1.67326319f * (Math.Exp(x) - 1))),
        ["Elu"] = static (node, x) => [x[0]!.Map(v => v >= 0 ? v : (Math.Exp(v) - 1) * node.Attributes.Float("alpha", 1))],
        ["HardSigmoid"] = static (node, x) => [x[0]!.Map(v => HardSigmoid(v, node.Attributes.Float("alpha", 0.2f), node.Attributes.Float("beta", 0.5f)))],
        ["HardSwish"] = Map(x => x * Math.Clamp((x / 6) + 0.5, 0, 1)),
        ["Gelu"] = Map(x => 0.5 * x * SpecialFunctions.Erfc(-x / Math.Sqrt(2))),
        ["FastGelu"] = Map(x => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))))),
        ["QuickGelu"] = static (node, x) => [x[0]!.Map(v => v * Sigmoid(v * node.Attributes.Float("alpha", 1.702f)))],
        ["Identity"] = Map(x => x),
        ["Not"] = Map(x => 1 - x),
        ["Clip"] = static (_, x) => [x[0]!.Map(v => Math.Min(Math.Max(v, x.ElementAtOrDefault(1)?.Values[0] ?? v), x.ElementAtOrDefault(2)?.Values[0] ?? double.MaxValue))],
        ["Cast"] = static (node, x) => [x[0]!.Map(v => node.Output.Type == ElementType.Bool ? (v == 0 ? 0 : 1) : node.Output.Type.IsFloatingPoint() ? v : Math.Truncate(v))],
        ["Equal"] = Fold((a, b) => a == b ? 1 : 0),
        ["IsNaN"] = Map(x => double.IsNaN(x) ? 1 : 0),
        ["IsInf"] = Map(x => double.IsInfinity(x) ? 1 : 0),
        ["Less"] = Fold((a, b) => a < b ? 1 : 0),
        ["Greater"] = Fold((a, b) => a > b ? 1 : 0),
        ["LessOrEqual"] = Fold((a, b) => a <= b ? 1 : 0),
        ["GreaterOrEqual"] = Fold((a, b) => a >= b ? 1 : 0),
        ["Xor"] = Fold((a, b) => Math.Abs(a - b)),
        ["And"] = Fold((a, b) => a * b),
        ["Or"] = Fold(Math.Max),
        ["Where"] = static (node, x) => [DoubleTensor.From(node.Output.Shape, i => x[0]![i] != 0 ? x[1]![i] : x[2]![i])],
    };

    private static double Modulo(double a, double b) => a - (b * Math.Floor(a / b));

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double HardSigmoid(double x, double alpha, double beta) => Math.Clamp((alpha * x) + beta, 0, 1);

    private static Formula Map(Func<double, double> f) => (_, x) => [x[0]!.Map(f)];

    private static Formula Fold(Func<double, double, double> f) => (_, x) =>
        [x.Aggregate((a, b) => DoubleTensor.From(OperatorShapes.Broadcast(a!.Shape, b!.Shape), i => f(a[i], b[i])))!];
}
