using AutoProg.Ort.Training;
using Spectre.Console;

namespace AutoProg.Cli;

/// <summary>What steps take.</summary>
internal static class BenchTables
{
    /// <summary>A row per sub-network, and a table of operators for each that was profiled.</summary>
    public static void Write(IAnsiConsole console, BenchmarkReport report)
    {
        var table = Tables.Create("network", "learn", "#step\nms", "#fwd+bwd\nms", "#update\nms", "#data\nms", "#images/s", "#peak\nMiB", "#GFLOP/s");
        foreach (var timing in report.Subnetworks)
        {
            table.Row(
                $"r{timing.Resolution} l{timing.Depth}", timing.Learnable, Text.Number(timing.StepMs, 2), Text.Number(timing.ForwardBackwardMs, 2), Text.Number(timing.UpdateMs, 2),
                Text.Number(timing.DataMs, 2), Text.Number(timing.ImagesPerSecond, 1), Text.Number(timing.PeakMemoryMb, 0), Text.Number(timing.Gflops, 1));
        }

        console.Write(table);
        foreach (var timing in report.Subnetworks.Where(static t => t.Operators.Count > 0))
        {
            var operators = Times("operator", timing.Operators);
            console.Write(operators.Titled($"r{timing.Resolution} l{timing.Depth}: matrix products and attention are {Text.Number(timing.MatrixShare * 100, 1)}% of all operators"));
            if (timing.NamedNodes.Count > 0)
            {
                console.Write(Times("nodes", timing.NamedNodes));
            }
        }
    }

    /// <summary>A row per sub-network in ONNX Runtime's own training.</summary>
    public static Table Of(IReadOnlyList<OnDeviceTiming> timings)
    {
        var table = Tables.Create("network", "#batch", "#step\nms");
        foreach (var timing in timings)
        {
            table.Row($"{timing.Network}", $"{timing.Batch}", Text.Number(timing.StepMs, 2));
        }

        return table;
    }

    /// <summary>A row per layer.</summary>
    public static Table Of(ConvLayerReport report)
    {
        var table = Tables.Create("layer", "#forward\nms", "#dx\nms", "#dw\nms", "#all to\nforward");
        foreach (var layer in report.Layers)
        {
            table.Row(layer.Layer, Text.Number(layer.ForwardMs, 2), Text.Number(layer.ImageGradientMs, 2), Text.Number(layer.KernelGradientMs, 2), Text.Number(layer.Ratio, 2));
        }

        return table;
    }

    private static Table Times(string of, IEnumerable<OperatorTime> times)
    {
        var table = Tables.Create(of, "#ms", "#share %");
        foreach (var time in times)
        {
            table.Row(time.Operator, Text.Number(time.Milliseconds, 2), Text.Number(time.Share * 100, 1));
        }

        return table;
    }
}
