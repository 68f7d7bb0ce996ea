namespace AutoProg.Ort.Diffusion;

/// <summary>One sample on its way back, and what the network says about it.</summary>
internal readonly ref struct Prediction
{
    /// <summary>x_t, [C, h, w].</summary>
    public required ReadOnlySpan<float> X { get; init; }

    /// <summary>The network's output for it: the noise, [C, h, w], and behind it where the variance is learned the position between the smallest and the largest, [C, h, w].</summary>
    public required ReadOnlySpan<float> Output { get; init; }

    /// <summary>Index into the schedule, 0 to steps - 1; 0 is the last step.</summary>
    public required int T { get; init; }

    /// <summary>Whether the predicted x_0 is kept within -1 to 1. For images; latents have no such range.</summary>
    public bool ClipStart { get; init; }
}

/// <summary>p(x_{t-1} | x_t) of one sample.</summary>
/// <param name="Mean">[C, h, w].</param>
/// <param name="LogVariance">Logarithm of the variance, [C, h, w].</param>
/// <param name="Start">The x_0 that the network predicts, [C, h, w].</param>
internal sealed record ReverseDistribution(float[] Mean, float[] LogVariance, float[] Start);
