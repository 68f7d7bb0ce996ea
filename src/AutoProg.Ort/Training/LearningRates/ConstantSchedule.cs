namespace AutoProg.Ort.Training.LearningRates;

/// <summary>The peak throughout, cool-down included.</summary>
internal sealed record ConstantSchedule : LearningRateSchedule
{
    /// <inheritdoc />
    protected override double AfterWarmup(double progress) => PeakRate;
}
