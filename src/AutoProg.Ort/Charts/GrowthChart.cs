using AutoProg.Ort.Runs;

namespace AutoProg.Ort.Charts;

/// <summary>
/// A picture of a run: resolution and depth or unfreeze level, loss, and top-1 per epoch. It is an SVG, so that whoever looks at it brings the fonts; drawing text
/// into pixels needs fonts on the machine that trains, and servers and containers often have none.
/// </summary>
public static class GrowthChart
{
    /// <summary>Name of the picture in a run's folder.</summary>
    public const string FileName = "growth.svg";

    private const string Blue = "#1f77b4";
    private const string Orange = "#e07b00";
    private const string Green = "#2a9d4a";

    /// <summary>Draws a run from its metrics.</summary>
    /// <param name="runFolder">The run's folder.</param>
    /// <param name="output">The picture; null is <c>growth.svg</c> in the run's folder.</param>
    /// <returns>The file that was written.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no run.</exception>
    /// <exception cref="IOException">The metrics cannot be read, or the picture cannot be written.</exception>
    public static string Write(string runFolder, string? output = null)
    {
        using var run = RunDirectory.Open(runFolder);
        var path = Path.GetFullPath(output ?? Path.Combine(run.Path, FileName));
        WholeFile.Replace(path, Draw(Path.GetFileName(run.Path), MetricsTable.Read(run.MetricsFile)));
        return path;
    }

    /// <summary>The picture of some epochs, as SVG.</summary>
    /// <param name="title">Stands above the picture.</param>
    /// <param name="epochs">In order.</param>
    internal static string Draw(string title, IReadOnlyList<EpochMetrics> epochs)
    {
        var drawing = new SvgDrawing(title, epochs.Count, StageStarts(epochs));
        var unfreezes = epochs.Any(static e => e.Level is not null);
        drawing.Panel(
            unfreezes ? "resolution and unfreeze level" : "resolution and depth",
            new SvgSeries("resolution (px, left)", Blue, [.. epochs.Select(static e => (double?)e.Resolution)], Steps: true),
            unfreezes
                ? new SvgSeries("unfreeze level (right)", Orange, [.. epochs.Select(static e => (double?)e.Level)], Steps: true, RightAxis: true)
                : new SvgSeries("depth (blocks, right)", Orange, [.. epochs.Select(static e => (double?)e.Depth)], Steps: true, RightAxis: true));
        drawing.Panel(
            "loss",
            new SvgSeries("training", Blue, [.. epochs.Select(static e => (double?)e.TrainLoss)]),
            new SvgSeries("evaluation", Orange, [.. epochs.Select(static e => e.EvalLoss)]));
        if (!unfreezes || epochs.Any(static e => e.EvalTop1 is not null))
        {
            drawing.Panel("accuracy", new SvgSeries("top-1 (%)", Green, [.. epochs.Select(static e => e.EvalTop1)]));
        }

        return drawing.ToString();
    }

    private static IReadOnlyList<int> StageStarts(IReadOnlyList<EpochMetrics> epochs) =>
        [.. Enumerable.Range(0, epochs.Count).Where(i => i == 0 || epochs[i].Stage != epochs[i - 1].Stage)];
}
