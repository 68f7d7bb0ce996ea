using System.Text.Json;

namespace AutoProg.Ort.Training;

/// <summary>Reads the profiles that ONNX Runtime writes: a list of events in Chrome's trace format.</summary>
internal static class OperatorProfile
{
    /// <summary>Sums up the kernels by operator.</summary>
    /// <param name="file">The profile.</param>
    /// <param name="skip">Runs at the beginning that do not count.</param>
    /// <param name="runsPerStep">Runs of the graph that make a step.</param>
    /// <returns>Largest first.</returns>
    public static IReadOnlyList<OperatorTime> Read(string file, int skip, int runsPerStep)
    {
        using var stream = File.OpenRead(file);
        using var document = JsonDocument.Parse(stream);
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        var micros = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var entry in document.RootElement.EnumerateArray())
        {
            if (entry.TryGetProperty("cat", out var category) && category.ValueEquals("Node")
                && entry.GetProperty("name").GetString() is { } name && name.EndsWith("_kernel_time", StringComparison.Ordinal)
                && entry.GetProperty("args").TryGetProperty("op_name", out var op))
            {
                var run = seen[name] = seen.GetValueOrDefault(name) + 1;
                var key = op.GetString()!;
                micros[key] = micros.GetValueOrDefault(key) + (run > skip ? entry.GetProperty("dur").GetDouble() : 0);
            }
        }

        var steps = (seen.Values.DefaultIfEmpty(0).Max() - skip) / (double)runsPerStep;
        var total = micros.Values.Sum();
        return [.. micros.OrderByDescending(static m => m.Value).Select(m => new OperatorTime(m.Key, m.Value / steps / 1000, m.Value / total))];
    }
}
