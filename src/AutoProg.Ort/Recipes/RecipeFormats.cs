using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace AutoProg.Ort.Recipes;

/// <summary>How values of one kind are read, checked and written.</summary>
/// <param name="expected">Completes "expected ...", e.g. "a whole number of at least 1".</param>
internal abstract class RecipeFormat<T>(string expected)
{
    /// <summary>Completes "expected ...".</summary>
    public string Expected { get; } = expected;

    /// <summary>Reads a value; false where the node is no value of this kind. Ranges are left to <see cref="Accepts"/>.</summary>
    public abstract bool TryRead(RecipeNode node, out T value);

    /// <summary>Whether the value is in range.</summary>
    public abstract bool Accepts(T value);

    /// <summary>The node that reads back as the value.</summary>
    public abstract RecipeNode Write(T value);
}

/// <summary>The kinds of values that recipes hold.</summary>
internal static class RecipeFormats
{
    private const string OptionalSuffix = ", or null";

    public static RecipeFormat<int> Whole(int least, int most = int.MaxValue) =>
        new WholeFormat<int>(least, most, most == int.MaxValue ? string.Create(CultureInfo.InvariantCulture, $"a whole number of at least {least}") : string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}"));

    public static RecipeFormat<long> AnyWhole { get; } = new WholeFormat<long>(long.MinValue, long.MaxValue, "a whole number");

    public static RecipeFormat<double> AtLeast(double least) => new RealFormat(v => v >= least, string.Create(CultureInfo.InvariantCulture, $"a number of at least {least}"));

    public static RecipeFormat<double> Above(double bound) => new RealFormat(v => v > bound, string.Create(CultureInfo.InvariantCulture, $"a number above {bound}"));

    /// <summary>[0, 1].</summary>
    public static RecipeFormat<double> Share { get; } = new RealFormat(v => v is >= 0 and <= 1, "a number from 0 to 1");

    /// <summary>(0, 1].</summary>
    public static RecipeFormat<double> PositiveShare { get; } = new RealFormat(v => v is > 0 and <= 1, "a number above 0, at most 1");

    /// <summary>[0, 1).</summary>
    public static RecipeFormat<double> ShareBelowOne { get; } = new RealFormat(v => v is >= 0 and < 1, "a number from 0 to below 1");

    /// <summary>(0, 1).</summary>
    public static RecipeFormat<double> OpenShare { get; } = new RealFormat(v => v is > 0 and < 1, "a number between 0 and 1, both excluded");

    public static RecipeFormat<double> AnyNumber { get; } = new RealFormat(static _ => true, "a number");

    public static RecipeFormat<bool> Flag { get; } = new FlagFormat();

    /// <summary>Text for humans and file systems; control characters are refused.</summary>
    public static RecipeFormat<string> Text(string what) => new TextFormat(what, pattern: null);

    public static RecipeFormat<string> Text(string what, [StringSyntax(StringSyntaxAttribute.Regex)] string pattern) =>
        new TextFormat(what, new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant));

    public static RecipeFormat<T> OneOf<T>(params (string Spelling, T Value)[] choices)
        where T : struct, Enum => new ChoiceFormat<T>(choices);

    public static RecipeFormat<IReadOnlyList<T>> ListOf<T>(RecipeFormat<T> item, string expected, int? count = null) => new ListFormat<T>(item, expected, count);

    public static RecipeFormat<T?> OrNull<T>(RecipeFormat<T> format)
        where T : struct => new OptionalFormat<T>(format);

    public static RecipeFormat<string?> OrNull(RecipeFormat<string> format) => new OptionalTextFormat(format);

    private sealed class WholeFormat<T>(T least, T most, string expected) : RecipeFormat<T>(expected)
        where T : IBinaryInteger<T>
    {
        public override bool TryRead(RecipeNode node, out T value)
        {
            value = T.Zero;
            return node is RecipeNode.Scalar { Quoted: false } scalar
                && T.TryParse(Ungrouped(scalar.Value), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value!);
        }

        public override bool Accepts(T value) => value >= least && value <= most;

        public override RecipeNode Write(T value) => new RecipeNode.Scalar(value.ToString(null, CultureInfo.InvariantCulture));

        /// <summary>YAML 1.1 allows 50_000.</summary>
        private static string Ungrouped(string text) =>
            text.Contains('_') && char.IsAsciiDigit(text[^1]) && !text.StartsWith('_') && !text.Contains("__") ? text.Replace("_", "") : text;
    }

    private sealed class RealFormat(Func<double, bool> accepts, string expected) : RecipeFormat<double>(expected)
    {
        public override bool TryRead(RecipeNode node, out double value)
        {
            value = 0;
            return node is RecipeNode.Scalar { Quoted: false } scalar
                && double.TryParse(scalar.Value, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value)
                && double.IsFinite(value);
        }

        public override bool Accepts(double value) => double.IsFinite(value) && accepts(value);

        public override RecipeNode Write(double value) =>
            new RecipeNode.Scalar(value.ToString("R", CultureInfo.InvariantCulture).Replace('E', 'e'));
    }

    private sealed class FlagFormat() : RecipeFormat<bool>("true or false")
    {
        public override bool TryRead(RecipeNode node, out bool value)
        {
            value = node is RecipeNode.Scalar { Quoted: false, Value: "true" or "True" or "TRUE" };
            return value || node is RecipeNode.Scalar { Quoted: false, Value: "false" or "False" or "FALSE" };
        }

        public override bool Accepts(bool value) => true;

        public override RecipeNode Write(bool value) => new RecipeNode.Scalar(value ? "true" : "false");
    }

    private sealed class TextFormat(string expected, Regex? pattern) : RecipeFormat<string>(expected)
    {
        private const int LongestText = 4096;

        public override bool TryRead(RecipeNode node, out string value)
        {
            value = node is RecipeNode.Scalar { IsNull: false } scalar ? scalar.Value : "";
            return value.Length > 0;
        }

        public override bool Accepts(string value) =>
            value.Length is > 0 and <= LongestText && !value.Any(char.IsControl) && (pattern?.IsMatch(value) ?? true);

        public override RecipeNode Write(string value) => new RecipeNode.Scalar(value, Quoted: true);
    }

    private sealed class ChoiceFormat<T>((string Spelling, T Value)[] choices)
        : RecipeFormat<T>($"one of {string.Join(", ", choices.Select(static choice => choice.Spelling))}")
        where T : struct, Enum
    {
        public override bool TryRead(RecipeNode node, out T value)
        {
            value = default;
            if (node is not RecipeNode.Scalar scalar)
            {
                return false;
            }

            foreach (var choice in choices)
            {
                if (string.Equals(choice.Spelling, scalar.Value.Replace('_', '-'), StringComparison.OrdinalIgnoreCase))
                {
                    value = choice.Value;
                    return true;
                }
            }

            return false;
        }

        public override bool Accepts(T value) => choices.Any(choice => EqualityComparer<T>.Default.Equals(choice.Value, value));

        public override RecipeNode Write(T value)
        {
            var spelling = choices.FirstOrDefault(choice => EqualityComparer<T>.Default.Equals(choice.Value, value)).Spelling;
            return new RecipeNode.Scalar(spelling ?? value.ToString());
        }
    }

    private sealed class ListFormat<T>(RecipeFormat<T> item, string expected, int? count) : RecipeFormat<IReadOnlyList<T>>(expected)
    {
        private const int LongestList = 1000;

        public override bool TryRead(RecipeNode node, out IReadOnlyList<T> value)
        {
            value = [];
            if (node is not RecipeNode.Sequence sequence || sequence.Items.Count > LongestList)
            {
                return false;
            }

            var items = new T[sequence.Items.Count];
            for (var i = 0; i < items.Length; i++)
            {
                if (!item.TryRead(sequence.Items[i], out items[i]))
                {
                    return false;
                }
            }

            value = items;
            return true;
        }

        public override bool Accepts(IReadOnlyList<T> value) => (count is null || value.Count == count) && value.Count <= LongestList && value.All(item.Accepts);

        public override RecipeNode Write(IReadOnlyList<T> value) => new RecipeNode.Sequence([.. value.Select(item.Write)]);
    }

    private sealed class OptionalFormat<T>(RecipeFormat<T> format) : RecipeFormat<T?>(format.Expected + OptionalSuffix)
        where T : struct
    {
        public override bool TryRead(RecipeNode node, out T? value)
        {
            value = null;
            if (node is RecipeNode.Scalar { IsNull: true })
            {
                return true;
            }

            var read = format.TryRead(node, out var present);
            value = present;
            return read;
        }

        public override bool Accepts(T? value) => value is not { } present || format.Accepts(present);

        public override RecipeNode Write(T? value) => value is { } present ? format.Write(present) : RecipeNode.Scalar.Null;
    }

    private sealed class OptionalTextFormat(RecipeFormat<string> format) : RecipeFormat<string?>(format.Expected + OptionalSuffix)
    {
        public override bool TryRead(RecipeNode node, out string? value)
        {
            value = null;
            return node is RecipeNode.Scalar { IsNull: true } || format.TryRead(node, out value);
        }

        public override bool Accepts(string? value) => value is null || format.Accepts(value);

        public override RecipeNode Write(string? value) => value is null ? RecipeNode.Scalar.Null : format.Write(value);
    }
}
