using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AutoProg.Ort.Runtime;

/// <summary>
/// Memory that only ONNX Runtime reaches: it allocates, and sessions of one Identity node copy. <c>OrtEnv.CopyTensors</c> would be shorter, but serves only
/// providers that were registered as plug-in libraries, and is missing before 1.23; a session copies to and from every provider that it runs on.
/// </summary>
internal sealed unsafe class OrtMemory : IDeviceMemory, IDisposable
{
#if DEBUG
    // Debug builds copy in many pieces all the time.
    private const int LargestPiece = 16;
#else
    // 16 MiB: a copy from the host takes as much once more on the device while it lasts.
    private const int LargestPiece = 1 << 22;
#endif

    private readonly Lock gate = new();
    private readonly Device device;
    private readonly OrtAllocator allocator;
    private readonly RunOptions runOptions = new();

    // A session's shapes are static, so a copy is cut into powers of two: at most 23 sessions serve every length.
    private readonly Dictionary<int, InferenceSession> sessions = [];

    /// <summary>Takes over the description of the memory.</summary>
    /// <param name="device">Whose memory it is; copies run there.</param>
    /// <param name="info">How ONNX Runtime calls it.</param>
    /// <exception cref="DeviceException">The device's provider does not offer such memory.</exception>
    public OrtMemory(Device device, OrtMemoryInfo info)
    {
        this.device = device;
        Info = info;
        try
        {
            allocator = new OrtAllocator(SessionFor(1), info);
        }
        catch (OnnxRuntimeException error)
        {
            Dispose();
            throw new DeviceException($"device '{device.Name}' offers no memory of its own: {error.Message}", error);
        }
    }

    public bool IsHost => false;

    public OrtMemoryInfo Info { get; }

    public SafeHandle Allocate(long byteCount)
    {
        var mebibytes = byteCount / 1048576.0;
        if (byteCount > uint.MaxValue)
        {
            throw new DeviceException(string.Create(CultureInfo.InvariantCulture, $"out of memory: a tensor buffer of {mebibytes:F1} MiB exceeds the 4096 MiB that ONNX Runtime hands out at once on device '{device.Name}'. Use a smaller model."));
        }

        OrtMemoryAllocation memory;
        lock (gate)
        {
            try
            {
                memory = allocator.Allocate((uint)byteCount);
            }
            catch (OnnxRuntimeException error)
            {
                throw new DeviceException(
                    string.Create(CultureInfo.InvariantCulture, $"out of memory: device '{device.Name}' refused {mebibytes:F1} MiB for a tensor buffer. Use a smaller model or fewer moving averages, or free memory."),
                    error);
            }
        }

        Clear(memory.DangerousGetHandle(), byteCount / sizeof(float));
        return memory;
    }

    public void Upload(nint host, nint device, long count) => Move(host, OrtMemoryInfo.DefaultInstance, device, Info, count);

    public void Download(nint device, nint host, long count) => Move(device, Info, host, OrtMemoryInfo.DefaultInstance, count);

    public void Copy(nint source, nint destination, long count)
    {
        if (source == destination)
            return;

        if (Math.Abs(source - destination) >= count * sizeof(float))
        {
            Move(source, Info, destination, Info, count);
            return;
        }

        // Kernels may copy in any order, so overlapping ranges go by way of another place.
        using var aside = Allocate(count * sizeof(float));
        Move(source, Info, aside.DangerousGetHandle(), Info, count);
        Move(aside.DangerousGetHandle(), Info, destination, Info, count);
    }

    public void Clear(nint device, long count)
    {
        var zeros = new float[Math.Min(count, LargestPiece)];
        fixed (float* start = zeros)
        {
            for (var done = 0L; done < count; done += zeros.Length)
                Upload((nint)start, device + (nint)(done * sizeof(float)), Math.Min(zeros.Length, count - done));
        }
    }

    public void Dispose()
    {
        allocator?.Dispose();
        foreach (var session in sessions.Values)
            session.Dispose();

        sessions.Clear();
        runOptions.Dispose();
        Info.Dispose();
    }

    private void Move(nint from, OrtMemoryInfo fromInfo, nint to, OrtMemoryInfo toInfo, long count)
    {
        while (count > 0)
        {
            var piece = (int)Math.Min(LargestPiece, 1L << BitOperations.Log2((ulong)count));
            long[] shape = [piece];
            using var source = OrtValue.CreateTensorValueWithData(fromInfo, TensorElementType.Float, shape, from, piece * (long)sizeof(float));
            using var destination = OrtValue.CreateTensorValueWithData(toInfo, TensorElementType.Float, shape, to, piece * (long)sizeof(float));
            lock (gate)
            {
                var session = SessionFor(piece);
                using var binding = session.CreateIoBinding();
                binding.BindInput("x", source);
                binding.BindOutput("y", destination);
                binding.SynchronizeBoundInputs();
                session.RunWithBinding(runOptions, binding);
                binding.SynchronizeBoundOutputs();
            }

            from += piece * sizeof(float);
            to += piece * sizeof(float);
            count -= piece;
        }
    }

    private InferenceSession SessionFor(int length)
    {
        if (!sessions.TryGetValue(length, out var session))
        {
            var b = new GraphBuilder();
            b.Output("y", b.Identity(b.Input("x", ElementType.Float, [length])));
            sessions.Add(length, session = device.Load(OnnxWriter.Write(b.Build(), "copy"), "copy", threads: 1));
        }

        return session;
    }
}
