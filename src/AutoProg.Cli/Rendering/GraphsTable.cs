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
}
