using AutoProg.Graphs.Tests.Evaluation;

namespace AutoProg.Graphs.Tests.Gradients;

/// <summary>Compares gradients with central differences (f(x + h d) - f(x - h d)) / 2h.</summary>
internal static class FiniteDifferences
{
    /// <summary>
    /// Relative to the largest element. With step 1e-5 the differences of a function of order one are right to h^2 f'''/6 + 1e-16/h, about 1e-10;
    /// derivatives of higher order up to 100 and losses of a few hundred stay below 1e-6.
    /// </summary>
    public const double Tolerance = 1e-6;

    /// <summary>Below this size a gradient counts as zero, and is compared absolutely: 1e-8 with <see cref="Tolerance"/>.</summary>
    private const double Floor = 1e-2;

    private const int LargestCheckedPerElement = 40;

    /// <summary>What is wrong with a gradient, or null.</summary>
    public static string? Disagreement(GradientCase drawn, string input, DoubleTensor gradient, double step, Random random)
    {
        var x = drawn.Feeds[input].Values;
        var directions = x.Length <= LargestCheckedPerElement
            ? Enumerable.Range(0, x.Length).Select(i => Unit(x.Length, i))
            : Enumerable.Range(0, 10).Select(_ => Sparse(x.Length, random));
        directions = directions.Append([.. x.Select(_ => GradientRow.Gaussian(random))]);
        foreach (var direction in directions)
        {
            var expected = (drawn.Loss(input, Moved(x, direction, step)) - drawn.Loss(input, Moved(x, direction, -step))) / (2 * step);
            var actual = direction.Zip(gradient.Values, (d, g) => d * g).Sum();
            var size = Math.Max(Floor, direction.Zip(gradient.Values, (d, g) => Math.Abs(d * g)).Sum());
            size = Math.Max(size, gradient.Values.Length == 0 ? 0 : gradient.Values.Max(Math.Abs));
            if (!(Math.Abs(expected - actual) <= Tolerance * size))
            {
                return $"d loss / d {input} along [{string.Join(", ", direction.Take(6).Select(d => d.ToString("g3")))}...]: {actual:g8}, central difference {expected:g8}";
            }
        }

        return null;
    }

    private static double[] Unit(int length, int place)
    {
        var direction = new double[length];
        direction[place] = 1;
        return direction;
    }

    /// <summary>A few elements at once, so that a fault in one is not drowned by all the others.</summary>
    private static double[] Sparse(int length, Random random) =>
        [.. Enumerable.Range(0, length).Select(_ => random.Next(length) < 8 ? GradientRow.Gaussian(random) : 0)];

    private static double[] Moved(double[] x, double[] direction, double step) => [.. x.Zip(direction, (v, d) => v + (step * d))];
}
