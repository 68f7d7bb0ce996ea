using AutoProg.Ort.Progressive;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace AutoProg.Cli;

/// <summary>How a run has grown, and why.</summary>
internal static class ScheduleTables
{
    /// <summary>Stages, then a table of candidates per search.</summary>
    public static void Write(IAnsiConsole console, RunSchedule schedule)
    {
        var stages = Tables.Create("#stage", "#epoch", "#resolution", "#depth", "#micro-\nbatch", "#predicted\nMiB");
        foreach (var stage in schedule.Stages)
        {
            stages.Row($"{stage.Stage + 1}", $"{stage.FirstEpoch}", $"{stage.Network.Resolution}", Text.Blocks(stage.Network), $"{stage.MicroBatch}", Text.Mebibytes(stage.PredictedPeakBytes));
        }

        console.Write(stages.Titled("Stages"));
        foreach (var decision in schedule.Decisions)
        {
            console.Write(Candidates(decision));
        }

        if (schedule.Decisions.Count == 0)
        {
            console.WriteLine("No stage has been searched.");
        }
    }

    /// <summary>One row per search.</summary>
    public static IRenderable Decisions(IReadOnlyList<SearchDecision> decisions)
    {
        var table = Tables.Create("#stage", "#epoch", "from", "winner", "#candidates", "#loss", "#step ms", "#score", "#alpha");
        foreach (var decision in decisions)
        {
            var winner = decision.Candidates.First(c => c.SubNetwork == decision.Winner);
            table.Row(
                $"{decision.Stage + 1}", $"{decision.Epoch}", decision.From?.ToString() ?? "start", $"{decision.Winner}", $"{decision.Candidates.Count}",
                Text.Number(winner.Loss, 4), Text.Number(winner.StepTime * 1000, 1), Text.Number(winner.Score, 4), Text.Number(decision.BalancingFactor, 4));
        }

        return table.Titled("Decisions");
    }

    private static IRenderable Candidates(SearchDecision decision) => decision.BalancingFactor is null ? Ballot(decision) : Scores(decision);

    /// <summary>What the proxies of a zero-shot search found, and how they ranked the candidates (eq. 19).</summary>
    public static IRenderable Ballot(SearchDecision decision)
    {
        var table = Tables.Create("", "candidate", "#step ms", "#kappa", "#ZiCo", "#rank R", "#rank kappa", "#rank ZiCo", "#total");
        foreach (var candidate in decision.Candidates)
        {
            var proxies = candidate.Proxies!;
            table.Row(
                candidate.SubNetwork == decision.Winner ? "*" : "", $"{candidate.SubNetwork}", Text.Number(candidate.StepTime * 1000, 1), Text.Number(proxies.Kappa, 1), Text.Number(proxies.ZiCo, 1),
                $"{proxies.TimeRank}", $"{proxies.KappaRank}", $"{proxies.ZiCoRank}", Text.Number(candidate.Score, 1));
        }

        return table.Titled($"Stage {decision.Stage + 1} from {decision.From?.ToString() ?? "start"}: {decision.Winner} wins; total = rank R + (rank kappa + rank ZiCo) / 2");
    }

    private static IRenderable Scores(SearchDecision decision)
    {
        var table = Tables.Create("", "candidate", "#loss", "#step ms", "#score", "~");
        foreach (var candidate in decision.Candidates)
        {
            table.Row(
                candidate.SubNetwork == decision.Winner ? "*" : "", $"{candidate.SubNetwork}", Text.Number(candidate.Loss, 4), Text.Number(candidate.StepTime * 1000, 1),
                Text.Number(candidate.Score, 4), candidate.Exclusion ?? "");
        }

        return table.Titled($"Stage {decision.Stage + 1} from {decision.From?.ToString() ?? "start"}: {decision.Winner} wins; score = loss x time^{Text.Number(decision.BalancingFactor, 4)}");
    }
}
