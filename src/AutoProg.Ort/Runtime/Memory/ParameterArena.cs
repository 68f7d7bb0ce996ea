using System.Globalization;
using AutoProg.Models;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Runtime;

/// <summary>What an arena keeps beside the weights.</summary>
internal sealed record ArenaOptions
{
    /// <summary>Weights alone: for evaluation and export.</summary>
    public static ArenaOptions WeightsOnly { get; } = new() { KeepGradients = false };

    /// <summary>Whether there is a gradient for every weight.</summary>
    public bool KeepGradients { get; init; } = true;

    /// <summary>State buffers of the update rule, 0 to 2; see <see cref="Optimizers.UpdateRule.MomentCount"/>.</summary>
    public int MomentCount { get; init; }

    /// <summary>One momentum network (eq. 3) per decay, each in (0, 1).</summary>
    public IReadOnlyList<double> EmaDecays { get; init; } = [];
}

/// <summary>
/// The parameters of a complete model with their gradients, moments and moving averages: one flat buffer each, laid out alike. Every sub-network binds views of this
/// memory, so nesting costs no copy. Owns the buffers and the views. Not thread-safe: one owner drives it.
/// </summary>
internal sealed partial class ParameterArena : IDisposable
{
    private readonly IDeviceMemory memory;
    private readonly Dictionary<ArenaBuffer, FlatBuffer> buffers = [];
    private readonly Dictionary<(ArenaBuffer Buffer, int Slot), OrtValue> views = [];
    private FlatBuffer? gradientSum;
    private bool disposed;

    /// <summary>Allocates zeroed buffers.</summary>
    /// <param name="parameters">All parameters of the complete model at full depth.</param>
    /// <param name="options">What to keep beside the weights.</param>
    /// <param name="device">In whose memory; it must outlive the arena. Null is the host.</param>
    /// <exception cref="ArgumentException">The parameters cannot be laid out (see <see cref="ArenaLayout"/>), or a decay is outside (0, 1).</exception>
    /// <exception cref="DeviceException">The system refuses the memory.</exception>
    public ParameterArena(IReadOnlyList<Parameter> parameters, ArenaOptions options, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.MomentCount, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MomentCount, 2, nameof(options));
        foreach (var decay in options.EmaDecays)
        {
            if (!(decay > 0 && decay < 1))
                throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"EMA decay {decay} is outside (0, 1); 0.998 is usual."), nameof(options));
        }

        memory = device?.Memory ?? HostMemory.Instance;
        Layout = new ArenaLayout(parameters);
        Steps = new StepCounts(Layout);
        EmaDecays = [.. options.EmaDecays];
        Buffers =
        [
            ArenaBuffer.Weights,
            .. options.KeepGradients ? [ArenaBuffer.Gradients] : Array.Empty<ArenaBuffer>(),
            .. Enumerable.Range(0, options.MomentCount).Select(ArenaBuffer.Moment),
            .. Enumerable.Range(0, EmaDecays.Count).Select(ArenaBuffer.Ema),
        ];
        try
        {
            foreach (var buffer in Buffers)
                buffers.Add(buffer, new FlatBuffer(Layout.Length, memory));
        }
        catch (DeviceException)
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Where each parameter lies, in every buffer.</summary>
    public ArenaLayout Layout { get; }

    /// <summary>Updates per parameter.</summary>
    public StepCounts Steps { get; }

    /// <summary>Decays of the momentum networks, in the order of their buffers.</summary>
    public IReadOnlyList<double> EmaDecays { get; }

    /// <summary>Every buffer that the arena keeps.</summary>
    public IReadOnlyList<ArenaBuffer> Buffers { get; }

    /// <summary>The online network.</summary>
    public FlatBuffer Weights => this[ArenaBuffer.Weights];

    /// <summary>
    /// Gradients of the loss by the weights; in the place of a running statistic, what the batch says about it. A step writes those of its sub-network and leaves the others as
    /// they were.
    /// </summary>
    /// <exception cref="ArgumentException">The arena keeps none.</exception>
    public FlatBuffer Gradients => this[ArenaBuffer.Gradients];

    /// <summary>Number of state buffers of the update rule.</summary>
    public int MomentCount => Buffers.Count(buffer => buffer.Role == ArenaRole.Moments);

    /// <summary>A flat buffer; the arena owns it.</summary>
    /// <exception cref="ArgumentException">The arena does not keep it.</exception>
    public FlatBuffer this[ArenaBuffer buffer]
    {
        get
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            return buffers.TryGetValue(buffer, out var flat)
                ? flat
                : throw new ArgumentException($"The arena keeps no buffer '{buffer}', only {string.Join(", ", Buffers)}; ask for it in {nameof(ArenaOptions)}.", nameof(buffer));
        }
    }

    /// <summary>Sum of the gradients of earlier micro-batches; allocated when it is first asked for.</summary>
    internal FlatBuffer GradientSum
    {
        get
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            return gradientSum ??= new FlatBuffer(Layout.Length, memory);
        }
    }

    /// <summary>The elements of one parameter, without padding, to read: where they lie, or a copy of another device's.</summary>
    /// <exception cref="ArgumentException">The arena has no such buffer or parameter.</exception>
    public ReadOnlySpan<float> Read(ArenaBuffer buffer, string name)
    {
        var slot = Layout[name];
        return this[buffer].Read(slot.Offset, slot.Length);
    }

    /// <summary>The elements of one parameter of an arena on the host, without padding.</summary>
    /// <exception cref="ArgumentException">The arena has no such buffer or parameter.</exception>
    /// <exception cref="InvalidOperationException">The arena lies on another device.</exception>
    public Span<float> Values(ArenaBuffer buffer, string name)
    {
        var slot = Layout[name];
        return this[buffer].Span(slot.Offset, slot.Length);
    }

    /// <summary>One parameter as a tensor of its declared shape, for binding to a session. The arena owns it; the same call gives the same tensor.</summary>
    /// <exception cref="ArgumentException">The arena has no such buffer or parameter.</exception>
    public OrtValue View(ArenaBuffer buffer, string name)
    {
        var slot = Layout[name];
        if (!views.TryGetValue((buffer, slot.Index), out var view))
            views.Add((buffer, slot.Index), view = this[buffer].View(slot.Offset, slot.Parameter.Shape));

        return view;
    }

    /// <summary>Sets every moment and every step count to zero: the update rule starts afresh, as the authors do at a stage change.</summary>
    public void ResetMoments()
    {
        foreach (var buffer in Buffers.Where(buffer => buffer.Role == ArenaRole.Moments))
            this[buffer].Clear(0, Layout.Length);

        Steps.Clear();
    }

    /// <summary>Makes every momentum network equal to the online network.</summary>
    public void ResetEma()
    {
        foreach (var buffer in Buffers.Where(buffer => buffer.Role == ArenaRole.Ema))
            this[buffer].CopyFrom(Weights);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        disposed = true;
        foreach (var view in views.Values)
            view.Dispose();

        views.Clear();
        foreach (var buffer in buffers.Values)
            buffer.Dispose();

        gradientSum?.Dispose();
    }
}
