using System.Diagnostics.Metrics;
using System.Globalization;
using AutoProg.Ort.Data;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Training;

/// <summary>How a trainer is embedded; what it trains is the recipe's.</summary>
public sealed record TrainerOptions
{
    /// <summary>Folder below which a new run's folder is made; null writes no files at all.</summary>
    public string? Output { get; init; }

    /// <summary>Name of the run's folder; null takes time, model and size.</summary>
    public string? Experiment { get; init; }

    /// <summary>Whether a run of that name may be replaced.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Receives what people read; the run's log.txt gets the same lines.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Receives every step.</summary>
    public IProgress<TrainingProgress>? Progress { get; init; }

    /// <summary>Makes the meter that measures runs, a host's in most cases; null measures with the one that the whole process shares. See <see cref="Monitoring.TrainingMeter"/>.</summary>
    public IMeterFactory? Meters { get; init; }

    /// <summary>Training images of one's own, instead of the recipe's.</summary>
    public IImageDataset? TrainingImages { get; init; }

    /// <summary>Evaluation images of one's own, instead of the recipe's.</summary>
    public IImageDataset? EvaluationImages { get; init; }

    /// <summary>The clock that stamps names, logs and events.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Opens another device than the recipe's; for tests.</summary>
    internal Func<RuntimeRecipe, Device>? OpenDevice { get; init; }
}

/// <summary>A step that is done.</summary>
/// <param name="Epoch">From 0.</param>
/// <param name="Epochs">Of the run.</param>
/// <param name="Batch">Batches of the epoch that are done.</param>
/// <param name="Batches">Of the epoch.</param>
/// <param name="Step">Updates done.</param>
/// <param name="Stage">From 0.</param>
/// <param name="Stages">Of the run.</param>
/// <param name="Network">What the step trained.</param>
/// <param name="Loss">Of the step.</param>
/// <param name="LearningRate">Of the step.</param>
/// <param name="IsSearching">Whether the step trained a supernet.</param>
public sealed record TrainingProgress(
    int Epoch, int Epochs, int Batch, int Batches, long Step, int Stage, int Stages, SubNetwork Network, double Loss, double LearningRate, bool IsSearching);

/// <summary>Loss or gradient stopped being finite. The command line exits with 5.</summary>
public sealed class DivergedException : Exception
{
    /// <summary>Creates the exception.</summary>
    public DivergedException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public DivergedException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public DivergedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal DivergedException(long step, int stage, StepResult result, string? lastCheckpoint)
        : base(
            $"{FindingOf(step, stage, result)}; training has diverged and nothing was updated. "
            + $"Last good checkpoint: {lastCheckpoint ?? "none"}. Lower optimizer.lr, lengthen schedule.warmup_epochs, set training.clip_grad, or leave such batches out with training.max_rollbacks.") =>
        (Step, Result, Finding) = (step, result, FindingOf(step, stage, result));

    /// <summary>Updates done.</summary>
    internal long Step { get; }

    /// <summary>What was not finite.</summary>
    internal StepResult Result { get; }

    /// <summary>Where, and what was found there, without the cure.</summary>
    internal string Finding { get; } = "";

    /// <summary>The batch of the step; null where it was no step of the training.</summary>
    internal SkippedBatch? Batch { get; init; }

    private static string FindingOf(long step, int stage, StepResult result) =>
        string.Create(CultureInfo.InvariantCulture, $"step {step + 1}, stage {stage + 1}: loss {result.Loss}, gradient norm {result.GradientNorm}");
}
