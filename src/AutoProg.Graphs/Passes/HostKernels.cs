using System.Numerics;
using System.Runtime.InteropServices;
using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Passes;

/// <summary>Computes nodes whose operands are constants: arithmetic in the element type, and movements of elements of any type.</summary>
internal static class HostKernels
{
    private static readonly Dictionary<string, Func<double, double>> Functions = new(StringComparer.Ordinal)
    {
        ["Sqrt"] = Math.Sqrt,
        ["Exp"] = Math.Exp,
        ["Log"] = Math.Log,
        ["Sin"] = Math.Sin,
        ["Cos"] = Math.Cos,
        ["Tanh"] = Math.Tanh,
        ["Sigmoid"] = x => 1 / (1 + Math.Exp(-x)),
        ["Reciprocal"] = x => 1 / x,
        ["Sign"] = x => double.IsNaN(x) ? x : Math.Sign(x),
    };

    /// <summary>The node's only output, or null where it cannot be computed here.</summary>
    public static Tensor? Compute(Node n) => Move(n) ?? n.Input(0).Type switch
    {
        ElementType.Float => Arithmetic<float>.Compute(n) ?? Function<float>(n),
        ElementType.Double => Arithmetic<double>.Compute(n) ?? Function<double>(n),
        ElementType.Int64 => Arithmetic<long>.Compute(n),
        ElementType.Int32 => Arithmetic<int>.Compute(n),
        ElementType.Bool => Cast(n),
        _ => null,
    };

    private static Tensor? Function<T>(Node n)
        where T : unmanaged, INumber<T> =>
        Functions.TryGetValue(n.Operator, out var f)
            ? Results<T, T>(n, n.Output.Shape.ElementCount, i => T.CreateTruncating(f(double.CreateTruncating(Element<T>(n, 0, i)))))
            : Cast(n);

    private static Tensor? Cast(Node n)
    {
        var (from, to) = (n.Input(0).Type, n.Output.Type);
        var widens = from is ElementType.Bool or ElementType.Int32 or ElementType.Float && to is ElementType.Float or ElementType.Double or ElementType.Int64;
        var isKnown = n.Operator == "Cast" && (from == to || (widens && (to.IsFloatingPoint() || !from.IsFloatingPoint())));
        return isKnown ? Tensor.FromDoubles(to, n.Output.Shape, n.Input(0).Constant!.Doubles()) : null;
    }

    /// <summary>Operators that only move elements.</summary>
    private static Tensor? Move(Node n)
    {
        var x = n.Input(0).Constant!;
        switch (n.Operator)
        {
            case "Identity" or "Reshape" or "Squeeze" or "Unsqueeze":
                return Tensor.FromBytes(x.Type, n.Output.Shape, x.Bytes);
            case "Expand":
                return Moved(n, x, Strides(x.Shape, n.Output.Shape), 0);
            case "Transpose":
                var own = Strides(x.Shape, x.Shape);
                return Moved(n, x, [.. LayoutShapes.Permutation(n).Select(axis => own[axis])], 0);
            case "Slice":
                var strides = Strides(x.Shape, x.Shape);
                var start = 0L;
                foreach (var range in SliceRange.All(n))
                {
                    start += range.Start * strides[range.Axis];
                    strides[range.Axis] *= range.Step;
                }

                return Moved(n, x, strides, start);
            case "Where":
                return Chosen(n);
            default:
                return null;
        }
    }

    private static Tensor Chosen(Node n)
    {
        var condition = n.Input(0).Constant!.Bytes;
        var places = n.Inputs.Select(i => Places(n.Output.Shape, Strides(i!.Shape, n.Output.Shape), 0).ToArray()).ToArray();
        var size = n.Output.Type.Size();
        var result = new byte[n.Output.Shape.ElementCount * size];
        for (var i = 0; i < places[0].Length; i++)
        {
            var from = condition[(int)places[0][i]] != 0 ? 1 : 2;
            n.Input(from).Constant!.Bytes.Slice((int)places[from][i] * size, size).CopyTo(result.AsSpan(i * size));
        }

        return Tensor.FromBytes(n.Output.Type, n.Output.Shape, result);
    }

    private static Tensor Moved(Node n, Tensor x, long[] strides, long start)
    {
        var size = x.Type.Size();
        var result = new byte[n.Output.Shape.ElementCount * size];
        var next = 0;
        foreach (var place in Places(n.Output.Shape, strides, start))
        {
            x.Bytes.Slice((int)place * size, size).CopyTo(result.AsSpan(next));
            next += size;
        }

        return Tensor.FromBytes(x.Type, n.Output.Shape, result);
    }

    /// <summary>How far apart in memory neighbours of a broadcast tensor lie, per axis of the shape that it is broadcast to.</summary>
    private static long[] Strides(Shape own, Shape target)
    {
        var strides = new long[target.Rank];
        var stride = 1L;
        for (var axis = 1; axis <= own.Rank; axis++)
        {
            strides[^axis] = own[-axis] == 1 ? 0 : stride;
            stride *= own[-axis];
        }

        return strides;
    }

    /// <summary>The places that a walk over a shape in row-major order visits.</summary>
    private static IEnumerable<long> Places(Shape shape, long[] strides, long start)
    {
        var count = shape.ElementCount;
        for (var i = 0L; i < count; i++)
        {
            var (rest, place) = (i, start);
            for (var axis = shape.Rank - 1; axis >= 0; axis--)
            {
                place += rest % shape[axis] * strides[axis];
                rest /= shape[axis];
            }

            yield return place;
        }
    }

    private static T Element<T>(Node n, int input, long place)
        where T : unmanaged => n.Input(input).Constant!.Elements<T>()[(int)place];

    private static Tensor Results<T, TResult>(Node n, long count, Func<long, TResult> element)
        where T : unmanaged
        where TResult : unmanaged
    {
        var results = new TResult[count];
        for (var i = 0L; i < count; i++)
        {
            results[i] = element(i);
        }

        return Tensor.FromBytes(n.Output.Type, n.Output.Shape, MemoryMarshal.AsBytes<TResult>(results));
    }

    private static class Arithmetic<T>
        where T : unmanaged, INumber<T>
    {
        private static readonly Dictionary<string, Func<T, T, T>> Binary = new(StringComparer.Ordinal)
        {
            ["Add"] = (a, b) => a + b,
            ["Sub"] = (a, b) => a - b,
            ["Mul"] = (a, b) => a * b,
            ["Div"] = (a, b) => a / b,
        };

        private static readonly Dictionary<string, Func<T, T, bool>> Comparisons = new(StringComparer.Ordinal)
        {
            ["Equal"] = (a, b) => a == b,
            ["Less"] = (a, b) => a < b,
            ["Greater"] = (a, b) => a > b,
        };

        private static readonly Dictionary<string, Func<T, T>> Unary = new(StringComparer.Ordinal)
        {
            ["Neg"] = a => -a,
            ["Abs"] = T.Abs,
        };

        public static Tensor? Compute(Node n)
        {
            if (Unary.TryGetValue(n.Operator, out var unary))
            {
                return Results<T, T>(n, n.Output.Shape.ElementCount, i => unary(Element<T>(n, 0, i)));
            }

            return Binary.TryGetValue(n.Operator, out var binary) && !DividesIntegersByZero(n) ? Pairs(n, binary)
                : Comparisons.TryGetValue(n.Operator, out var comparison) ? Pairs(n, comparison)
                : null;
        }

        private static bool DividesIntegersByZero(Node n) =>
            n.Operator == "Div" && !n.Output.Type.IsFloatingPoint() && n.Input(1).Constant!.Elements<T>().Contains(T.Zero);

        private static Tensor Pairs<TResult>(Node n, Func<T, T, TResult> f)
            where TResult : unmanaged
        {
            var left = Places(n.Output.Shape, Strides(n.Input(0).Shape, n.Output.Shape), 0).ToArray();
            var right = Places(n.Output.Shape, Strides(n.Input(1).Shape, n.Output.Shape), 0).ToArray();
            return Results<T, TResult>(n, left.Length, i => f(Element<T>(n, 0, left[i]), Element<T>(n, 1, right[i])));
        }
    }
}
