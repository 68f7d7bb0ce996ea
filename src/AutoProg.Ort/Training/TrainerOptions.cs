using AutoProg.Ort.Data;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
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
            $"step {step + 1}, stage {stage + 1}: loss {result.Loss}, gradient norm {result.GradientNorm}; training has diverged and nothing was updated. "
            + $"Last good checkpoint: {lastCheckpoint ?? "none"}. Lower optimizer.lr, lengthen schedule.warmup_epochs, or set training.clip_grad.")
    {
    }
}

/// <summary>The images of a run.</summary>
/// <param name="Training">What it was trained on.</param>
/// <param name="Evaluation">What it was evaluated on.</param>
public sealed record RunData(DatasetFingerprint Training, DatasetFingerprint Evaluation)
{
    internal static RunData Of(IImageDataset train, IImageDataset val, CancellationToken cancellationToken) =>
        new(DatasetFingerprint.Of(train, cancellationToken), DatasetFingerprint.Of(val, cancellationToken));
}

/// <summary>What came out of a run.</summary>
public sealed record RunSummary
{
    /// <summary>Name in the recipe.</summary>
    public required string Name { get; init; }

    /// <summary>The policy, as recipes spell it.</summary>
    public required string Policy { get; init; }

    /// <summary>Model and device.</summary>
    public required string Model { get; init; }

    /// <summary>Device and execution provider in use.</summary>
    public required string Device { get; init; }

    /// <summary>The run's seed: the root of all its randomness.</summary>
    public required long Seed { get; init; }

    /// <summary>Threads of ONNX Runtime and of the optimizer.</summary>
    public int Threads { get; init; }

    /// <summary>What the run ended on: versions, processor; null in summaries that were written before they told.</summary>
    public RunEnvironment? Environment { get; init; }

    /// <summary>Which images it was trained and evaluated on; null in summaries that were written before they told.</summary>
    public RunData? Data { get; init; }

    /// <summary>Parameters of the complete model.</summary>
    public required long Parameters { get; init; }

    /// <summary>Updates done.</summary>
    public required long Steps { get; init; }

    /// <summary>Epochs done.</summary>
    public required int Epochs { get; init; }

    /// <summary>Stages as they were trained.</summary>
    public required IReadOnlyList<StageReport> Stages { get; init; }

    /// <summary>Searches with all candidates.</summary>
    public required IReadOnlyList<SearchDecision> Decisions { get; init; }

    /// <summary>The last evaluation: that of the complete model.</summary>
    public EvaluationResult? Final { get; init; }

    /// <summary>The best evaluation; null without any.</summary>
    public EvaluationResult? Best { get; init; }

    /// <summary>How far sampled images are from the evaluation images; null where the recipe asks for no samples.</summary>
    public FrechetResult? Frechet { get; init; }

    /// <summary>Epoch of the best evaluation.</summary>
    public int BestEpoch { get; init; }

    /// <summary>Where the time went.</summary>
    public required RunTimes Times { get; init; }

    /// <summary>Images that could not be read.</summary>
    public required int CorruptImages { get; init; }

    /// <summary>The run's folder; null if no files were written.</summary>
    public string? Folder { get; init; }
}
