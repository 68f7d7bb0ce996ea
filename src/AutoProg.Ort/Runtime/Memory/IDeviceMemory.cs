using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Runtime;

/// <summary>The memory of a device: where flat buffers lie. Addresses are the device's; counts are in float32 elements. Safe to use from several threads.</summary>
internal interface IDeviceMemory
{
    /// <summary>Whether the processor may follow the addresses.</summary>
    bool IsHost { get; }

    /// <summary>How ONNX Runtime calls the memory.</summary>
    OrtMemoryInfo Info { get; }

    /// <summary>Takes zeroed memory; disposing gives it back.</summary>
    /// <exception cref="DeviceException">The device refuses the memory.</exception>
    SafeHandle Allocate(long byteCount);

    /// <summary>From the host to the device.</summary>
    void Upload(nint host, nint device, long count);

    /// <summary>From the device to the host.</summary>
    void Download(nint device, nint host, long count);

    /// <summary>Within the device; overlapping ranges are safe.</summary>
    void Copy(nint source, nint destination, long count);

    /// <summary>Sets elements to zero.</summary>
    void Clear(nint device, long count);
}
