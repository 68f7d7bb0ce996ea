using System.Globalization;

namespace AutoProg.Ort.Charts;

/// <summary>A place on an axis that has a label.</summary>
internal readonly record struct SvgTick(double At, string Text);

/// <summary>An axis: its ends, and what stands beside it.</summary>
internal sealed record SvgScale(double Low, double High, IReadOnlyList<SvgTick> Ticks)
{
    private const int MostTicks = 6;
    private const double Margin = 0.06;

    /// <summary>For some values: they themselves where they are a few sizes, round numbers otherwise.</summary>
    public static SvgScale Of(IEnumerable<double> values, bool fromZero = false)
    {
        var all = values.DefaultIfEmpty(0).ToList();
        var (low, high) = (fromZero ? Math.Min(0, all.Min()) : all.Min(), all.Max());
        if (high - low < 1e-9 * Math.Max(1, Math.Abs(high)))
        {
            // What is added to a very large number must be large, too, or it changes nothing.
            var room = Math.Max(1, 1e-6 * Math.Abs(high));
            (low, high) = (low - (fromZero ? 0 : room), high + room);
        }

        var sizes = all.Distinct().Take(MostTicks + 1).ToList();
        if (!fromZero && sizes.Count <= MostTicks && sizes.TrueForAll(double.IsInteger))
        {
            var margin = Margin * (high - low);
            return new SvgScale(low - margin, high + margin, [.. sizes.Select(static size => new SvgTick(size, size.ToString("0", CultureInfo.InvariantCulture)))]);
        }

        var padding = fromZero ? 0 : Margin * (high - low);
        return new SvgScale(low - padding, high + padding, RoundTicks(low - padding, high + padding));
    }

    /// <summary>Where a value lies between both ends, 0 to 1.</summary>
    public double At(double value) => (value - Low) / (High - Low);

    /// <summary>Multiples of 1, 2 or 5 times a power of ten, four to ten of them.</summary>
    private static IReadOnlyList<SvgTick> RoundTicks(double low, double high)
    {
        var rough = (high - low) / 4;
        var power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = (rough / power) switch { < 2 => 1, < 5 => 2, _ => 5 } * power;
        var decimals = Math.Clamp(-(int)Math.Floor(Math.Log10(step)), 0, 12);
        var format = high >= 1e7 ? "0.##e+0" : $"F{decimals}";
        return [.. Enumerable.Range(0, 12).Select(i => (Math.Ceiling(low / step) + i) * step).TakeWhile(at => at <= high).Select(at => new SvgTick(at, at.ToString(format, CultureInfo.InvariantCulture)))];
    }
}
