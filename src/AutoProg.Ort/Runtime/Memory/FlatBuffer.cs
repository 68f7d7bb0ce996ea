using System.Runtime.InteropServices;
using AutoProg.Graphs;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AutoProg.Ort.Runtime;

/// <summary>
/// A flat run of float32 elements in native memory with one owner: whoever created it disposes of it. Starts out zero, at an address divisible by 64.
/// The memory lies on the host or on another device. <see cref="Span"/> is for the host alone; everything else serves both.
/// </summary>
/// <remarks>Spans and views point into the memory and do not keep it alive: drop them before the buffer is disposed of.</remarks>
internal sealed unsafe class FlatBuffer : IDisposable
{
    private readonly IDeviceMemory place;
    private readonly SafeHandle memory;

    /// <summary>Allocates zeroed host memory.</summary>
    /// <param name="length">Number of elements, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is not positive.</exception>
    /// <exception cref="DeviceException">The system refuses the memory.</exception>
    public FlatBuffer(long length)
        : this(length, HostMemory.Instance)
    {
    }

    /// <summary>Allocates zeroed memory of a device.</summary>
    internal FlatBuffer(long length, IDeviceMemory place)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        this.place = place;
        memory = place.Allocate(checked(length * sizeof(float)));
        Length = length;
    }

    /// <summary>Bytes of host memory held by all buffers of the process that are not disposed of yet.</summary>
    public static long AllocatedBytes => AlignedMemory.LiveBytes;

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    /// <summary>Whether the processor reaches the memory.</summary>
    public bool IsHost => place.IsHost;

    internal bool LiesIn(IDeviceMemory memory) => place == memory;

    private float* Start
    {
        get
        {
            ObjectDisposedException.ThrowIf(memory.IsClosed, this);
            return (float*)memory.DangerousGetHandle();
        }
    }

    /// <summary>The elements [offset, offset + length) of a buffer on the host.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the buffer.</exception>
    /// <exception cref="InvalidOperationException">The buffer lies on another device.</exception>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    public Span<float> Span(long offset, int length)
    {
        CheckRange(offset, length);
        return IsHost
            ? new Span<float>(Start + offset, length)
            : throw new InvalidOperationException(
                $"The buffer lies in the memory '{place.Info.Name}' of another device, which the processor does not reach; use {nameof(Read)}, {nameof(Upload)}, {nameof(Download)} or {nameof(Fill)}.");
    }

    /// <summary>The elements [offset, offset + length), where they lie if that is on the host, else a copy of them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    public ReadOnlySpan<float> Read(long offset, int length)
    {
        if (IsHost)
            return Span(offset, length);

        CheckRange(offset, length);
        var copy = new float[length];
        Download(offset, copy);
        return copy;
    }

    /// <summary>Copies elements out of the buffer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    public void Download(long offset, Span<float> values)
    {
        CheckRange(offset, values.Length);
        fixed (float* host = values)
            place.Download((nint)(Start + offset), (nint)host, values.Length);
    }

    /// <summary>Copies elements into the buffer.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    public void Upload(long offset, ReadOnlySpan<float> values)
    {
        CheckRange(offset, values.Length);
        fixed (float* host = values)
            place.Upload((nint)host, (nint)(Start + offset), values.Length);
    }

    /// <summary>Lets the caller write the elements [offset, offset + length): in place if they lie on the host, else in host memory that is then copied.</summary>
    /// <param name="offset">First element.</param>
    /// <param name="length">Number of elements.</param>
    /// <param name="write">Writes every element: what it finds there is not defined.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer has been disposed of.</exception>
    public void Fill(long offset, int length, Action<Span<float>> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        TryFill(offset, length, elements =>
        {
            write(elements);
            return true;
        });
    }

    /// <summary>As <see cref="Fill"/>, but leaves the elements alone if the caller has nothing to write and says false.</summary>
    internal bool TryFill(long offset, int length, Func<Span<float>, bool> write)
    {
        if (IsHost)
            return write(Span(offset, length));

        CheckRange(offset, length);
        var copy = new float[length];
        if (!write(copy))
            return false;

        Upload(offset, copy);
        return true;
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
            place.Info, TensorElementType.Float, shape.ToArray(), (nint)(Start + offset), length * sizeof(float));
    }

    /// <summary>
    /// Copies a range of <paramref name="source"/>, which may be this buffer, to <paramref name="offset"/>; overlapping ranges are safe.
    /// Either buffer may lie on the host; two devices cannot copy from one another.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A range leaves its buffer.</exception>
    /// <exception cref="InvalidOperationException">The buffers lie on two devices.</exception>
    /// <exception cref="ObjectDisposedException">A buffer has been disposed of.</exception>
    public void CopyFrom(FlatBuffer source, long sourceOffset, long offset, long length)
    {
        ArgumentNullException.ThrowIfNull(source);
        source.CheckRange(sourceOffset, length);
        CheckRange(offset, length);
        var (from, to) = ((nint)(source.Start + sourceOffset), (nint)(Start + offset));
        if (source.place == place)
            place.Copy(from, to, length);
        else if (source.IsHost)
            place.Upload(from, to, length);
        else if (IsHost)
            source.place.Download(from, to, length);
        else
            throw new InvalidOperationException($"The memory '{source.place.Info.Name}' of one device cannot be copied to '{place.Info.Name}' of another; copy by way of a buffer on the host.");
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
        place.Clear((nint)(Start + offset), length);
    }

    /// <inheritdoc />
    public void Dispose() => memory.Dispose();

    private void CheckRange(long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > Length - length)
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"The {length} elements from {offset} on leave a buffer of {Length} elements.");
    }
}
