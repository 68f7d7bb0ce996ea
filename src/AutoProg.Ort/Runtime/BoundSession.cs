using System.Runtime.InteropServices;
using AutoProg.Graphs.Artifacts;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AutoProg.Ort.Runtime;

/// <summary>
/// A loaded graph whose inputs and results live in fixed memory: what is fed and returned belongs to the session, parameters and gradients to
/// the arena they are bound to. A run allocates nothing on the managed side.
/// </summary>
public abstract class BoundSession : IDisposable
{
    private readonly InferenceSession session;
    private readonly OrtIoBinding binding;
    private readonly RunOptions runOptions = new();
    private readonly Dictionary<string, HostTensor> hostTensors = new(StringComparer.Ordinal);

    /// <summary>Loads a model on a device.</summary>
    private protected BoundSession(Device device, byte[] model, string name, string? profilePrefix = null)
    {
        session = device.Load(model, name, profilePrefix);
        binding = session.CreateIoBinding();
    }

    /// <summary>The memory of a fed input or of a returned result, row-major.</summary>
    /// <exception cref="KeyNotFoundException">The graph has no such input or result, or it is bound to an arena.</exception>
    public Span<float> Tensor(string name) => hostTensors.TryGetValue(name, out var tensor)
        ? tensor.Elements
        : throw new KeyNotFoundException($"The session has no tensor '{name}'; it has {string.Join(", ", hostTensors.Keys)}.");

    /// <summary>True if the graph has that input or result.</summary>
    public bool Has(string name) => hostTensors.ContainsKey(name);

    /// <summary>Writes the profile of all runs so far and ends it.</summary>
    /// <returns>The file.</returns>
    internal string EndProfiling() => session.EndProfiling();

    /// <inheritdoc />
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Computes once.</summary>
    /// <exception cref="DeviceException">The device is out of memory.</exception>
    private protected void RunOnce()
    {
        try
        {
            session.RunWithBinding(runOptions, binding);
        }
        catch (OnnxRuntimeException error) when (error.Message.Contains("allocate", StringComparison.OrdinalIgnoreCase) || error.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase))
        {
            throw new DeviceException($"out of memory: {error.Message} Use a smaller micro-batch or set runtime.memory_limit_mb.", error);
        }
    }

    private protected void BindInput(string name, OrtValue value) => binding.BindInput(name, value);

    private protected void BindOutput(string name, OrtValue value) => binding.BindOutput(name, value);

    private protected void FeedFromHost(TensorEntry entry) => binding.BindInput(entry.Name, Allocate(entry).Value);

    private protected void ReturnToHost(TensorEntry entry) => binding.BindOutput(entry.Name, Allocate(entry).Value);

    /// <summary>Releases the session and its tensors.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (!disposing)
        {
            return;
        }

        binding.Dispose();
        runOptions.Dispose();
        session.Dispose();
        foreach (var tensor in hostTensors.Values)
        {
            tensor.Dispose();
        }

        hostTensors.Clear();
    }

    private HostTensor Allocate(TensorEntry entry)
    {
        var tensor = new HostTensor([.. entry.Shape]);
        hostTensors.Add(entry.Name, tensor);
        return tensor;
    }

    /// <summary>A float tensor on the pinned object heap.</summary>
    private sealed class HostTensor : IDisposable
    {
        private readonly float[] elements;

        public HostTensor(long[] shape)
        {
            elements = GC.AllocateArray<float>(checked((int)shape.Aggregate(1L, (product, dim) => product * dim)), pinned: true);
            Value = OrtValue.CreateTensorValueWithData(
                OrtMemoryInfo.DefaultInstance, TensorElementType.Float, shape, Marshal.UnsafeAddrOfPinnedArrayElement(elements, 0), elements.Length * sizeof(float));
        }

        public OrtValue Value { get; }

        public Span<float> Elements => elements;

        public void Dispose() => Value.Dispose();
    }
}

/// <summary>A training graph: one run computes loss and gradients of a micro-batch.</summary>
public sealed class StepSession : BoundSession
{
    private readonly GraphManifest manifest;

    /// <summary>Loads a training graph; <see cref="Bind"/> it before the first run.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="model">The model file.</param>
    /// <param name="manifest">What it describes.</param>
    /// <param name="profilePrefix">As for <see cref="Device.Load"/>.</param>
    public StepSession(Device device, byte[] model, GraphManifest manifest, string? profilePrefix = null)
        : base(device, model, manifest.Name, profilePrefix)
    {
        this.manifest = manifest;
        foreach (var input in manifest.Inputs)
        {
            FeedFromHost(input);
        }

        foreach (var output in manifest.Outputs.Where(o => !manifest.Gradients.Values.Contains(o.Name)))
        {
            ReturnToHost(output);
        }
    }

    /// <summary>The loss of the last run, averaged over the micro-batch.</summary>
    public float Loss => Tensor(manifest.Loss!)[0];

    /// <summary>Connects parameters and gradients with memory; may be called again, e.g. when the same graph serves other blocks of a supernet.</summary>
    /// <param name="weight">Memory of a parameter by its name in the graph.</param>
    /// <param name="gradient">Memory for a parameter's gradient by the parameter's name in the graph.</param>
    public void Bind(Func<string, OrtValue> weight, Func<string, OrtValue> gradient)
    {
        foreach (var parameter in manifest.Parameters)
        {
            BindInput(parameter.Name, weight(parameter.Name));
        }

        foreach (var (parameter, output) in manifest.Gradients)
        {
            BindOutput(output, gradient(parameter));
        }
    }

    /// <summary>Forward and backward. Gradients are overwritten, not added to.</summary>
    /// <exception cref="DeviceException">The device is out of memory.</exception>
    public void Run() => RunOnce();
}

/// <summary>A forward graph.</summary>
public sealed class EvalSession : BoundSession
{
    private readonly IReadOnlyList<TensorEntry> parameters;

    /// <summary>Loads a forward graph; <see cref="Bind"/> it before the first run.</summary>
    public EvalSession(Device device, byte[] model, GraphManifest manifest)
        : base(device, model, manifest.Name)
    {
        parameters = manifest.Parameters;
        foreach (var input in manifest.Inputs)
        {
            FeedFromHost(input);
        }

        foreach (var output in manifest.Outputs)
        {
            ReturnToHost(output);
        }
    }

    /// <summary>Connects parameters with memory, online or averaged weights; may be called again.</summary>
    /// <param name="weight">Memory of a parameter by its name in the graph.</param>
    public void Bind(Func<string, OrtValue> weight)
    {
        foreach (var parameter in parameters)
        {
            BindInput(parameter.Name, weight(parameter.Name));
        }
    }

    /// <summary>Forward.</summary>
    /// <exception cref="DeviceException">The device is out of memory.</exception>
    public void Run() => RunOnce();
}
