using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Training.LearningRates;

/// <summary>
/// A learning rate as a function of progress alone: nothing counts, so nothing needs restoring. It spans the whole run and does not restart at
/// stage boundaries.
/// </summary>
internal abstract record LearningRateSchedule
{
    /// <summary>Rate after warm-up, where the curve starts.</summary>
    public required double PeakRate { get; init; }

    /// <summary>Epochs of linear warm-up.</summary>
    public int WarmupEpochs { get; init; }

    /// <summary>Rate at the start of warm-up.</summary>
    public double WarmupRate { get; init; }

    /// <summary>When the rate moves on.</summary>
    public LearningRateUnit Per { get; init; } = LearningRateUnit.Epoch;

    /// <summary>The rate of an update.</summary>
    /// <param name="epoch">Epochs completed so far, the fraction of the current one included; 0 at the start.</param>
    /// <remarks>Per epoch, the fraction is dropped: all updates of an epoch have one rate, as timm sets it.</remarks>
    public double At(double epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        var progress = Per == LearningRateUnit.Epoch ? Math.Floor(epoch) : epoch;
        return progress < WarmupEpochs
            ? WarmupRate + (progress * ((PeakRate - WarmupRate) / WarmupEpochs))
            : AfterWarmup(progress);
    }

    /// <summary>The curve that a recipe asks for.</summary>
    public static LearningRateSchedule From(Recipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        var schedule = recipe.Schedule;
        return schedule.Name switch
        {
            LearningRateKind.Cosine => new CosineSchedule
            {
                PeakRate = recipe.Optimizer.Lr,
                MinRate = schedule.MinLr,
                Epochs = recipe.Training.Epochs,
                WarmupEpochs = schedule.WarmupEpochs,
                WarmupRate = schedule.WarmupLr,
                Per = schedule.Per,
            },
            LearningRateKind.Constant => new ConstantSchedule
            {
                PeakRate = recipe.Optimizer.Lr,
                WarmupEpochs = schedule.WarmupEpochs,
                WarmupRate = schedule.WarmupLr,
                Per = schedule.Per,
            },
            _ => throw new ArgumentOutOfRangeException(nameof(recipe), schedule.Name, "No such learning-rate schedule."),
        };
    }

    /// <summary>The curve without warm-up.</summary>
    /// <param name="progress">Epochs since the start of the run, not since the end of warm-up.</param>
    protected abstract double AfterWarmup(double progress);
}
