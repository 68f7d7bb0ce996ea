using System.Collections;
using System.Runtime.CompilerServices;

namespace AutoProg.Graphs;

/// <summary>A static tensor shape: every dimension is known, batch included. A scalar has rank 0. Equality is by dimensions.</summary>
[CollectionBuilder(typeof(Shape), nameof(Of))]
public sealed class Shape : IReadOnlyList<long>, IEquatable<Shape>
{
    private readonly long[] dims;

    private Shape(long[] dims) => this.dims = dims;

    /// <summary>The shape of a scalar.</summary>
    public static Shape Scalar { get; } = new([]);

    /// <summary>Number of dimensions.</summary>
    public int Rank => dims.Length;

    /// <inheritdoc />
    public int Count => dims.Length;

    /// <summary>Number of elements; 1 for a scalar.</summary>
    public long ElementCount
    {
        get
        {
            var count = 1L;
            foreach (var dim in dims)
            {
                count = checked(count * dim);
            }

            return count;
        }
    }

    /// <summary>Size of an axis; a negative axis counts from the back, -1 is the last.</summary>
    public long this[int axis] => dims[axis < 0 ? axis + dims.Length : axis];

    /// <summary>The shape of these dimensions.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A dimension is negative.</exception>
    public static Shape Of(params ReadOnlySpan<long> dims)
    {
        foreach (var dim in dims)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(dim, nameof(dims));
        }

        return dims.IsEmpty && Scalar is not null ? Scalar : new Shape(dims.ToArray());
    }

    /// <summary>The dimensions as a new array.</summary>
    public long[] ToArray() => [.. dims];

    /// <summary>The non-negative form of an axis that may count from the back.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The axis is outside [-rank, rank).</exception>
    public int Axis(long axis)
    {
        var normal = axis < 0 ? axis + Rank : axis;
        return normal >= 0 && normal < Rank
            ? (int)normal
            : throw new ArgumentOutOfRangeException(nameof(axis), axis, $"Axis {axis} is outside shape {this} of rank {Rank}; use {-Rank}..{Rank - 1}.");
    }

    /// <summary>This shape with one dimension replaced.</summary>
    public Shape With(int axis, long size)
    {
        var copy = ToArray();
        copy[Axis(axis)] = size;
        return new Shape(copy);
    }

    /// <inheritdoc />
    public bool Equals(Shape? other) => other is not null && dims.AsSpan().SequenceEqual(other.dims);

    /// <inheritdoc />
    public override bool Equals(object? obj) => Equals(obj as Shape);

    /// <inheritdoc />
    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var dim in dims)
        {
            hash.Add(dim);
        }

        return hash.ToHashCode();
    }

    /// <inheritdoc />
    public IEnumerator<long> GetEnumerator() => ((IEnumerable<long>)dims).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => dims.GetEnumerator();

    /// <inheritdoc />
    public override string ToString() => $"[{string.Join(", ", dims)}]";
}
