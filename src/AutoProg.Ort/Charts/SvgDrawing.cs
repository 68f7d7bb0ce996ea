using System.Globalization;
using System.Xml.Linq;

namespace AutoProg.Ort.Charts;

/// <summary>
/// Panels of curves above each other that share the axis below them. Colours are attributes, which style sheets override: the classes are <c>c0</c>.. of
/// <see cref="SvgColors"/>, <c>ink</c> for text, <c>axis</c>, <c>grid</c> and <c>paper</c>.
/// </summary>
/// <param name="title">What the picture shows, for those who do not see it.</param>
/// <param name="below">The axis that the panels share.</param>
/// <param name="width">In user units, of which a letter is about ten high.</param>
internal sealed class SvgDrawing(string title, SvgScale below, double width = 900)
{
    private const double Left = 64;
    private const double Top = 34;
    private const double PanelGap = 52;
    private const double ClosestLabels = 13;

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private readonly List<XElement> elements = [];
    private double panelTop = Top;
    private double panelHeight;
    private double bottom = Top;

    /// <summary>Places that all panels mark by a line, e.g. where stages begin.</summary>
    public IReadOnlyList<double> Marks { get; init; } = [];

    /// <summary>Room for a scale on the right.</summary>
    public double RightMargin { get; init; } = 64;

    /// <summary>Whether the title stands above the panels, too.</summary>
    public bool ShowsTitle { get; init; }

    /// <summary>Height of the panels that follow.</summary>
    public double PanelHeight { get; init; } = 150;

    private double PlotRight => width - RightMargin;

    /// <summary>Adds a panel below the others.</summary>
    public void Panel(string name, params IReadOnlyList<SvgSeries> series)
    {
        panelHeight = PanelHeight;
        panelTop = bottom + (ShowsTitle && elements.Count == 0 ? 24 : 0);
        bottom = panelTop + panelHeight + PanelGap;
        Text(Left, panelTop - 10, name, size: 12, weight: "600");
        foreach (var mark in Marks)
        {
            Line(X(mark), panelTop, X(mark), panelTop + panelHeight, "#999999", "axis", dashed: true);
        }

        foreach (var side in series.GroupBy(static s => s.RightAxis))
        {
            Side(side.Key, [.. side]);
        }

        Line(Left, panelTop + panelHeight, PlotRight, panelTop + panelHeight, "#333333", "axis");
        Legend([.. series.Where(static s => s.Name.Length > 0)]);
        foreach (var tick in below.Ticks)
        {
            Text(X(tick.At), panelTop + panelHeight + 16, tick.Text, anchor: "middle", size: 10);
        }
    }

    /// <summary>The picture, to stand in a page or in a file.</summary>
    public XElement ToElement() => new(
        Svg + "svg",
        new XAttribute("viewBox", string.Create(CultureInfo.InvariantCulture, $"0 0 {width} {bottom - PanelGap + 26}")),
        new XAttribute("font-family", "system-ui, sans-serif"),
        new XAttribute("role", "img"),
        new XElement(Svg + "title", title),
        new XElement(Svg + "rect", new XAttribute("width", "100%"), new XAttribute("height", "100%"), new XAttribute("fill", "#ffffff"), new XAttribute("class", "paper")),
        ShowsTitle ? TextElement(Left, 22, title, "start", ("#333333", "ink"), 15, weight: null) : null,
        elements);

    public override string ToString() => ToElement() + "\n";

    private void Side(bool right, IReadOnlyList<SvgSeries> series)
    {
        var drawn = series.Select(static s => (Series: s, Points: s.Drawable())).ToList();
        var scale = SvgScale.Of(drawn.SelectMany(static s => s.Points).Select(static p => p.Y!.Value));
        double Y(double value) => panelTop + (panelHeight * (1 - scale.At(value)));
        var last = double.PositiveInfinity;
        foreach (var tick in scale.Ticks.OrderBy(static tick => tick.At).Where(tick => last - Y(tick.At) >= ClosestLabels || double.IsInfinity(last)))
        {
            last = Y(tick.At);
            if (!right)
            {
                Line(Left, last, PlotRight, last, "#e6e6e6", "grid");
            }

            Text(right ? PlotRight + 6 : Left - 6, last + 4, tick.Text, anchor: right ? "start" : "end", color: series.Count == 1 && right ? series[0].Color : null);
        }

        foreach (var (curve, points) in drawn)
        {
            if (curve.Form == SvgForm.Dots)
            {
                foreach (var point in points)
                {
                    Dot(curve, point, Y(point.Y!.Value));
                }
            }
            else
            {
                Curve(curve, points, Y);
            }
        }
    }

    private void Curve(SvgSeries series, IReadOnlyList<SvgPoint> points, Func<double, double> y) => elements.Add(new XElement(
        Svg + "polyline",
        new XAttribute("points", string.Join(' ', points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{X(point.X):0.#},{y(point.Y!.Value):0.#}")))),
        new XAttribute("fill", "none"),
        new XAttribute("stroke", SvgColors.Of(series.Color)),
        new XAttribute("class", $"{SvgColors.ClassOf(series.Color)} curve"),
        new XAttribute("stroke-width", series.Form == SvgForm.Faint ? "1" : "2"),
        new XAttribute("stroke-linejoin", "round"),
        new XAttribute("stroke-linecap", "round"),
        series.Form == SvgForm.Faint ? new XAttribute("opacity", "0.35") : null,
        series.Form == SvgForm.Dashed ? new XAttribute("stroke-dasharray", "2 5") : null));

    private void Dot(SvgSeries series, SvgPoint point, double y)
    {
        if (point.Label is { } label)
        {
            // On the side where there is room.
            var toTheLeft = below.At(point.X) > 0.85;
            Text(X(point.X) + (toTheLeft ? -9 : 9), y - 5, label, anchor: toTheLeft ? "end" : "start", size: 10, weight: point.Marked ? "600" : null);
        }

        elements.Add(DotElement(series, point, y));
    }

    private XElement DotElement(SvgSeries series, SvgPoint point, double y) => new(
        Svg + "circle",
        new XAttribute("cx", Number(X(point.X))),
        new XAttribute("cy", Number(y)),
        new XAttribute("r", point.Marked ? "7" : "4"),
        new XAttribute("fill", SvgColors.Of(series.Color)),
        new XAttribute("class", $"{SvgColors.ClassOf(series.Color)} dot{(point.Marked ? " winner" : "")}"),
        point.Marked ? new XAttribute("stroke", "#333333") : null,
        point.Hint is null ? null : new XElement(Svg + "title", point.Hint));

    private void Legend(IReadOnlyList<SvgSeries> series)
    {
        for (var i = 0; i < series.Count; i++)
        {
            Text(PlotRight - ((series.Count - 1 - i) * 160), panelTop - 10, series[i].Name, anchor: "end", color: series[i].Color);
        }
    }

    private double X(double value) => Left + (below.At(value) * (PlotRight - Left));

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    private void Line(double x1, double y1, double x2, double y2, string color, string kind, bool dashed = false) => elements.Add(new XElement(
        Svg + "line",
        new XAttribute("x1", Number(x1)),
        new XAttribute("y1", Number(y1)),
        new XAttribute("x2", Number(x2)),
        new XAttribute("y2", Number(y2)),
        new XAttribute("stroke", color),
        new XAttribute("class", kind),
        dashed ? new XAttribute("stroke-dasharray", "3 3") : null));

    private void Text(double x, double y, string text, string anchor = "start", int? color = null, int size = 11, string? weight = null) => elements.Add(
        TextElement(x, y, text, anchor, color is { } own ? (SvgColors.Of(own), SvgColors.ClassOf(own)) : ("#333333", "ink"), size, weight));

    private static XElement TextElement(double x, double y, string text, string anchor, (string Color, string Kind) ink, int size, string? weight) => new(
        Svg + "text",
        new XAttribute("x", Number(x)),
        new XAttribute("y", Number(y)),
        new XAttribute("text-anchor", anchor),
        new XAttribute("fill", ink.Color),
        new XAttribute("class", ink.Kind),
        new XAttribute("font-size", size),
        weight is null ? null : new XAttribute("font-weight", weight),
        text);
}
