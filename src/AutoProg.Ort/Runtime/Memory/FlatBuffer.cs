using System.Runtime.InteropServices;
using AutoProg.Graphs;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AutoProg.Ort.Runtime;

/// <summary>
/// A flat run of float32 elements in native memory with one owner: whoever created it disposes of it. Starts out zero, at an address divisible by 64.
/// The memory lies on the host; memory of another device is to live behind this type as well, with views and without spans.
/// </summary>
/// <remarks>Spans and views point into the memory and do not keep it alive: drop them before the buffer is disposed of.</remarks>
public sealed unsafe class FlatBuffer : IDisposable
{
    private readonly AlignedMemory memory;

    /// <summary>Allocates zeroed host memory.</summary>
    /// <param name="length">Number of elements, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is not positive.</exception>
    /// <exception cref="InsufficientMemoryException">The system refuses the memory.</exception>
    public FlatBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        memory = new AlignedMemory(checked(length * sizeof(float)));
        Length = length;
    }

    /// <summary>Bytes held by all buffers of the process that are not disposed of yet.</summary>
    public static long AllocatedBytes => AlignedMemory.LiveBytes;

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    private float* Start
    {
        get
        {
            ObjectDisposedException.ThrowIf(memory.IsClosed, this);
            return (float*)memory.DangerousGetHandle();
        }
    }

    /// <summary>The elements [offset, offset + length).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    public Span<float> Span(long offset, int length)
    {
        CheckRange(offset, length);
        return new Span<float>(Start + offset, length);
    }

    /// <summary>A tensor over the elements from <paramref name="offset"/> on: no copy, reads and writes go to this buffer. The caller disposes of it before the buffer.</summary>
    /// <param name="offset">First element.</param>
    /// <param name="shape">The tensor's dimensions, at least one element.</param>
    /// <exception cref="ArgumentOutOfRangeException">The tensor leaves the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    public OrtValue View(long offset, Shape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        var length = shape.ElementCount;
        CheckRange(offset, length);
        return OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, TensorElementType.Float, shape.ToArray(), (nint)(Start + offset), length * sizeof(float));
    }

    /// <summary>Copies a range of <paramref name="source"/>, which may be this buffer, to <paramref name="offset"/>; overlapping ranges are safe.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A range leaves its buffer.</exception>
    /// <exception cref="ObjectDisposedException">A buffer has been disposed of.</exception>
    public void CopyFrom(FlatBuffer source, long sourceOffset, long offset, long length)
    {
        ArgumentNullException.ThrowIfNull(source);
        source.CheckRange(sourceOffset, length);
        CheckRange(offset, length);
        Buffer.MemoryCopy(source.Start + sourceOffset, Start + offset, length * sizeof(float), length * sizeof(float));
    }

    /// <summary>Copies all of a buffer of the same length.</summary>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    /// <exception cref="ObjectDisposedException">A buffer has been disposed of.</exception>
    public void CopyFrom(FlatBuffer source)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Length != Length)
            throw new ArgumentException($"A buffer of {source.Length} elements cannot fill one of {Length}; both must have the same layout.", nameof(source));

        CopyFrom(source, 0, 0, Length);
    }

    /// <summary>Sets the elements [offset, offset + length) to zero.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    public void Clear(long offset, long length)
    {
        CheckRange(offset, length);
        NativeMemory.Clear(Start + offset, checked((nuint)length * sizeof(float)));
    }

    /// <inheritdoc />
    public void Dispose() => memory.Dispose();

    private void CheckRange(long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > Length - length)
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"The {length} elements from {offset} on leave a buffer of {Length} elements.");
    }
}
