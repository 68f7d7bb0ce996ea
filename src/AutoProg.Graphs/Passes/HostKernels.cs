using System.Runtime.InteropServices;

namespace AutoProg.Graphs.Passes;

/// <summary>Computes nodes whose operands are constants: movements of elements of any type, and arithmetic in the element type.</summary>
internal static class HostKernels
{
    // Beyond, a double does not hold every integer.
    private const double LargestExactInteger = 1L << 53;

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
        ["Floor"] = Math.Floor,
        ["Ceil"] = Math.Ceiling,
        ["Round"] = x => Math.Round(x, MidpointRounding.ToEven),
    };

    private static readonly Dictionary<string, Func<bool, bool, bool>> Logic = new(StringComparer.Ordinal)
    {
        ["And"] = (a, b) => a & b,
        ["Or"] = (a, b) => a | b,
        ["Xor"] = (a, b) => a ^ b,
        ["Equal"] = (a, b) => a == b,
    };

    /// <summary>The node's only output, or null where it cannot be computed here.</summary>
    /// <exception cref="GraphException">An index is outside.</exception>
    public static Tensor? Compute(Node n) => HostMoves.Compute(n) ?? (n.Operator == "Cast" ? Cast(n) : n.Input(0).Type switch
    {
        ElementType.Float => HostArithmetic<float>.Compute(n) ?? Function<float>(n),
        ElementType.Double => HostArithmetic<double>.Compute(n) ?? Function<double>(n),
        ElementType.Int64 => HostArithmetic<long>.Compute(n),
        ElementType.Int32 => HostArithmetic<int>.Compute(n),
        ElementType.Bool => Truth(n),
        _ => null,
    });

    /// <summary>The elements of a node's result, one after the other.</summary>
    public static Tensor Results<T>(Node n, IEnumerable<T> elements)
        where T : unmanaged => Tensor.FromBytes(n.Output.Type, n.Output.Shape, MemoryMarshal.AsBytes<T>(elements.ToArray()));

    /// <summary>The elements of all operands, broadcast to the result's shape.</summary>
    public static IEnumerable<T>[] Operands<T>(Node n)
        where T : unmanaged => [.. n.Inputs.Select(i => Broadcast<T>(i!.Constant!, n.Output.Shape))];

    private static IEnumerable<T> Broadcast<T>(Tensor x, Shape shape)
        where T : unmanaged
    {
        var elements = x.Elements<T>().ToArray();
        return HostPlaces.Of(shape, HostPlaces.Strides(x.Shape, shape)).Select(place => elements[place]);
    }

    private static Tensor? Function<T>(Node n)
        where T : unmanaged, System.Numerics.INumber<T> => Functions.TryGetValue(n.Operator, out var f)
            ? Results(n, Operands<T>(n)[0].Select(x => T.CreateTruncating(f(double.CreateTruncating(x)))))
            : null;

    private static Tensor? Truth(Node n) => n.Operator == "Not" ? Results(n, Operands<bool>(n)[0].Select(x => !x))
        : Logic.TryGetValue(n.Operator, out var f) && Operands<bool>(n) is [var left, var right] ? Results(n, left.Zip(right, f))
        : null;

    /// <summary>Truncates numbers to integers; what no integer of the type is near to is left to the runtime, and so is rounding to 16 bits.</summary>
    private static Tensor? Cast(Node n)
    {
        var (x, to) = (n.Input(0).Constant!, n.Output.Type);
        if (x.Type == to)
        {
            return x;
        }

        if (Is16Bit(x.Type) || to is not (ElementType.Float or ElementType.Double or ElementType.Int64 or ElementType.Int32 or ElementType.Bool))
        {
            return null;
        }

        var numbers = x.Doubles();
        var largest = to == ElementType.Int32 ? int.MaxValue : LargestExactInteger;
        var fits = to is not (ElementType.Int64 or ElementType.Int32) || Array.TrueForAll(numbers, v => Math.Abs(v) <= largest);
        return fits && Array.TrueForAll(numbers, v => x.Type.IsFloatingPoint() || Math.Abs(v) <= LargestExactInteger) ? Tensor.FromDoubles(to, n.Output.Shape, numbers) : null;
    }

    private static bool Is16Bit(ElementType type) => type is ElementType.Float16 or ElementType.BFloat16;
}
