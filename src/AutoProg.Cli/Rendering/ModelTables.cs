using AutoProg.Ort.Training;
using Spectre.Console.Rendering;

namespace AutoProg.Cli;

/// <summary>Trained models: accuracy, exported files.</summary>
internal static class ModelTables
{
    /// <summary>A row per weights.</summary>
    public static IRenderable Of(TrainedModel model, IReadOnlyList<EvaluationResult> results)
    {
        var table = Tables.Create("weights", "#resolution", "#top-1 %", "#top-5 %", "#loss", "#images");
        foreach (var result in results)
        {
            table.Row(result.Weights, $"{result.Resolution}", Text.Number(result.Top1, 2), Text.Number(result.Top5, 2), Text.Number(result.Loss, 4), $"{result.Count}");
        }

        return table.Titled($"{model.Model.Name} {model.Network}");
    }

    /// <summary>What was written.</summary>
    public static IRenderable Of(ExportResult result) => Tables.Facts(
    [
        (result.Format == ExportFormat.OrtTraining ? "folder" : "file", result.Path),
        ("format", Spellings.Of(result.Format)),
        ("weights", result.Weights),
        ("resolution", $"{result.Resolution} px"),
        .. result.Format != ExportFormat.Safetensors ? [("batch size", result.BatchSize?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "any")] : Array.Empty<(string, string)>(),
        ("checked", $"read back and compared with the live model, largest difference {Text.Error(result.WorstDifference)}"),
        .. result.Remark is { } remark ? [("remark", remark)] : Array.Empty<(string, string)>(),
    ]);
}
