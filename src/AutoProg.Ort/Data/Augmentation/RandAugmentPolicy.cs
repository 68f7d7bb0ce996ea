using System.Globalization;

namespace AutoProg.Ort.Data.Augmentation;

/// <summary>RandAugment's settings, read from and written as timm's string.</summary>
internal sealed record RandAugmentPolicy
{
    private const string Example = "rand-m9-mstd0.5-inc1";

    /// <summary>Magnitude (m), 0 to 10 or <see cref="MaxMagnitude"/>. The default is 10.</summary>
    public int Magnitude { get; init; } = 10;

    /// <summary>Operations per image (n), drawn with replacement, 1 to 15. The default is 2.</summary>
    public int Operations { get; init; } = 2;

    /// <summary>Standard deviation of the magnitude (mstd); above 100 the magnitude is uniform between 0 and <see cref="Magnitude"/>. The default is 0.</summary>
    public double MagnitudeDeviation { get; init; }

    /// <summary>Upper bound of the drawn magnitude (mmax). The default is 10.</summary>
    public int MaxMagnitude { get; init; } = 10;

    /// <summary>Probability of each drawn operation (p), 0 to 1. The default is 0.5.</summary>
    public double Probability { get; init; } = 0.5;

    /// <summary>Operations whose severity grows with the magnitude (inc1). The default, as in timm, is false: the original set.</summary>
    public bool Increasing { get; init; }

    /// <summary>Reads timm's spelling: <c>rand</c>, then sections m, n, mstd, mmax, p, inc in any order.</summary>
    /// <exception cref="FormatException">A section is unknown, doubled, lacks its number or is out of range; the message says which and what is accepted.</exception>
    public static RandAugmentPolicy Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var sections = text.Split('-');
        if (sections[0] != "rand")
        {
            throw new FormatException($"RandAugment '{text}': begins with '{sections[0]}'; expected 'rand', as in '{Example}'.");
        }

        var policy = new RandAugmentPolicy();
        var seen = new HashSet<string>();
        foreach (var section in sections.Skip(1))
        {
            var digits = section.AsSpan().IndexOfAnyInRange('0', '9');
            var key = digits < 0 ? section : section[..digits];
            var number = digits < 0 ? "" : section[digits..];
            if (!seen.Add(key))
            {
                throw new FormatException($"RandAugment '{text}': section '{key}' appears twice.");
            }

            policy = key switch
            {
                "m" => policy with { Magnitude = Whole(text, section, number, 0, 100) },
                "n" => policy with { Operations = Whole(text, section, number, 1, 15) },
                "mstd" => policy with { MagnitudeDeviation = Real(text, section, number, double.MaxValue) },
                "mmax" => policy with { MaxMagnitude = Whole(text, section, number, 1, 100) },
                "p" => policy with { Probability = Real(text, section, number, 1) },
                "inc" => policy with { Increasing = Whole(text, section, number, 0, 1) == 1 },
                _ => throw new FormatException($"RandAugment '{text}': section '{section}' is unknown; use m, n, mstd, mmax, p or inc, each with a number, as in '{Example}'."),
            };
        }

        return policy.Magnitude <= policy.MaxMagnitude
            ? policy
            : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"RandAugment '{text}': magnitude {policy.Magnitude} is above {policy.MaxMagnitude}; lower it or add the section mmax{policy.Magnitude}."));
    }

    /// <summary>The same policy at another magnitude. Halves go to the even number, as in the authors' code.</summary>
    /// <param name="scale">Factor on the magnitude.</param>
    public RandAugmentPolicy Scaled(double scale) => this with { Magnitude = Math.Clamp((int)Math.Round(Magnitude * scale), 0, MaxMagnitude) };

    /// <summary>timm's spelling; <see cref="Parse"/> reads it back.</summary>
    public override string ToString()
    {
        var defaults = new RandAugmentPolicy();
        var sections = new List<string> { "rand", $"m{Magnitude}" };
        if (Operations != defaults.Operations)
        {
            sections.Add($"n{Operations}");
        }

        if (MagnitudeDeviation != 0)
        {
            sections.Add($"mstd{MagnitudeDeviation.ToString("0.################", CultureInfo.InvariantCulture)}");
        }

        if (MaxMagnitude != defaults.MaxMagnitude)
        {
            sections.Add($"mmax{MaxMagnitude}");
        }

        if (Probability != defaults.Probability)
        {
            sections.Add($"p{Probability.ToString("0.################", CultureInfo.InvariantCulture)}");
        }

        if (Increasing)
        {
            sections.Add("inc1");
        }

        return string.Join('-', sections);
    }

    private static int Whole(string text, string section, string number, int min, int max) =>
        int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max
            ? value
            : throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"RandAugment '{text}': section '{section}' needs a whole number from {min} to {max}, as in '{Example}'."));

    private static double Real(string text, string section, string number, double max) =>
        double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value <= max
            ? value
            : throw new FormatException($"RandAugment '{text}': section '{section}' needs a number{(max == 1 ? " from 0 to 1" : "")}, as in '{Example}'.");
}
