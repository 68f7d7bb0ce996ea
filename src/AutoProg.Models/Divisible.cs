namespace AutoProg.Models;

/// <summary>Sizes rounded to what hardware and architectures can divide.</summary>
internal static class Divisible
{
    /// <summary>
    /// The multiple of <paramref name="divisor"/> that is nearest to <paramref name="value"/>, at least one divisor, and never more than
    /// 10 % below the value (<c>make_divisible</c> of timm and of the authors).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The divisor is not positive, or the value is not within 0 and 2^30.</exception>
    public static int Nearest(double value, int divisor)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(divisor);
        if (!(value >= 0 && value <= 1 << 30))
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, "Expected a size between 0 and 2^30.");
        }

        var rounded = (int)Math.Max(divisor, (long)(value + (divisor / 2.0)) / divisor * divisor);
        return rounded < 0.9 * value ? rounded + divisor : rounded;
    }
}
