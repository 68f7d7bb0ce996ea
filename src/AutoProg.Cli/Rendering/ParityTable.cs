using AutoProg.Ort.Parity;
using Spectre.Console;

namespace AutoProg.Cli;

/// <summary>Verdicts on fixtures.</summary>
internal static class ParityTable
{
    /// <summary>A row per fixture.</summary>
    public static Table Of(IReadOnlyList<ParityResult> results)
    {
        var table = Tables.Create("fixture", "worst tensor", "#error", "verdict");
        foreach (var result in results)
        {
            table.Row(result.Name, result.WorstTensor ?? "-", Text.Error(result.WorstError), result.Passed ? "pass" : "FAIL");
        }

        return table;
    }
}
