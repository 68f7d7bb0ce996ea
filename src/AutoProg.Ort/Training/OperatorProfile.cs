using System.Text.Json;

namespace AutoProg.Ort.Training;

/// <summary>Time of one node of a graph in a step.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Operator">E.g. <c>Gemm</c>.</param>
/// <param name="Milliseconds">Per step.</param>
internal sealed record NodeTime(string Name, string Operator, double Milliseconds);

/// <summary>Reads the profiles that ONNX Runtime writes: a list of events in Chrome's trace format.</summary>
internal static class OperatorProfile
{
    private const string Kernel = "_kernel_time";

    /// <summary>The time of every node.</summary>
    /// <param name="file">The profile.</param>
    /// <param name="skip">Runs at the beginning that do not count.</param>
    /// <param name="runsPerStep">Runs of the graph that make a step.</param>
    public static IReadOnlyList<NodeTime> Read(string file, int skip, int runsPerStep)
    {
        using var stream = File.OpenRead(file);
        using var document = JsonDocument.Parse(stream);
        var nodes = document.RootElement.EnumerateArray().Where(IsKernel)
            .Select(static entry => (Name: entry.GetProperty("name").GetString()![..^Kernel.Length], Operator: entry.GetProperty("args").GetProperty("op_name").GetString()!, Micros: entry.GetProperty("dur").GetDouble()))
            .GroupBy(static run => (run.Name, run.Operator))
            .ToList();
        var steps = (nodes.Select(static runs => runs.Count()).DefaultIfEmpty(0).Max() - skip) / (double)runsPerStep;
        return [.. nodes.Select(runs => new NodeTime(runs.Key.Name, runs.Key.Operator, runs.Skip(skip).Sum(static run => run.Micros) / steps / 1000))];
    }

    private static bool IsKernel(JsonElement entry) =>
        entry.TryGetProperty("cat", out var category) && category.ValueEquals("Node")
        && entry.GetProperty("name").GetString()!.EndsWith(Kernel, StringComparison.Ordinal)
        && entry.GetProperty("args").TryGetProperty("op_name", out _);
}
