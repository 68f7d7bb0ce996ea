using AutoProg.Ort.Training;
using Spectre.Console;

namespace AutoProg.Cli;

/// <summary>Graphs of sub-networks.</summary>
internal static class GraphsTable
{
    /// <summary>A row per graph.</summary>
    public static Table Of(IReadOnlyList<PreparedGraph> graphs)
    {
        var table = Tables.Create("network", "purpose", "#batch", "#KiB", "file~");
        foreach (var graph in graphs)
        {
            table.Row($"{graph.Network}", graph.Purpose, $"{graph.Batch}", graph.Bytes is { } bytes ? $"{bytes >> 10}" : "missing", graph.File);
        }

        return table;
    }

    /// <summary>A row per folder of on-device training.</summary>
    public static Table Of(IReadOnlyList<PreparedArtifacts> artifacts)
    {
        var table = Tables.Create("network", "#batch", "#learnable", "#KiB", "folder~");
        foreach (var folder in artifacts)
        {
            table.Row($"{folder.Network}", $"{folder.Batch}", $"{folder.Learnable}", $"{folder.Bytes >> 10}", folder.Folder);
        }

        return table;
    }
}
