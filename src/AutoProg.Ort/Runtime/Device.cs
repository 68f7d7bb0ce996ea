using System.Globalization;
using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Runtime;

/// <summary>Where graphs run: an execution provider with its number and threads.</summary>
public sealed class Device
{
    private static readonly Lock ArenaLock = new();
    private static bool arenaIsShared;

    private Device(string name, int? cudaDevice, int threads)
    {
        Name = name;
        CudaDevice = cudaDevice;
        Threads = threads;
    }

    /// <summary>As the user spells it: <c>cpu</c>, <c>cuda:0</c>.</summary>
    public string Name { get; }

    /// <summary>CUDA device number; null on the CPU.</summary>
    public int? CudaDevice { get; }

    /// <summary>Threads inside an operator, and of the optimizer; at least 1.</summary>
    public int Threads { get; }

    /// <summary>Name of the execution provider in ONNX Runtime.</summary>
    public string ExecutionProvider => CudaDevice is null ? "CPUExecutionProvider" : "CUDAExecutionProvider";

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
            ? new Device(name, id, count)
            : throw new DeviceException(
                $"device '{name}' needs the CUDA execution provider, and this ONNX Runtime has {string.Join(", ", providers)}. Build with -p:OrtFlavor=Gpu, or use --device cpu.");
    }

    /// <summary>Loads a model for this device.</summary>
    /// <param name="model">An ONNX model.</param>
    /// <param name="name">Told in errors.</param>
    /// <param name="profilePrefix">Beginning of the path of the profile that the session writes; null profiles nothing.</param>
    /// <exception cref="DeviceException">The provider cannot be started, or memory does not suffice.</exception>
    public InferenceSession Load(byte[] model, string name, string? profilePrefix = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        using var options = CreateOptions();
        if (profilePrefix is not null)
        {
            options.ProfileOutputPathPrefix = profilePrefix;
            options.EnableProfiling = true;
        }

        try
        {
            if (CudaDevice is { } id)
            {
                options.AppendExecutionProvider_CUDA(id);
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

    /// <summary>
    /// Options of every session. Rewrites stop at the basic level: higher ones fuse operators whose gradients were built from their parts
    /// (an Add into a LayerNormalization, for one), which is no gain in a training graph and can fail. Memory patterns stay off: they reserve
    /// a second full-size block beside the arena.
    /// </summary>
    private SessionOptions CreateOptions()
    {
        var options = new SessionOptions
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_BASIC,
            IntraOpNumThreads = Threads,
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
