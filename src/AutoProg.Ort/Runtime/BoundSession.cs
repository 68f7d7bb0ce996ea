using AutoProg.Graphs.Artifacts;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Runtime;

/// <summary>
/// A loaded graph whose inputs and results live in fixed memory: what is fed and returned belongs to the session, parameters and gradients to
/// the arena they are bound to. A run allocates nothing on the managed side.
/// </summary>
internal abstract class BoundSession : IFedSession, IDisposable
{
    private readonly InferenceSession session;
    private readonly OrtIoBinding binding;
    private readonly RunOptions runOptions = new();
    private readonly Dictionary<string, HostTensor> hostTensors = new(StringComparer.Ordinal);
    private readonly List<string> fedNames = [];
    private readonly Device device;

    /// <summary>Loads a model on a device.</summary>
    private protected BoundSession(Device device, byte[] model, string name, string? profilePrefix = null, int? threads = null)
    {
        this.device = device;
        session = device.Load(model, name, threads ?? device.Threads, profilePrefix);
        binding = session.CreateIoBinding();
    }

    /// <summary>The memory of a fed input or of a returned result, row-major.</summary>
    /// <exception cref="KeyNotFoundException">The graph has no such input or result, or it is bound to an arena.</exception>
    public Span<float> Tensor(string name) => Tensor<float>(name);

    /// <summary>The same of any type: <see langword="long"/> for timesteps, labels and other indices.</summary>
    /// <typeparam name="T">The tensor's element type.</typeparam>
    /// <exception cref="KeyNotFoundException">The graph has no such input or result, or it is bound to an arena.</exception>
    public Span<T> Tensor<T>(string name)
        where T : unmanaged
        => hostTensors.TryGetValue(name, out var tensor)
        ? tensor.Elements<T>()
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
            if (device.Memory.IsHost)
            {
                session.RunWithBinding(runOptions, binding);
            }
            else
            {
                RunElsewhere();
            }
        }
        catch (OnnxRuntimeException error) when (error.Message.Contains("allocate", StringComparison.OrdinalIgnoreCase) || error.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase))
        {
            throw new DeviceException($"out of memory: {error.Message} Use a smaller micro-batch or set runtime.memory_limit_mb.", error);
        }
    }

    /// <summary>What is fed lies on the host, and binding it is what copies it to the device: binding once would feed the first run's values for ever.</summary>
    private void RunElsewhere()
    {
        foreach (var name in fedNames)
        {
            binding.BindInput(name, hostTensors[name].Value);
        }

        binding.SynchronizeBoundInputs();
        session.RunWithBinding(runOptions, binding);
        binding.SynchronizeBoundOutputs();
    }

    /// <summary>What was bound from elsewhere would be copied to the device once, and never follow its arena.</summary>
    private protected void RequireNear(ParameterArena arena)
    {
        if (!arena.Weights.LiesIn(device.Memory))
        {
            throw new ArgumentException($"The arena does not lie in the memory of device '{device.Name}', where the session runs; make it with that device.", nameof(arena));
        }
    }

    private protected void BindInput(string name, OrtValue value) => binding.BindInput(name, value);

    private protected void BindOutput(string name, OrtValue value) => binding.BindOutput(name, value);

    private protected void FeedFromHost(TensorEntry entry)
    {
        binding.BindInput(entry.Name, Allocate(entry).Value);
        fedNames.Add(entry.Name);
    }

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
        var tensor = HostTensor.Of(entry);
        hostTensors.Add(entry.Name, tensor);
        return tensor;
    }
}

/// <summary>A training graph: one run computes loss and gradients of a micro-batch.</summary>
internal sealed class StepSession : BoundSession
{
    private readonly GraphManifest manifest;

    /// <summary>Loads a training graph; bind it before the first run.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="model">The model file.</param>
    /// <param name="manifest">What it describes.</param>
    /// <param name="profilePrefix">As for <see cref="Device.Load(byte[], string, string?)"/>.</param>
    public StepSession(Device device, byte[] model, GraphManifest manifest, string? profilePrefix = null)
        : base(device, model, manifest.Name, profilePrefix)
    {
        this.manifest = manifest;
        foreach (var input in manifest.Inputs)
        {
            FeedFromHost(input);
        }

        foreach (var output in manifest.Outputs.Where(o => !manifest.Gradients.Values.Contains(o.Name) && !manifest.Statistics.Values.Contains(o.Name)))
        {
            ReturnToHost(output);
        }
    }

    /// <summary>The loss of the last run, averaged over the micro-batch.</summary>
    public float Loss => Tensor(manifest.Loss!)[0];

    /// <summary>Connects parameters and gradients with memory; may be called again, e.g. when the same graph serves other blocks of a supernet.</summary>
    /// <param name="weight">Memory of a parameter by its name in the graph.</param>
    /// <param name="gradient">Memory for a parameter's gradient, and for what the batch says about a running statistic, by the name of the one or the other.</param>
    public void Bind(Func<string, OrtValue> weight, Func<string, OrtValue> gradient)
    {
        foreach (var parameter in manifest.Parameters)
        {
            BindInput(parameter.Name, weight(parameter.Name));
        }

        foreach (var (parameter, output) in manifest.Gradients.Concat(manifest.Statistics))
        {
            BindOutput(output, gradient(parameter));
        }
    }

    /// <summary>Connects parameters and gradients with an arena, for a step that then updates a selection of it.</summary>
    /// <param name="arena">Memory.</param>
    /// <param name="selection">What the step changes: this graph must give a gradient for what learns, and the batch's statistic for what follows it.</param>
    /// <param name="arenaName">From a parameter's name in the graph to its name in the arena; null if they are the same.</param>
    /// <param name="network">The weights, or a momentum network.</param>
    /// <exception cref="ArgumentException">The selection has a parameter for which the graph computes neither, so that the update would take what another step left there; or the arena lies on another device.</exception>
    public void Bind(ParameterArena arena, ArenaSelection selection, Func<string, string>? arenaName = null, ArenaBuffer network = default)
    {
        ArgumentNullException.ThrowIfNull(arena);
        ArgumentNullException.ThrowIfNull(selection);
        RequireNear(arena);
        arenaName ??= static name => name;
        var computed = manifest.Gradients.Keys.Concat(manifest.Statistics.Keys).Select(arenaName).ToHashSet(StringComparer.Ordinal);
        if (selection.UpdatedSlots.Concat(selection.FollowedSlots).FirstOrDefault(slot => !computed.Contains(slot.Name)) is { } missing)
        {
            throw new ArgumentException(
                missing.Parameter.IsBuffer
                    ? $"'{missing.Name}' is to follow the batch, but graph '{manifest.Name}' does not tell the batch's statistic; build the graph in training mode, or leave it out of the selection."
                    : $"The step is to update '{missing.Name}', but graph '{manifest.Name}' computes no gradient for it; build the graph with that parameter learnable, or leave it out of the selection.",
                nameof(selection));
        }

        Bind(name => arena.View(network, arenaName(name)), name => arena.View(ArenaBuffer.Gradients, arenaName(name)));
    }

    /// <summary>Forward and backward. Gradients are overwritten, not added to.</summary>
    /// <exception cref="DeviceException">The device is out of memory.</exception>
    public void Run() => RunOnce();
}

/// <summary>A forward graph.</summary>
internal sealed class EvalSession : BoundSession
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
