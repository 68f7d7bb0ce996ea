namespace AutoProg.Ort.Runtime;

/// <summary>What a buffer of the arena holds.</summary>
internal enum ArenaRole
{
    /// <summary>The online network.</summary>
    Weights,

    /// <summary>Gradients of the loss by the weights; the batch's statistics in the places of running ones.</summary>
    Gradients,

    /// <summary>State of the update rule.</summary>
    Moments,

    /// <summary>Momentum networks (eq. 3).</summary>
    Ema,
}

/// <summary>Names one buffer of a <see cref="ParameterArena"/>.</summary>
/// <param name="Role">What it holds.</param>
/// <param name="Index">Which of the moments or momentum networks, from 0; 0 for weights and gradients.</param>
internal readonly record struct ArenaBuffer(ArenaRole Role, int Index = 0)
{
    /// <summary>The online network.</summary>
    public static ArenaBuffer Weights => new(ArenaRole.Weights);

    /// <summary>Gradients of the loss by the weights.</summary>
    public static ArenaBuffer Gradients => new(ArenaRole.Gradients);

    /// <summary>AdamW: 0 is the mean of the gradient, 1 that of its square. SGD: 0 is the velocity.</summary>
    public static ArenaBuffer Moment(int index) => new(ArenaRole.Moments, index);

    /// <summary>The momentum network of the decay at this place of the arena's list.</summary>
    public static ArenaBuffer Ema(int index) => new(ArenaRole.Ema, index);

    /// <summary>A stable key for files and messages: <c>weights</c>, <c>gradients</c>, <c>moments.0</c>, <c>ema.1</c>.</summary>
    public override string ToString() => Role switch
    {
        ArenaRole.Weights => "weights",
        ArenaRole.Gradients => "gradients",
        ArenaRole.Moments => $"moments.{Index}",
        _ => $"ema.{Index}",
    };
}

/// <summary>Reads one buffer into another (or into itself) while blocks are moved.</summary>
/// <param name="From">Where the old blocks are read.</param>
/// <param name="To">Where the new blocks are written.</param>
internal readonly record struct ArenaTransfer(ArenaBuffer From, ArenaBuffer To)
{
    /// <summary>Within one buffer.</summary>
    public static ArenaTransfer Within(ArenaBuffer buffer) => new(buffer, buffer);
}
