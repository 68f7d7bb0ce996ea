using System.Runtime.InteropServices;
using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AutoProg.Ort.Runtime;

/// <summary>A tensor on the pinned object heap.</summary>
internal sealed class HostTensor : IDisposable
{
    private readonly byte[] bytes;

    private HostTensor(ElementType type, long[] shape)
    {
        bytes = GC.AllocateArray<byte>(checked((int)shape.Aggregate((long)type.Size(), (product, dim) => product * dim)), pinned: true);
        Value = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, (TensorElementType)type, shape, Marshal.UnsafeAddrOfPinnedArrayElement(bytes, 0), bytes.Length);
    }

    public OrtValue Value { get; }

    public static HostTensor Of(TensorEntry entry) => new(Enum.Parse<ElementType>(entry.Type), [.. entry.Shape]);

    public Span<T> Elements<T>()
        where T : unmanaged => MemoryMarshal.Cast<byte, T>(bytes.AsSpan());

    public void Dispose() => Value.Dispose();
}
