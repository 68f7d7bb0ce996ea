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
    private long? last;
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
        if (last is { } before)
        {
            var seconds = Stopwatch.GetElapsedTime(before, now).TotalSeconds;
            secondsPerStep = secondsPerStep is { } mean ? mean + (NewestShare * (seconds - mean)) : seconds;
        }

        last = now;
        var (done, total) = (((long)value.Epoch * value.Batches) + value.Batch, (long)value.Epochs * value.Batches);
        task.MaxValue = total;
        task.Value = done;
        task.Description = Describe(value, batchSize / secondsPerStep, secondsPerStep is { } pace ? TimeSpan.FromSeconds(pace * (total - done)) : null);
    }

    /// <summary>One line about a step; the first step has no pace yet.</summary>
    public static string Describe(TrainingProgress step, double? imagesPerSecond, TimeSpan? remaining) =>
        $"epoch {step.Epoch + 1}/{step.Epochs}  stage {step.Stage + 1}/{step.Stages} {(step.IsSearching ? "searching " : "")}{step.Network}  loss {Text.Number(step.Loss, 3)}"
        + (remaining is { } time ? $"  {Text.Number(imagesPerSecond, 0)} img/s  ETA {Text.Duration(time)}" : "");
}
