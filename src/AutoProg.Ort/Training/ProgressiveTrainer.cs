using AutoProg.Ort.Data;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Training;

/// <summary>
/// Trains a model as its recipe says: the one call of the library. Everything native that it takes is released when it returns;
/// two runs in one process do not disturb each other.
/// </summary>
public sealed class ProgressiveTrainer
{
    private readonly Recipe what;
    private readonly TrainerOptions how;

    /// <summary>Reads nothing yet.</summary>
    /// <param name="recipe">What to train.</param>
    /// <param name="options">How it is embedded.</param>
    public ProgressiveTrainer(Recipe recipe, TrainerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        what = recipe;
        how = options ?? new TrainerOptions();
    }

    /// <summary>Trains from the beginning, on the calling thread.</summary>
    /// <param name="cancellationToken">Cancelling finishes the step, saves a checkpoint and throws. Before the first stage has begun there is nothing to save.</param>
    /// <exception cref="RecipeException">The recipe does not make a run.</exception>
    /// <exception cref="DataException">The images cannot be used.</exception>
    /// <exception cref="Runtime.DeviceException">The device is not there, or out of memory.</exception>
    /// <exception cref="DivergedException">Loss or gradient stopped being finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; where a <see cref="RunCanceledException"/> names a checkpoint, the run can be resumed.</exception>
    public RunSummary Run(CancellationToken cancellationToken = default)
    {
        var recipe = Prerequisites.Meet(what, how, cancellationToken);
        var (train, val) = OpenImages(recipe, how, cancellationToken);

        // What can be refused is refused before there is a folder.
        var task = LearningTasks.Of(recipe, train.ClassNames.Count);
        OpenSource.RequireChannels(recipe, task);
        var size = LearningTasks.SpaceOf(recipe, task).Complete.Resolution;
        Device.Open(recipe.Runtime.Device, recipe.Runtime.Threads).Dispose();
        using var folder = how.Output is null
            ? null
            : RunDirectory.Create(new RunRequest(how.Output, recipe.Model.Name, size, how.Experiment, how.Overwrite), how.Clock);
        folder?.WriteRecipe(recipe);
        folder?.WriteEnvironment(RunEnvironment.Capture());
        return InLogs(folder, how, options => Execute(recipe, folder, checkpoint: null, train, val, options, cancellationToken));
    }

    /// <summary>Trains from the beginning, on a thread of its own.</summary>
    /// <inheritdoc cref="Run" path="/param|/exception"/>
    public Task<RunSummary> RunAsync(CancellationToken cancellationToken = default) =>
        Task.Factory.StartNew(() => Run(cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Goes on with an interrupted run, from its newest intact checkpoint.</summary>
    /// <param name="folder">The run's folder.</param>
    /// <param name="options">How it is embedded; output, name and overwriting are the run's.</param>
    /// <param name="overrides">Settings that take precedence over the run's recipe.</param>
    /// <param name="cancellationToken">As for <see cref="Run"/>.</param>
    /// <exception cref="FileNotFoundException">There is no checkpoint.</exception>
    /// <exception cref="Files.FileFormatException">The checkpoints are damaged, or those of another model.</exception>
    /// <inheritdoc cref="Run" path="/exception"/>
    public static RunSummary Resume(string folder, TrainerOptions? options = null, IReadOnlyList<RecipeOverride>? overrides = null, CancellationToken cancellationToken = default)
    {
        using var run = RunDirectory.Resume(folder);
        return InLogs(run, options ?? new TrainerOptions(), logged =>
        {
            var recipe = run.ReadRecipe(overrides);
            var checkpoints = run.Checkpoints(recipe.Checkpoints.Keep, logged.Logger);
            var checkpoint = checkpoints.OpenLatest();
            checkpoints.GoOnFrom(checkpoint);
            var (train, val) = OpenImages(recipe, logged, cancellationToken);
            return Execute(recipe, run, checkpoint, train, val, logged, cancellationToken);
        });
    }

    /// <summary>Runs with a log that is the caller's and the run's, and tells both how it failed.</summary>
    private static RunSummary InLogs(RunDirectory? folder, TrainerOptions embedding, Func<TrainerOptions, RunSummary> run)
    {
        using var runLog = folder is null ? null : new RunLog(folder.LogFile, embedding.Clock);
        var options = runLog is null ? embedding : embedding with { Logger = new BothLogs(embedding.Logger, runLog.CreateLogger("run")) };
        try
        {
            return run(options);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            TellOf(error, options.Logger, embedding.Logger);
            throw;
        }
    }

    /// <summary>What ended the run matters more than that its log cannot take it.</summary>
    private static void TellOf(Exception error, ILogger log, ILogger callers)
    {
        try
        {
            log.RunFailed(error.Message);
        }
        catch (IOException unwritten)
        {
            callers.RunLogUnwritten(unwritten.Message);
        }
    }

    /// <summary>Trains, and goes back before batches that make the run diverge.</summary>
    private static RunSummary Execute(
        Recipe recipe, RunDirectory? folder, Checkpoint? checkpoint, IImageDataset train, IImageDataset val, TrainerOptions options, CancellationToken cancellationToken)
    {
        for (var start = RunStartingPoint.Of(checkpoint); ;)
        {
            try
            {
                return Execute(recipe, folder, start, train, val, options, cancellationToken);
            }
            catch (DivergedException error) when (error.Batch is not null && start.State.Skipped.Count < recipe.Training.MaxRollbacks)
            {
                start = start.Before(error, folder?.Checkpoints(recipe.Checkpoints.Keep, options.Logger).TryOpenLatest());
                options.Logger.RunRolledBack($"{error.Finding}.", start.Checkpoint?.Name ?? "the beginning", start.State.Skipped.Count, recipe.Training.MaxRollbacks);
            }
        }
    }

    private static RunSummary Execute(
        Recipe recipe, RunDirectory? folder, RunStartingPoint start, IImageDataset train, IImageDataset val, TrainerOptions options, CancellationToken cancellationToken)
    {
        using var recorder = new RunRecorder(recipe, folder, options, start.State, start.Checkpoint?.Name);
        try
        {
            return Train(recipe, folder, recorder, start, train, val, options, cancellationToken);
        }
        catch (OperationCanceledException cancelled)
        {
            throw new RunCanceledException(folder?.Path, recorder.LastCheckpoint, cancelled);
        }
    }

    private static RunSummary Train(
        Recipe recipe, RunDirectory? folder, RunRecorder recorder, RunStartingPoint start, IImageDataset train, IImageDataset val, TrainerOptions options, CancellationToken cancellationToken)
    {
        using var parts = RunComponents.Create(recipe, train.ClassNames.Count, start.State, options);
        if (start.Checkpoint is { } checkpoint)
        {
            CheckpointFiles.Load(parts, checkpoint);
        }

        foreach (var rollback in start.Rollbacks)
        {
            recorder.Event(start.State, "rollback", rollback);
        }

        using var training = OpenSource.OpenTraining(recipe, parts.Task, train, parts.Device, options.Logger, cancellationToken);
        using var evaluation = OpenSource.Open(recipe, parts.Task, val, parts.Device, options.Logger, cancellationToken);
        var run = new TrainingRun(recipe, parts, recorder, training.Batches, evaluation.Batches, options);
        var summary = run.Execute(cancellationToken);
        RunProducts.Leave(recipe, parts, train.ClassNames, folder, options.Logger);
        return summary;
    }

    private static (IImageDataset Train, IImageDataset Val) OpenImages(Recipe recipe, TrainerOptions options, CancellationToken cancellationToken)
    {
        if (options.TrainingImages is { } train)
        {
            return (train, options.EvaluationImages ?? throw new ArgumentException("Training images of one's own need evaluation images too.", nameof(options)));
        }

        return ImageDatasets.Open(recipe.Data, recipe.Seed, cancellationToken);
    }

    /// <summary>What people read goes to the caller's log and to the run's.</summary>
    private sealed class BothLogs(ILogger first, ILogger second) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => first.IsEnabled(logLevel) || second.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            first.Log(logLevel, eventId, state, exception, formatter);
            second.Log(logLevel, eventId, state, exception, formatter);
        }
    }
}
