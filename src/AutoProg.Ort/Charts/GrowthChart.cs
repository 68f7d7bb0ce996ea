using System.Globalization;
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
        WholeFile.Replace(path, Draw(Path.GetFileName(Path.TrimEndingDirectorySeparator(run.Path)), MetricsTable.Read(run.MetricsFile)));
        return path;
    }

    /// <summary>The picture of some epochs, as SVG.</summary>
    /// <param name="title">Stands above the picture.</param>
    /// <param name="epochs">In order.</param>
    internal static string Draw(string title, IReadOnlyList<EpochMetrics> epochs)
    {
        var starts = StageStarts(epochs);
        var ticks = starts.Append(epochs.Count).Distinct().Select(e => new SvgTick(e, e == epochs.Count ? $"epoch {e}" : e.ToString(CultureInfo.InvariantCulture)));
        var drawing = new SvgDrawing(title, new SvgScale(0, Math.Max(1, epochs.Count), [.. ticks])) { Marks = [.. starts.Select(static e => (double)e)], ShowsTitle = true };
        var unfreezes = epochs.Any(static e => e.Level is not null);
        drawing.Panel(
            unfreezes ? "resolution and unfreeze level" : "resolution and depth",
            Throughout("resolution (px, left)", SvgColors.Blue, static e => e.Resolution),
            unfreezes
                ? Throughout("unfreeze level (right)", SvgColors.Orange, static e => e.Level) with { RightAxis = true }
                : Throughout("depth (blocks, right)", SvgColors.Orange, static e => e.Depth) with { RightAxis = true });
        drawing.Panel("loss", AtEnd("training", SvgColors.Blue, static e => e.TrainLoss), AtEnd("evaluation", SvgColors.Orange, static e => e.EvalLoss));
        if (!unfreezes || epochs.Any(static e => e.EvalTop1 is not null))
        {
            drawing.Panel("accuracy", AtEnd("top-1 (%)", SvgColors.Green, static e => e.EvalTop1));
        }

        return drawing.ToString();

        SvgSeries Throughout(string name, int color, Func<EpochMetrics, double?> value) =>
            new(name, color, SvgSeries.Staircase(epochs.Select((e, i) => ((double)i, i + 1.0, value(e)))));

        SvgSeries AtEnd(string name, int color, Func<EpochMetrics, double?> value) => new(name, color, [.. epochs.Select((e, i) => new SvgPoint(i + 1, value(e)))]);
    }

    private static IReadOnlyList<int> StageStarts(IReadOnlyList<EpochMetrics> epochs) =>
        [.. Enumerable.Range(0, epochs.Count).Where(i => i == 0 || epochs[i].Stage != epochs[i - 1].Stage)];
}
