using System.Globalization;
using System.Xml.Linq;
using AutoProg.Ort.Charts;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Reports;

/// <summary>The pictures of a report.</summary>
internal static class ReportCharts
{
    private const double SearchWidth = 520;
    private const double NoRightScale = 24;
    private const int MostLabels = 12;

    /// <summary>Everything that a run does over time, all runs in the same panels: the schedule as a staircase, losses, accuracy.</summary>
    public static XElement OverRuntime(IReadOnlyList<ReportedGroup> groups)
    {
        var runs = groups.SelectMany(static group => group.Runs.Select(run => (group.Color, Run: run))).ToList();
        var longest = runs.Max(static r => r.Run.Stages.Select(static s => s.To).Concat(r.Run.Epochs.Select(static e => e.Runtime)).DefaultIfEmpty(0).Max());
        var (unit, seconds) = longest switch { < 600 => ("s", 1.0), < 4 * 3600 => ("min", 60.0), _ => ("h", 3600.0) };
        var scale = SvgScale.Of([0, double.IsFinite(longest) ? longest / seconds : 0], fromZero: true);
        var drawing = new SvgDrawing("Schedule, losses and accuracy over runtime", scale with { Ticks = [.. scale.Ticks.Select((tick, i) => i == scale.Ticks.Count - 1 ? tick with { Text = $"{tick.Text} {unit}" } : tick)] }, width: 1040)
        {
            RightMargin = NoRightScale,
        };
        drawing.Panel("resolution (px)", [.. Stairs(static network => network.Resolution)]);
        var networks = runs.SelectMany(static r => r.Run.Stages).Select(static s => s.Network).ToList();
        if (networks.Exists(static network => network.Level is not null))
        {
            drawing.Panel("unfreeze level", [.. Stairs(static network => network.Level)]);
        }

        if (networks.Count == 0 || networks.Exists(static network => network.Level is null))
        {
            drawing.Panel("depth (blocks)", [.. Stairs(static network => network.Depth)]);
        }

        drawing.Panel("training loss", [.. runs.Select(r => new SvgSeries("", r.Color, [.. r.Run.Losses.Select(p => new SvgPoint(p.Runtime / seconds, p.Loss))], SvgForm.Faint)), .. Epochs(static e => e.TrainLoss)]);
        PanelIfAny("evaluation loss", static e => e.EvalLoss);
        PanelIfAny("top-1 (%)", static e => e.EvalTop1);
        return drawing.ToElement();

        IEnumerable<SvgSeries> Epochs(Func<EpochMetrics, double?> value) =>
            runs.Select(r => new SvgSeries("", r.Color, [.. r.Run.Epochs.Select(e => new SvgPoint(e.Runtime / seconds, value(e.Metrics)))]));

        void PanelIfAny(string name, Func<EpochMetrics, double?> value)
        {
            if (runs.Exists(r => r.Run.Epochs.Any(e => value(e.Metrics) is not null)))
            {
                drawing.Panel(name, [.. Epochs(value)]);
            }
        }

        // The risers are thin, so that runs which grow at the same time can be told apart.
        IEnumerable<SvgSeries> Stairs(Func<SubNetwork, double?> value) => runs.SelectMany(r => r.Run.Stages
            .Select(s => (From: s.From / seconds, To: s.To / seconds, Y: value(s.Network), s.IsSearch))
            .Select(s => new SvgSeries("", r.Color, SvgSeries.Staircase([(s.From, s.To, s.Y)]), s.IsSearch ? SvgForm.Dashed : SvgForm.Line))
            .Prepend(new SvgSeries("", r.Color, SvgSeries.Staircase(r.Run.Stages.Select(s => (s.From / seconds, s.To / seconds, value(s.Network)))), SvgForm.Faint)));
    }

    /// <summary>A search: every candidate's loss, or sum of ranks, against the time of its step.</summary>
    public static XElement Search(SearchDecision decision, int color)
    {
        var zeroShot = IsZeroShot(decision);
        var points = decision.Candidates
            .Select(c => new SvgPoint(1000 * c.StepTime, zeroShot ? c.Score : c.Loss, Hint(c), c.SubNetwork == decision.Winner)
            {
                Label = c.SubNetwork == decision.Winner || decision.Candidates.Count <= MostLabels ? $"{c.SubNetwork}" : null,
            })
            .OrderBy(static point => point.Marked)
            .ToList();
        var drawing = new SvgDrawing(
            string.Create(CultureInfo.InvariantCulture, $"Stage {decision.Stage + 1}: {points.Count} candidates, {decision.Winner} wins"),
            Below(points),
            SearchWidth)
        {
            RightMargin = NoRightScale,
            PanelHeight = 220,
        };
        drawing.Panel(zeroShot ? "sum of ranks against step time (ms)" : "loss against step time (ms)", [.. Frontier(decision, points, color), new SvgSeries("", color, points, SvgForm.Dots)]);
        return drawing.ToElement();
    }

    /// <summary>Whether candidates were ranked by proxies, without training.</summary>
    public static bool IsZeroShot(SearchDecision decision) => decision.Candidates.Any(static c => c.Proxies is not null);

    /// <summary>Where candidates would have scored as well as the winner: L = score / R^alpha (eq. 6).</summary>
    private static IEnumerable<SvgSeries> Frontier(SearchDecision decision, IReadOnlyList<SvgPoint> points, int color)
    {
        var winner = decision.Candidates.FirstOrDefault(c => c.SubNetwork == decision.Winner);
        if (decision.BalancingFactor is not { } alpha || winner is not { Score: { } score } || points.Count(static p => p.IsDrawable) < 2)
        {
            return [];
        }

        var (first, last) = (points.Min(static p => p.X), points.Max(static p => p.X));
        return [new SvgSeries("", color, [.. Enumerable.Range(0, 41).Select(i => first + ((last - first) * i / 40)).Where(static ms => ms > 0).Select(ms => new SvgPoint(ms, score / Math.Pow(ms / 1000, alpha)))], SvgForm.Faint)];
    }

    private static SvgScale Below(IReadOnlyList<SvgPoint> points)
    {
        var scale = SvgScale.Of(points.Where(static p => p.IsDrawable).Select(static p => p.X));
        var rounded = SvgScale.Of([0, scale.High], fromZero: true);
        return rounded with { High = scale.High };
    }

    private static string Hint(SearchedCandidate candidate) => string.Create(
        CultureInfo.InvariantCulture,
        $"{candidate.SubNetwork}: {RunRecorder.Evidence(candidate)}, {1000 * candidate.StepTime:F1} ms, score {candidate.Score:F4}");
}
