using System.Globalization;
using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Ort.Runtime.Optimizers;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Runtime;

/// <summary>Where graphs run: an execution provider with its number and threads, its memory and its way to update parameters. Dispose of it after every arena in its memory.</summary>
public sealed class Device : IDisposable
{
    private static readonly Lock ArenaLock = new();
#if !ORT_TRAINING
    private static readonly HashSet<int> SharedCudaArenas = [];
#endif
    private static bool arenaIsShared;

    private readonly Lazy<OrtMemory>? ownMemory;

    private Device(string name, int? cudaDevice, int threads, Func<OrtMemoryInfo>? ownMemory = null)
    {
        Name = name;
        CudaDevice = cudaDevice;
        Threads = threads;
        this.ownMemory = ownMemory is null ? null : new(() => new OrtMemory(this, ownMemory()));
    }

    /// <summary>As the user spells it: <c>cpu</c>, <c>cuda:0</c>.</summary>
    public string Name { get; }

    /// <summary>CUDA device number; null on the CPU.</summary>
    public int? CudaDevice { get; }

    /// <summary>Threads inside an operator, and of the optimizer; at least 1.</summary>
    public int Threads { get; }

    /// <summary>Name of the execution provider in ONNX Runtime.</summary>
    public string ExecutionProvider => CudaDevice is null ? "CPUExecutionProvider" : "CUDAExecutionProvider";

    /// <summary>Where arenas on this device lie.</summary>
    internal IDeviceMemory Memory => ownMemory is null ? HostMemory.Instance : ownMemory.Value;

    /// <summary>Finds a device. The device asked for is used or refused, never replaced.</summary>
    /// <param name="name"><c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</param>
    /// <param name="threads">0 takes the number of processors.</param>
    /// <exception cref="DeviceException">The name is not known, or this build of ONNX Runtime lacks the provider.</exception>
    public static Device Open(string name, int threads = 0)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        var count = threads == 0 ? Environment.ProcessorCount : threads;
        if (name == "cpu")
        {
            return new Device(name, null, count);
        }

        var number = name == "cuda" ? "0" : name.StartsWith("cuda:", StringComparison.Ordinal) ? name[5..] : "";
        if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
        {
            throw new DeviceException($"device '{name}' is not known; use cpu or cuda:N.");
        }

        var providers = OrtEnv.Instance().GetAvailableProviders();
        return providers.Contains("CUDAExecutionProvider")
            ? new Device(name, id, count, () => CudaMemory(id))
            : throw new DeviceException(
                $"device '{name}' needs the CUDA execution provider, and this ONNX Runtime has {string.Join(", ", providers)}. Build with -p:OrtFlavor=Gpu, or use --device cpu.");
    }

    /// <summary>The CPU, with its memory reached through ONNX Runtime alone as if it were another device's: so that this way can be tested everywhere.</summary>
    internal static Device OpenCpuThroughRuntime(int threads) =>
        new("cpu", null, threads, static () => new OrtMemoryInfo(OrtMemoryInfo.allocatorCPU, OrtAllocatorType.DeviceAllocator, 0, OrtMemType.Default));

    /// <summary>What updates an arena in this device's memory: vector instructions on the host, graphs elsewhere.</summary>
    /// <param name="arena">Made for this device; stays the property of the caller.</param>
    /// <param name="rule">How gradients become new weights.</param>
    /// <exception cref="ArgumentException">The arena lacks gradients or moments, or lies elsewhere.</exception>
    internal IParameterUpdate CreateUpdate(ParameterArena arena, UpdateRule rule) =>
        Memory.IsHost ? new HostParameterUpdate(arena, rule, Threads) : new GraphParameterUpdate(arena, rule, this);

    /// <summary>Loads a model for this device.</summary>
    /// <param name="model">An ONNX model.</param>
    /// <param name="name">Told in errors.</param>
    /// <param name="profilePrefix">Beginning of the path of the profile that the session writes; null profiles nothing.</param>
    /// <exception cref="DeviceException">The provider cannot be started, does not take the graph, or memory does not suffice.</exception>
    public InferenceSession Load(byte[] model, string name, string? profilePrefix = null) => Load(model, name, Threads, profilePrefix);

    internal InferenceSession Load(byte[] model, string name, int threads, string? profilePrefix = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var options = CreateOptions(threads);
        if (profilePrefix is not null)
        {
            options.ProfileOutputPathPrefix = profilePrefix;
            options.EnableProfiling = true;
        }

        try
        {
            if (CudaDevice is { } id)
            {
#if ORT_TRAINING // whose managed assembly lacks what CUDA needs
                throw new DeviceException($"device '{Name}' (CUDA {id}) is not served by the training flavour of ONNX Runtime; build with -p:OrtFlavor=Gpu, or use --device cpu.");
#else
                return LoadOnCuda(model, name, id, options);
#endif
            }

            return new InferenceSession(model, options);
        }
        catch (Exception error) when (CudaDevice is not null && error is OnnxRuntimeException or EntryPointNotFoundException or DllNotFoundException)
        {
            throw new DeviceException($"device '{Name}' cannot load '{name}': {error.Message}", error);
        }
    }

    /// <summary>Gives memory that no session uses back to the system: the arena keeps what it once took until it is told.</summary>
    public void ReleaseUnusedMemory()
    {
        var b = new GraphBuilder();
        b.Output("y", b.Neg(b.Input("x", ElementType.Float, [1])));
        using var session = Load(OnnxWriter.Write(b.Build(), "release"), "release");
        using var options = new RunOptions();
        options.AddRunConfigEntry("memory.enable_memory_arena_shrinkage", CudaDevice is { } id ? $"cpu:0;gpu:{id}" : "cpu:0");
        using var x = OrtValue.CreateTensorValueFromMemory([0f], [1]);
        using var results = session.Run(options, ["x"], [x], ["y"]);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (ownMemory is { IsValueCreated: true })
        {
            ownMemory.Value.Dispose();
        }
    }

#if !ORT_TRAINING
    private InferenceSession LoadOnCuda(byte[] model, string name, int id, SessionOptions options)
    {
        ShareCudaArena(id);
        options.AppendExecutionProvider_CUDA(id);
        var session = new InferenceSession(model, options);
        try
        {
            using var memory = CudaMemory(id);
            RequireInputsIn(session, memory, name);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>Makes sure that a session computes where it was meant to: a provider that takes none of the graph leaves its inputs to the CPU, and nobody says so.</summary>
    /// <exception cref="DeviceException">It would compute elsewhere.</exception>
    internal void RequireInputsIn(InferenceSession session, OrtMemoryInfo expected, string name)
    {
        using var places = session.GetMemoryInfosForInputs();
        if (!places.Any(place => place.GetDeviceType() == expected.GetDeviceType() && place.Id == expected.Id))
        {
            throw new DeviceException(
                $"device '{Name}' was asked for, but '{name}' would run elsewhere: it wants its inputs in the memory {string.Join(", ", places.Select(place => $"'{place.Name}'").Distinct())}, none in '{expected.Name}'. Check that this build of ONNX Runtime has kernels for the device.");
        }
    }
#endif

    private static OrtMemoryInfo CudaMemory(int id) => new(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.DeviceAllocator, id, OrtMemType.Default);

    /// <summary>
    /// Options of every session. Rewrites stop at the basic level: higher ones fuse operators whose gradients were built from their parts
    /// (an Add into a LayerNormalization, for one), which is no gain in a training graph and can fail. Memory patterns stay off: they reserve
    /// a second full-size block beside the arena.
    /// </summary>
    private static SessionOptions CreateOptions(int threads)
    {
        var options = new SessionOptions
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_BASIC,
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
            EnableMemoryPattern = false,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };

        // Threads of idle sessions must not spin while another session or the optimizer works.
        options.AddSessionConfigEntry("session.force_spinning_stop", "1");
        ShareArena();
        options.AddSessionConfigEntry("session.use_env_allocators", "1");
        return options;
    }

    /// <summary>One arena for all sessions of the process: candidates run in turn, so their activations may share memory.</summary>
    private static void ShareArena()
    {
        lock (ArenaLock)
        {
            if (arenaIsShared)
            {
                return;
            }

            // Extend by what is asked for (strategy 1), not to the next power of two.
            using var arena = new OrtArenaCfg(0, 1, -1, -1);
            using var memory = new OrtMemoryInfo(OrtMemoryInfo.allocatorCPU, OrtAllocatorType.ArenaAllocator, 0, OrtMemType.Default);
            OrtEnv.Instance().CreateAndRegisterAllocator(memory, arena);
            arenaIsShared = true;
        }
    }

#if !ORT_TRAINING
    /// <summary>The same for a CUDA device.</summary>
    private static void ShareCudaArena(int id)
    {
        lock (ArenaLock)
        {
            if (SharedCudaArenas.Contains(id))
            {
                return;
            }

            using var arena = new OrtArenaCfg(0, 1, -1, -1);
            using var memory = CudaMemory(id);
            OrtEnv.Instance().CreateAndRegisterAllocator("CUDAExecutionProvider", memory, arena, new Dictionary<string, string>(StringComparer.Ordinal));
            SharedCudaArenas.Add(id);
        }
    }
#endif
}

/// <summary>A device is not there, cannot be used, or is out of memory. The command line exits with 4.</summary>
public sealed class DeviceException : Exception
{
    /// <summary>Creates the exception.</summary>
    public DeviceException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public DeviceException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public DeviceException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
