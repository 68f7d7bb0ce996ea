using System.Text.Json;

namespace AutoProg.Ort.Training;

/// <summary>Time of one node of a graph in a step.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Operator">E.g. <c>Gemm</c>.</param>
/// <param name="Milliseconds">Per step.</param>
/// <param name="IsMatrixProduct">Whether it multiplies matrices, as convolutions and attention do; a convolution of one tap per channel does not.</param>
internal sealed record NodeTime(string Name, string Operator, double Milliseconds, bool IsMatrixProduct);

/// <summary>Reads the profiles that ONNX Runtime writes: a list of events in Chrome's trace format.</summary>
internal static class OperatorProfile
{
    private const string Kernel = "_kernel_time";
    private static readonly HashSet<string> MatrixOperators = new(StringComparer.Ordinal) { "Gemm", "MatMul", "FusedMatMul", "FusedGemm", "Conv", "FusedConv", "ConvTranspose" };

    /// <summary>The time of every node.</summary>
    /// <param name="file">The profile.</param>
    /// <param name="skip">Runs at the beginning that do not count.</param>
    /// <param name="runsPerStep">Runs of the graph that make a step.</param>
    public static IReadOnlyList<NodeTime> Read(string file, int skip, int runsPerStep)
    {
        using var stream = File.OpenRead(file);
        using var document = JsonDocument.Parse(stream);
        var nodes = document.RootElement.EnumerateArray().Where(IsKernel)
            .Select(static entry => (Name: entry.GetProperty("name").GetString()![..^Kernel.Length], Operator: entry.GetProperty("args").GetProperty("op_name").GetString()!, IsOneTap: IsOneTap(entry), Micros: entry.GetProperty("dur").GetDouble()))
            .GroupBy(static run => (run.Name, run.Operator, run.IsOneTap))
            .ToList();
        var steps = (nodes.Select(static runs => runs.Count()).DefaultIfEmpty(0).Max() - skip) / (double)runsPerStep;
        return [.. nodes.Select(runs => new NodeTime(runs.Key.Name, runs.Key.Operator, runs.Skip(skip).Sum(static run => run.Micros) / steps / 1000, MatrixOperators.Contains(runs.Key.Operator) && !runs.Key.IsOneTap))];
    }

    /// <summary>True for a convolution whose kernel has one number per response: a factor per channel.</summary>
    private static bool IsOneTap(JsonElement entry)
    {
        var arguments = entry.GetProperty("args");
        if (arguments.GetProperty("op_name").GetString() is not ("Conv" or "FusedConv")
            || !arguments.TryGetProperty("input_type_shape", out var inputs) || inputs.GetArrayLength() < 2)
        {
            return false;
        }

        var kernel = inputs[1].EnumerateObject().First().Value.EnumerateArray().Select(static size => size.GetInt64());
        return kernel.Skip(1).All(static size => size == 1);
    }

    private static bool IsKernel(JsonElement entry) =>
        entry.TryGetProperty("cat", out var category) && category.ValueEquals("Node")
        && entry.GetProperty("name").GetString()!.EndsWith(Kernel, StringComparison.Ordinal)
        && entry.GetProperty("args").TryGetProperty("op_name", out _);
}
