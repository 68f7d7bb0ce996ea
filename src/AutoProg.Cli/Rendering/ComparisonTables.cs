using AutoProg.Ort.Training;
using Spectre.Console;

namespace AutoProg.Cli;

/// <summary>Policies side by side.</summary>
internal static class ComparisonTables
{
    /// <summary>A row per policy.</summary>
    public static void Write(IAnsiConsole console, ComparisonReport report)
    {
        var figures = report.Figures;
        var table = Tables.Create(["policy", "#seeds", "#runtime s", "#speedup %", .. figures.Select(static f => $"#{f.Name}"), "weights~", "#steps"]);
        foreach (var policy in report.Policies)
        {
            table.Row(
            [
                policy.Policy, $"{policy.Seeds}", Text.Number(policy.RuntimeSeconds, 1), Text.Number(policy.SpeedupPercent, 1), .. figures.Select(f => f.Of(policy)),
                string.Join(", ", policy.Weights), Text.Number(policy.Steps, 0),
            ]);
        }

        console.Write(table.Titled(report.Name));
        console.Write(Tables.Facts(("runtime", "training and search; evaluation and data preparation apart"), ("folder", report.Folder)));
    }
}
