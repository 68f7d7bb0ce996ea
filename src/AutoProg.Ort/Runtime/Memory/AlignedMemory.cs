using System.Globalization;
using System.Runtime.InteropServices;

namespace AutoProg.Ort.Runtime;

/// <summary>One native allocation, aligned to 64 bytes and zeroed; freed once, by dispose or by the finalizer.</summary>
internal sealed unsafe class AlignedMemory : SafeHandle
{
    /// <summary>A cache line, and the widest vector.</summary>
    internal const int Alignment = 64;

    private static long liveBytes;

    private readonly long byteCount;

    /// <exception cref="DeviceException">The system refuses the memory.</exception>
    internal AlignedMemory(long byteCount)
        : base(0, ownsHandle: true)
    {
        try
        {
            SetHandle((nint)NativeMemory.AlignedAlloc((nuint)byteCount, Alignment));
        }
        catch (OutOfMemoryException cause)
        {
            throw new DeviceException(
                string.Create(CultureInfo.InvariantCulture, $"out of memory: the system refused {byteCount / 1048576.0:F1} MiB for a tensor buffer ({LiveBytes / 1048576.0:F1} MiB are held already). Use a smaller model or fewer moving averages, or free memory."),
                cause);
        }

        this.byteCount = byteCount;
        Interlocked.Add(ref liveBytes, byteCount);
        NativeMemory.Clear((void*)handle, (nuint)byteCount);
    }

    /// <summary>Bytes that are allocated and not yet freed, over the whole process.</summary>
    internal static long LiveBytes => Interlocked.Read(ref liveBytes);

    /// <inheritdoc />
    public override bool IsInvalid => handle == 0;

    /// <inheritdoc />
    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree((void*)handle);
        Interlocked.Add(ref liveBytes, -byteCount);
        return true;
    }
}
