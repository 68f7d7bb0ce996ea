namespace AutoProg.Ort.Charts;

/// <summary>A point of a curve.</summary>
/// <param name="X">Where, on the axis that all panels share.</param>
/// <param name="Y">How much; null and what is not finite is left out.</param>
/// <param name="Hint">What is told of it to whoever points at it; dots only.</param>
/// <param name="Marked">Whether it stands out; dots only.</param>
internal readonly record struct SvgPoint(double X, double? Y, string? Hint = null, bool Marked = false)
{
    // Beyond this, differences and sums of coordinates overflow.
    private const double Largest = 1e30;

    /// <summary>What stands beside it; dots only.</summary>
    public string? Label { get; init; }

    public bool IsDrawable => Math.Abs(X) < Largest && Y is { } y && Math.Abs(y) < Largest;
}

/// <summary>How a series is drawn.</summary>
internal enum SvgForm
{
    Line,
    Faint,
    Dashed,
    Dots,
}

/// <summary>A curve, or a cloud of points.</summary>
/// <param name="Name">As the legend calls it; not drawn where it is empty.</param>
/// <param name="Color">Number of its colour in <see cref="SvgColors"/>.</param>
/// <param name="Points">In the order in which they are joined.</param>
/// <param name="Form">How it is drawn.</param>
/// <param name="RightAxis">Whether it has the scale on the right.</param>
internal sealed record SvgSeries(string Name, int Color, IReadOnlyList<SvgPoint> Points, SvgForm Form = SvgForm.Line, bool RightAxis = false)
{
    // What a picture can show.
    private const int MostPoints = 2000;

    /// <summary>A value that holds from one place to the next.</summary>
    public static IReadOnlyList<SvgPoint> Staircase(IEnumerable<(double From, double To, double? Y)> steps) =>
        [.. steps.SelectMany(static step => new[] { new SvgPoint(step.From, step.Y), new SvgPoint(step.To, step.Y) })];

    /// <summary>What is drawn of it: longer series are thinned out, and keep their ends.</summary>
    public IReadOnlyList<SvgPoint> Drawable()
    {
        List<SvgPoint> points = [.. Points.Where(static point => point.IsDrawable)];
        return points.Count <= MostPoints ? points : [.. Enumerable.Range(0, MostPoints).Select(i => points[(int)((long)i * (points.Count - 1) / (MostPoints - 1))])];
    }
}

/// <summary>
/// The colours of series, told apart also by those who do not see all colours (Okabe and Ito's, without yellow). An element that has one also has the class
/// <c>c0</c> to <c>c6</c>, so that a page can choose others for a dark background.
/// </summary>
internal static class SvgColors
{
    public const int Blue = 0;
    public const int Orange = 1;
    public const int Green = 2;

    private static readonly string[] All = ["#0072b2", "#d55e00", "#009e73", "#a64d88", "#3a9bd9", "#b07d00", "#555f6b"];

    public static int Count => All.Length;

    public static string Of(int color) => All[color % All.Length];

    public static string ClassOf(int color) => $"c{color % All.Length}";
}
