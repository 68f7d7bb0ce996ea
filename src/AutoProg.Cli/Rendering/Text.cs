using System.Globalization;
using AutoProg.Ort.Progressive;

namespace AutoProg.Cli;

/// <summary>How numbers look in tables.</summary>
internal static class Text
{
    /// <summary><c>1:02:03</c>, or <c>2:03</c> below an hour.</summary>
    public static string Duration(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}")
        : string.Create(CultureInfo.InvariantCulture, $"{time.Minutes}:{time.Seconds:00}");

    /// <summary>With a fixed number of decimals; "-" for nothing.</summary>
    public static string Number(double? value, int decimals) => value?.ToString($"F{decimals}", CultureInfo.InvariantCulture) ?? "-";

    /// <summary>Blocks, and how much of them learns: <c>12</c>, or <c>8 u2</c>.</summary>
    public static string Blocks(SubNetwork network) => network.Level is { } level ? $"{network.Depth} u{level}" : $"{network.Depth}";

    /// <summary>A relative error, <c>1.2e-07</c>.</summary>
    public static string Error(double value) => value.ToString("0.0e+00", CultureInfo.InvariantCulture);

    /// <summary>Bytes in whole MiB; "-" for nothing.</summary>
    public static string Mebibytes(long? bytes) => bytes is { } count ? (count >> 20).ToString(CultureInfo.InvariantCulture) : "-";
}
