using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Runtime;

/// <summary>Memory that the processor reaches.</summary>
internal sealed unsafe class HostMemory : IDeviceMemory
{
    private HostMemory()
    {
    }

    public static HostMemory Instance { get; } = new();

    public bool IsHost => true;

    public OrtMemoryInfo Info => OrtMemoryInfo.DefaultInstance;

    public SafeHandle Allocate(long byteCount) => new AlignedMemory(byteCount);

    public void Upload(nint host, nint device, long count) => Copy(host, device, count);

    public void Download(nint device, nint host, long count) => Copy(device, host, count);

    public void Copy(nint source, nint destination, long count) =>
        Buffer.MemoryCopy((void*)source, (void*)destination, count * sizeof(float), count * sizeof(float));

    public void Clear(nint device, long count) => NativeMemory.Clear((void*)device, checked((nuint)count * sizeof(float)));
}
