using System.Runtime.InteropServices;

namespace AutoProg.Graphs;

/// <summary>A constant: element type, shape and row-major little-endian bytes. Immutable; equality is by content, to the bit.</summary>
public sealed class Tensor : IEquatable<Tensor>
{
    private readonly byte[] bytes;

    private Tensor(ElementType type, Shape shape, byte[] bytes)
    {
        Type = type;
        Shape = shape;
        this.bytes = bytes;
    }

    /// <summary>Element type.</summary>
    public ElementType Type { get; }

    /// <summary>Shape.</summary>
    public Shape Shape { get; }

    /// <summary>The elements, row-major, little-endian.</summary>
    public ReadOnlySpan<byte> Bytes => bytes;

    /// <summary>A tensor of raw bytes, which are copied.</summary>
    /// <exception cref="ArgumentException">The number of bytes does not fit type and shape.</exception>
    public static Tensor FromBytes(ElementType type, Shape shape, ReadOnlySpan<byte> bytes) =>
        bytes.Length == shape.ElementCount * type.Size()
            ? new Tensor(type, shape, bytes.ToArray())
            : throw new ArgumentException($"{type}{shape} needs {shape.ElementCount * type.Size()} bytes, got {bytes.Length}.", nameof(bytes));

    /// <summary>A float tensor.</summary>
    /// <exception cref="ArgumentException">The number of values does not fit the shape.</exception>
    public static Tensor FromFloats(Shape shape, ReadOnlySpan<float> values) => FromBytes(ElementType.Float, shape, MemoryMarshal.AsBytes(values));

    /// <summary>An int64 tensor.</summary>
    /// <exception cref="ArgumentException">The number of values does not fit the shape.</exception>
    public static Tensor FromLongs(Shape shape, ReadOnlySpan<long> values) => FromBytes(ElementType.Int64, shape, MemoryMarshal.AsBytes(values));

    /// <summary>A bool tensor.</summary>
    /// <exception cref="ArgumentException">The number of values does not fit the shape.</exception>
    public static Tensor FromBools(Shape shape, ReadOnlySpan<bool> values) => FromBytes(ElementType.Bool, shape, MemoryMarshal.AsBytes(values));

    /// <summary>A tensor of values rounded to an element type: to nearest for floating point, towards zero for integers; for Bool, what is not 0 is true.</summary>
    /// <exception cref="ArgumentException">The type is none of Float, Double, Int64, Int32 and Bool, or the number of values does not fit the shape.</exception>
    public static Tensor FromDoubles(ElementType type, Shape shape, ReadOnlySpan<double> values) => type switch
    {
        ElementType.Float => FromFloats(shape, Array.ConvertAll(values.ToArray(), v => (float)v)),
        ElementType.Double => FromBytes(type, shape, MemoryMarshal.AsBytes(values)),
        ElementType.Int64 => FromLongs(shape, Array.ConvertAll(values.ToArray(), v => (long)v)),
        ElementType.Int32 => FromBytes(type, shape, MemoryMarshal.AsBytes<int>(Array.ConvertAll(values.ToArray(), v => (int)v))),
        ElementType.Bool => FromBools(shape, Array.ConvertAll(values.ToArray(), v => v != 0)),
        _ => throw new ArgumentException($"A constant is made from numbers as Float, Double, Int64, Int32 or Bool, not as {type}.", nameof(type)),
    };

    /// <summary>A scalar, rounded as in <see cref="FromDoubles"/>.</summary>
    /// <exception cref="ArgumentException">The type is none of Float, Double, Int64, Int32 and Bool.</exception>
    public static Tensor Scalar(ElementType type, double value) => FromDoubles(type, Shape.Scalar, [value]);

    /// <summary>The elements of a float tensor.</summary>
    /// <exception cref="InvalidOperationException">The tensor is not of type Float.</exception>
    public ReadOnlySpan<float> Floats() => As<float>(ElementType.Float);

    /// <summary>The elements of an int64 or int32 tensor, widened.</summary>
    /// <exception cref="InvalidOperationException">The tensor holds no integers.</exception>
    public long[] Longs() => Type == ElementType.Int32
        ? Array.ConvertAll(As<int>(ElementType.Int32).ToArray(), i => (long)i)
        : As<long>(ElementType.Int64).ToArray();

    /// <summary>The elements of any numeric or bool tensor, as double.</summary>
    /// <exception cref="InvalidOperationException">The tensor is of a 16-bit floating-point type.</exception>
    public double[] Doubles() => Type switch
    {
        ElementType.Float => Array.ConvertAll(Floats().ToArray(), f => (double)f),
        ElementType.Double => As<double>(ElementType.Double).ToArray(),
        ElementType.Int64 or ElementType.Int32 => Array.ConvertAll(Longs(), l => (double)l),
        ElementType.Bool or ElementType.UInt8 => Array.ConvertAll(bytes, b => (double)b),
        ElementType.Int8 => Array.ConvertAll(bytes, b => (double)(sbyte)b),
        _ => throw new InvalidOperationException($"A {Type} tensor cannot be read as double."),
    };

    /// <inheritdoc />
    public bool Equals(Tensor? other) => other is not null && Type == other.Type && Shape.Equals(other.Shape) && Bytes.SequenceEqual(other.Bytes);

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as Tensor);

    /// <inheritdoc />
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        hash.Add(Type);
        hash.Add(Shape);
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }

    /// <inheritdoc />
    public override string ToString() => $"{Type}{Shape}";

    /// <summary>The scalar that every element equals to the bit, or null if they differ or there is none.</summary>
    internal Tensor? Repeated()
    {
        var size = Type.Size();
        if (bytes.Length == 0 || !bytes.AsSpan(size).SequenceEqual(bytes.AsSpan(0, bytes.Length - size)))
        {
            return null;
        }

        return FromBytes(Type, Shape.Scalar, bytes.AsSpan(0, size));
    }

    /// <summary>The number that every element is, or null if they differ, there is none, or the type is a 16-bit one.</summary>
    internal double? Uniform() => Type is ElementType.Float16 or ElementType.BFloat16 ? null : Repeated()?.Doubles()[0];

    /// <summary>The elements as what they are.</summary>
    internal ReadOnlySpan<T> Elements<T>()
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(bytes);

    private ReadOnlySpan<T> As<T>(ElementType expected)
        where T : unmanaged =>
        Type == expected ? MemoryMarshal.Cast<byte, T>(bytes) : throw new InvalidOperationException($"The tensor is {Type}, not {expected}.");
}
