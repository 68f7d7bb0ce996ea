using System.Diagnostics;
using AutoProg.Ort.Training;
using Spectre.Console;

namespace AutoProg.Cli;

/// <summary>A live bar over the epochs of a run: loss, images per second, stage, remaining time.</summary>
internal sealed class TrainingBar : IProgress<TrainingProgress>
{
    // About the last ten steps count, so that a new stage's pace shows soon and single slow steps do not.
    private const double NewestShare = 0.1;

    private readonly ProgressTask task;
    private readonly int batchSize;
    private long last = Stopwatch.GetTimestamp();
    private double? secondsPerStep;

    private TrainingBar(ProgressTask task, int batchSize)
    {
        this.task = task;
        this.batchSize = batchSize;
    }

    /// <summary>Shows the bar while something runs.</summary>
    public static T Show<T>(IAnsiConsole console, int batchSize, Func<IProgress<TrainingProgress>, T> work) => console.Progress()
        .AutoClear(true)
        .Columns(new ProgressBarColumn { Width = 24 }, new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
        .Start(context => work(new TrainingBar(context.AddTask("starting"), batchSize)));

    /// <inheritdoc />
    public void Report(TrainingProgress value)
    {
        var now = Stopwatch.GetTimestamp();
        var seconds = Stopwatch.GetElapsedTime(last, now).TotalSeconds;
        last = now;
        secondsPerStep = secondsPerStep is { } mean ? mean + (NewestShare * (seconds - mean)) : seconds;
        var (done, total) = (((long)value.Epoch * value.Batches) + value.Batch, (long)value.Epochs * value.Batches);
        task.MaxValue = total;
        task.Value = done;
        task.Description = Describe(value, batchSize / secondsPerStep.Value, TimeSpan.FromSeconds(secondsPerStep.Value * (total - done)));
    }

    /// <summary>One line about a step.</summary>
    public static string Describe(TrainingProgress step, double imagesPerSecond, TimeSpan remaining) => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"epoch {step.Epoch + 1}/{step.Epochs}  stage {step.Stage + 1}/{step.Stages} {(step.IsSearching ? "searching " : "")}{step.Network}  loss {step.Loss:F3}  {imagesPerSecond:F0} img/s  ETA {Text.Duration(remaining)}");
}
