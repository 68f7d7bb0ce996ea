using System.Numerics;
using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Passes;

/// <summary>Arithmetic of constants in their element type: integers divide towards zero and wrap around, as in ONNX Runtime.</summary>
internal static class HostArithmetic<T>
    where T : unmanaged, INumber<T>
{
    private static readonly Dictionary<string, Func<T, T, T>> Binary = new(StringComparer.Ordinal)
    {
        ["Add"] = (a, b) => a + b,
        ["Sub"] = (a, b) => a - b,
        ["Mul"] = (a, b) => a * b,
        ["Div"] = (a, b) => a / b,
        ["Pow"] = (a, b) => T.CreateTruncating(Math.Pow(double.CreateTruncating(a), double.CreateTruncating(b))),
        ["Max"] = T.Max,
        ["Min"] = T.Min,
    };

    private static readonly Dictionary<string, Func<T, T, bool>> Comparisons = new(StringComparer.Ordinal)
    {
        ["Equal"] = (a, b) => a == b,
        ["Less"] = (a, b) => a < b,
        ["LessOrEqual"] = (a, b) => a <= b,
        ["Greater"] = (a, b) => a > b,
        ["GreaterOrEqual"] = (a, b) => a >= b,
    };

    private static readonly Dictionary<string, Func<T, T>> Unary = new(StringComparer.Ordinal)
    {
        ["Neg"] = a => -a,
        ["Abs"] = T.Abs,
    };

    private static readonly Dictionary<string, Func<T, T, T>> Reductions = new(StringComparer.Ordinal)
    {
        ["ReduceSum"] = (a, b) => a + b,
        ["ReduceProd"] = (a, b) => a * b,
        ["ReduceMax"] = T.Max,
        ["ReduceMin"] = T.Min,
    };

    /// <summary>The node's only output, or null where it is no arithmetic, or divides integers by zero.</summary>
    public static Tensor? Compute(Node n)
    {
        if (n.Operator is "Div" or "Mod" && !n.Output.Type.IsFloatingPoint() && n.Input(1).Constant!.Elements<T>().Contains(T.Zero))
        {
            return null;
        }

        return n.Operator == "Mod" ? Folded(n, n.Attributes.Flag("fmod") ? (a, b) => a % b : static (a, b) => ((a % b) + b) % b)
            : Unary.TryGetValue(n.Operator, out var unary) ? HostKernels.Results(n, HostKernels.Operands<T>(n)[0].Select(unary))
            : Binary.TryGetValue(n.Operator, out var binary) ? Folded(n, binary)
            : Comparisons.TryGetValue(n.Operator, out var compares) && HostKernels.Operands<T>(n) is [var left, var right] ? HostKernels.Results(n, left.Zip(right, compares))
            : Reductions.TryGetValue(n.Operator, out var joins) ? Reduced(n, joins)
            : null;
    }

    private static Tensor Folded(Node n, Func<T, T, T> f) => HostKernels.Results(n, HostKernels.Operands<T>(n).Aggregate((a, b) => a.Zip(b, f)));

    /// <summary>Null where nothing is reduced to something.</summary>
    private static Tensor? Reduced(Node n, Func<T, T, T> f)
    {
        var x = n.Input(0).Constant!;
        if (x.Shape.ElementCount == 0)
        {
            return null;
        }

        var axes = ReductionShapes.Axes(n);
        var kept = Shape.Of([.. x.Shape.Select((dim, axis) => axes.Contains(axis) ? 1 : dim)]);
        var results = new T?[kept.ElementCount];
        foreach (var (element, place) in x.Elements<T>().ToArray().Zip(HostPlaces.Of(x.Shape, HostPlaces.Strides(kept, x.Shape))))
        {
            results[place] = results[place] is { } before ? f(before, element) : element;
        }

        return HostKernels.Results(n, results.Select(static r => r!.Value));
    }
}
