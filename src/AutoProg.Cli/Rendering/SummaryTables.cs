using AutoProg.Ort.Training;
using Spectre.Console;

namespace AutoProg.Cli;

/// <summary>What came out of a run.</summary>
internal static class SummaryTables
{
    /// <summary>Stages, decisions, times, accuracy, folder.</summary>
    public static void Write(IAnsiConsole console, RunSummary run)
    {
        var searched = run.Decisions.Where(static d => d.BalancingFactor is not null).Select(static d => d.Stage).ToHashSet();
        var stages = Tables.Create("stage", "#resolution", "#depth", "#epochs", "#seconds", "#micro-\nbatch", "#predicted\nMiB", "#measured\nMiB");
        foreach (var (index, stage) in run.Stages.Index())
        {
            var isSearch = searched.Contains(stage.Stage) && run.Stages.Take(index).All(earlier => earlier.Stage != stage.Stage);
            stages.Row(
                $"{stage.Stage + 1}{(isSearch ? " search" : "")}", $"{stage.Network.Resolution}", Text.Blocks(stage.Network), $"{stage.Epochs}", Text.Number(stage.Seconds, 1),
                $"{stage.MicroBatch}", Text.Mebibytes(stage.PredictedPeakBytes), Text.Mebibytes(stage.MeasuredPeakBytes));
        }

        console.Write(stages.Titled("Stages"));
        if (run.Decisions.Count > 0)
        {
            console.Write(ScheduleTables.Decisions(run.Decisions));
        }

        console.Write(Tables.Facts(
        [
            ("policy", run.Policy),
            ("best", run.Best is { } best ? $"{best.Headline} in epoch {run.BestEpoch}" : "not evaluated"),
            ("final", run.Final is { } final ? $"{(final.Top1 is null ? "" : $"top-1 {Text.Number(final.Top1, 2)}%, top-5 {Text.Number(final.Top5, 2)}%, ")}loss {Text.Number(final.Loss, 4)} ({final.Weights}, {final.Resolution} px, {final.Count:N0} images)" : "not evaluated"),
            .. run.Frechet is { } frechet ? [("Frechet distance", $"{Text.Number(frechet.Distance, 2)}: {frechet.Basis}")] : Array.Empty<(string, string)>(),
            ("runtime", $"{Text.Number(run.Times.Runtime, 1)} s: training {Text.Number(run.Times.Train, 1)}, search {Text.Number(run.Times.Search, 1)}, bookkeeping {Text.Number(run.Times.Bookkeeping, 1)}"),
            ("beside it", $"evaluation {Text.Number(run.Times.Evaluation, 1)} s, waiting for data {Text.Number(run.Times.DataWait, 1)} s"),
            ("steps", $"{run.Steps:N0} in {run.Epochs} epochs, seed {run.Seed}, {run.Device}"),
            ("corrupt images", $"{run.CorruptImages}"),
            ("run folder", run.Folder ?? "none"),
        ]));
    }
}
