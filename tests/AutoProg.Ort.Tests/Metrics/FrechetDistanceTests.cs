using AutoProg.Ort.Metrics;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Tests.Metrics;

public sealed class FrechetDistanceTests
{
    [Fact]
    public void In_one_dimension_it_is_the_difference_of_means_and_deviations() =>
        Assert.Equal((3.0 * 3) + (2 * 2), FrechetDistance.Between(new([1], [9]), new([4], [25])), 1e-12);

    [Fact]
    public void Of_independent_features_it_is_the_sum_over_the_features()
    {
        var one = new FeatureStatistics([0, 1, 2], [4, 0, 0, 0, 9, 0, 0, 0, 0]);
        var other = new FeatureStatistics([0, 1, 0], [1, 0, 0, 0, 16, 0, 0, 0, 25]);
        Assert.Equal(1 + 1 + (4 + 25), FrechetDistance.Between(one, other), 1e-10);
        Assert.Equal(1 + 1 + (4 + 25), FrechetDistance.Between(other, one), 1e-10);
    }

    [Fact]
    public void Of_two_correlated_features_it_is_the_closed_form()
    {
        // tr (A B)^(1/2) = (tr(A B) + 2 det(A B)^(1/2))^(1/2) in two dimensions.
        double[] a = [2, 0.5, 0.5, 1], b = [3, -1, -1, 4];
        var (trace, determinant) = ((2 * 3) - 0.5 - 0.5 + 4, (2 - 0.25) * (12 - 1));
        var expected = (2 + 1) + (3 + 4) - (2 * Math.Sqrt(trace + (2 * Math.Sqrt(determinant))));
        Assert.Equal(expected, FrechetDistance.Between(new([0, 0], a), new([0, 0], b)), 1e-12);
    }

    [Fact]
    public void Of_a_turned_and_stretched_set_it_is_known()
    {
        // S_2 = c^2 S_1 gives (1 - c)^2 tr S_1, whatever S_1 is.
        var one = Statistics(dimension: 12, count: 50, seed: 1);
        var other = new FeatureStatistics(one.Mean.ToArray(), [.. one.Covariance.ToArray().Select(static v => 6.25 * v)]);
        Assert.Equal(2.25 * Trace(one), FrechetDistance.Between(one, other), 1e-9);
    }

    [Theory]
    [InlineData(16, 5, 300)]
    [InlineData(40, 7, 400)]
    public void Fewer_images_than_features_are_no_trouble(int dimension, int count, int others)
    {
        var (few, many) = (Statistics(dimension, count, seed: 1), Statistics(dimension, others, seed: 2));
        var distance = FrechetDistance.Between(few, many);
        Assert.Equal(distance, FrechetDistance.Between(many, few), 1e-6 * distance);
        Assert.Equal(ByNewton(few, many), distance, 1e-3 * distance);
    }

    [Fact]
    public void The_reference_value_of_a_small_example_is_met()
    {
        // By hand: x = (0,0), (2,0), (0,2), (2,2) has S = 4/3 I; y = (1,1), (3,3), (5,5) has S = [4 4; 4 4], whose root is [sqrt2 sqrt2; sqrt2 sqrt2].
        // tr (4/3 S_y)^(1/2) = sqrt(4/3) 2 sqrt2; means (1,1) and (3,3): 8 + 8/3 + 8 - 4 sqrt(8/3).
        var (x, y) = (new FeatureAccumulator(2), new FeatureAccumulator(2));
        x.Add([0, 0, 2, 0, 0, 2, 2, 2]);
        y.Add([1, 1, 3, 3, 5, 5]);

        // An eigenvalue that is 0 comes out as about 1e-15, and its root as 3e-8.
        Assert.Equal(8 + (8.0 / 3) + 8 - (4 * Math.Sqrt(8.0 / 3)), FrechetDistance.Between(x.ToStatistics(), y.ToStatistics()), 1e-6);
    }

    [Theory]
    [InlineData(6, 100)]
    [InlineData(30, 10)]
    public void Equal_sets_are_not_apart(int dimension, int count)
    {
        var set = Statistics(dimension, count, seed: 3);
        Assert.InRange(FrechetDistance.Between(set, set), 0, 1e-6 * Trace(set));
        Assert.Equal(0, FrechetDistance.Between(new([1, 2], new double[4]), new([1, 2], new double[4])));
    }

    [Fact]
    public void Sets_of_different_networks_are_refused() => Assert.StartsWith(
        "One set has 2 features, the other 3; both must come from the same network.",
        Assert.Throws<ArgumentException>(() => FrechetDistance.Between(new(new double[2], new double[4]), new(new double[3], new double[9]))).Message,
        StringComparison.Ordinal);

    private static double Trace(FeatureStatistics set) => Enumerable.Range(0, set.Dimension).Sum(i => set.Covariance[i * (set.Dimension + 1)]);

    private static FeatureStatistics Statistics(int dimension, int count, int seed)
    {
        var random = new CounterRandom(seed, RandomPurpose.BuiltinData);
        var accumulator = new FeatureAccumulator(dimension);
        var row = new float[dimension];
        for (var i = 0; i < count; i++)
        {
            var shared = random.NextNormal();
            foreach (ref var value in row.AsSpan())
            {
                value = (float)(shared + (seed * random.NextNormal()) + seed);
            }

            accumulator.Add(row);
        }

        return accumulator.ToStatistics();
    }

    /// <summary>The distance by another algorithm: the coupled iteration of Denman and Beavers for the root of S_1 S_2, a little lifted so that it is regular.</summary>
    private static double ByNewton(FeatureStatistics one, FeatureStatistics other)
    {
        var d = one.Dimension;
        var lift = 1e-10 * Trace(other);
        var build = MathNet.Numerics.LinearAlgebra.Matrix<double>.Build;
        var (first, second) = (build.Dense(d, d, one.Covariance.ToArray()), build.Dense(d, d, other.Covariance.ToArray()));
        var (y, z) = ((first + (lift * build.DenseIdentity(d))) * (second + (lift * build.DenseIdentity(d))), build.DenseIdentity(d));
        for (var i = 0; i < 60; i++)
        {
            (y, z) = ((y + z.Inverse()) / 2, (z + y.Inverse()) / 2);
        }

        var means = one.Mean.ToArray().Zip(other.Mean.ToArray(), static (a, b) => (a - b) * (a - b)).Sum();
        return means + first.Trace() + second.Trace() - (2 * y.Trace());
    }
}
