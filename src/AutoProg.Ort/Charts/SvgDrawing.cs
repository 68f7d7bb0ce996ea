using System.Globalization;
using System.Xml.Linq;

namespace AutoProg.Ort.Charts;

/// <summary>A curve over epochs.</summary>
/// <param name="Name">As the legend calls it.</param>
/// <param name="Color">An SVG colour.</param>
/// <param name="Values">One per epoch; null and what is not finite is left out.</param>
/// <param name="Steps">Whether a value holds for the whole epoch instead of for its end.</param>
/// <param name="RightAxis">Whether it has the scale on the right.</param>
internal sealed record SvgSeries(string Name, string Color, IReadOnlyList<double?> Values, bool Steps = false, bool RightAxis = false);

/// <summary>Panels of curves above each other that share the axis of epochs.</summary>
internal sealed class SvgDrawing
{
    private const double Width = 900;
    private const double Left = 64;
    private const double Right = 64;
    private const double Top = 40;
    private const double PanelHeight = 150;
    private const double PanelGap = 46;
    private const double PlotWidth = Width - Left - Right;

    // What a picture can show; longer runs are thinned out.
    private const int MostPoints = 2000;
    private const int MostLabels = 5;

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private readonly int epochs;
    private readonly IReadOnlyList<int> stageStarts;
    private readonly List<XElement> elements = [];
    private int panels;

    public SvgDrawing(string title, int epochs, IReadOnlyList<int> stageStarts)
    {
        (this.epochs, this.stageStarts) = (Math.Max(1, epochs), stageStarts);
        Text(Left, 22, title, size: 15);
    }

    private double PanelTop => Top + 24 + ((panels - 1) * (PanelHeight + PanelGap));

    public void Panel(string title, params IReadOnlyList<SvgSeries> series)
    {
        panels++;
        Text(Left, PanelTop - 8, title, size: 12);
        foreach (var start in stageStarts)
        {
            Line(X(start), PanelTop, X(start), PanelTop + PanelHeight, "#999999", dashed: true);
        }

        Line(Left, PanelTop + PanelHeight, Width - Right, PanelTop + PanelHeight, "#333333");
        foreach (var side in series.GroupBy(static s => s.RightAxis))
        {
            Axis(side.Key, [.. side]);
        }

        Legend(series);
        EpochLabels();
    }

    public override string ToString()
    {
        var height = Top + (panels * (PanelHeight + PanelGap));
        var root = new XElement(
            Svg + "svg",
            new XAttribute("viewBox", string.Create(CultureInfo.InvariantCulture, $"0 0 {Width} {height}")),
            new XAttribute("font-family", "sans-serif"),
            new XElement(Svg + "rect", new XAttribute("width", "100%"), new XAttribute("height", "100%"), new XAttribute("fill", "#ffffff")),
            elements);
        return root + "\n";
    }

    private void Axis(bool right, IReadOnlyList<SvgSeries> series)
    {
        var values = series.SelectMany(static s => s.Values).OfType<double>().Where(double.IsFinite).DefaultIfEmpty(0).ToList();
        var (low, high) = (values.Min(), values.Max());
        if (high - low < 1e-9 * Math.Max(1, Math.Abs(high)))
        {
            (low, high) = (low - 1, high + 1);
        }

        double Y(double value) => PanelTop + PanelHeight - ((value - low) / (high - low) * (PanelHeight - 12));
        foreach (var label in Labels(values, low, high))
        {
            var text = label.ToString(high - low >= 10 ? "0" : "0.##", CultureInfo.InvariantCulture);
            Text(right ? Width - Right + 6 : Left - 6, Y(label) + 4, text, anchor: right ? "start" : "end", color: series.Count == 1 ? series[0].Color : "#333333");
        }

        foreach (var curve in series)
        {
            Curve(curve, Y);
        }
    }

    /// <summary>The values themselves where they are few, as sizes are; otherwise both ends and the middle.</summary>
    private static List<double> Labels(List<double> values, double low, double high)
    {
        var distinct = values.Distinct().Take(MostLabels + 1).ToList();
        return distinct.Count <= MostLabels ? distinct : [low, (low + high) / 2, high];
    }

    private void Curve(SvgSeries series, Func<double, double> y)
    {
        var points = new List<string>();
        var stride = Math.Max(1, series.Values.Count / MostPoints);
        for (var i = 0; i < series.Values.Count; i += stride)
        {
            if (series.Values[i] is { } value && double.IsFinite(value))
            {
                points.AddRange(series.Steps ? [Point(X(i), y(value)), Point(X(Math.Min(series.Values.Count, i + stride)), y(value))] : [Point(X(i + 1), y(value))]);
            }
        }

        elements.Add(new XElement(
            Svg + "polyline",
            new XAttribute("points", string.Join(' ', points)),
            new XAttribute("fill", "none"),
            new XAttribute("stroke", series.Color),
            new XAttribute("stroke-width", "2"),
            points.Count == 1 ? new XAttribute("stroke-linecap", "round") : null));
    }

    private void Legend(IReadOnlyList<SvgSeries> series)
    {
        for (var i = 0; i < series.Count; i++)
        {
            Text(Width - Right - ((series.Count - 1 - i) * 160), PanelTop - 8, series[i].Name, anchor: "end", color: series[i].Color);
        }
    }

    private void EpochLabels()
    {
        foreach (var epoch in stageStarts.Append(epochs).Distinct())
        {
            Text(X(epoch), PanelTop + PanelHeight + 14, epoch == epochs ? $"epoch {epoch}" : epoch.ToString(CultureInfo.InvariantCulture), anchor: "middle", size: 10);
        }
    }

    private double X(double epoch) => Left + (epoch / epochs * PlotWidth);

    private static string Point(double x, double y) => string.Create(CultureInfo.InvariantCulture, $"{x:0.#},{y:0.#}");

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    private void Line(double x1, double y1, double x2, double y2, string color, bool dashed = false) => elements.Add(new XElement(
        Svg + "line",
        new XAttribute("x1", Number(x1)),
        new XAttribute("y1", Number(y1)),
        new XAttribute("x2", Number(x2)),
        new XAttribute("y2", Number(y2)),
        new XAttribute("stroke", color),
        dashed ? new XAttribute("stroke-dasharray", "3 3") : null));

    private void Text(double x, double y, string text, string anchor = "start", string color = "#333333", int size = 11) => elements.Add(new XElement(
        Svg + "text",
        new XAttribute("x", Number(x)),
        new XAttribute("y", Number(y)),
        new XAttribute("text-anchor", anchor),
        new XAttribute("fill", color),
        new XAttribute("font-size", size),
        text));
}
