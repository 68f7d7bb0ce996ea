namespace AutoProg.Ort.Training.LearningRates;

/// <summary>
/// Half a cosine: min + (peak - min) (1 + cos(pi e / E)) / 2, then the minimum for all of cool-down. Warm-up does not shift it, as in timm: the
/// rate jumps from the end of warm-up to the cosine's value there, slightly below the peak.
/// </summary>
internal sealed record CosineSchedule : LearningRateSchedule
{
    /// <summary>Rate at the end and during cool-down.</summary>
    public double MinRate { get; init; }

    /// <summary>Length E of the half wave in epochs, warm-up included, cool-down not.</summary>
    public required int Epochs { get; init; }

    /// <inheritdoc />
    protected override double AfterWarmup(double progress) => progress < Epochs
        ? MinRate + (0.5 * (PeakRate - MinRate) * (1 + Math.Cos(Math.PI * progress / Epochs)))
        : MinRate;
}
