using AutoProg.Ort.Metrics;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Tests.Metrics;

public sealed class FeatureAccumulatorTests
{
    private const int Dimension = 5;

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    public void One_pass_in_batches_gives_what_two_passes_give(int batch)
    {
        var features = Features(50, 3);
        var accumulator = new FeatureAccumulator(Dimension);
        foreach (var part in features.Chunk(batch * Dimension))
        {
            accumulator.Add(part);
        }

        accumulator.Add([]);
        Assert.Equal(50, accumulator.Count);
        AssertTwoPasses(features, accumulator.ToStatistics(), 1e-12);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(50)]
    public void Two_accumulators_join_to_one(int split)
    {
        var features = Features(50, 3);
        var (one, other) = (new FeatureAccumulator(Dimension), new FeatureAccumulator(Dimension));
        one.Add(features.AsSpan(0, split * Dimension));
        other.Add(features.AsSpan(split * Dimension));
        one.Merge(other);
        Assert.Equal(50, one.Count);
        AssertTwoPasses(features, one.ToStatistics(), 1e-12);
        if (50 - split >= 2)
        {
            AssertTwoPasses(features[(split * Dimension)..], other.ToStatistics(), 1e-12);
        }
    }

    [Fact]
    public void A_mean_that_is_large_against_the_deviations_costs_no_digits()
    {
        var features = Features(200, 1e5);
        var accumulator = new FeatureAccumulator(Dimension);
        foreach (var part in features.Chunk(3 * Dimension))
        {
            accumulator.Add(part);
        }

        // The sum of squares would be 2e12, and its rounding 1e-4.
        AssertTwoPasses(features, accumulator.ToStatistics(), 1e-9);
    }

    [Fact]
    public void What_is_no_vector_is_refused_and_not_added()
    {
        var accumulator = new FeatureAccumulator(Dimension);
        accumulator.Add(Features(1, 0));
        Assert.StartsWith("1 vectors have no covariance; add at least 2.", Assert.Throws<InvalidOperationException>(accumulator.ToStatistics).Message, StringComparison.Ordinal);
        Assert.StartsWith("7 numbers are no vectors of 5 features.", Assert.Throws<ArgumentException>(() => accumulator.Add(new float[7])).Message, StringComparison.Ordinal);
        float[] broken = [.. Features(2, 0)];
        broken[8] = float.NaN;
        Assert.StartsWith("Feature 3 of vector 2 is NaN; a distance needs finite features.", Assert.Throws<ArgumentException>(() => accumulator.Add(broken)).Message, StringComparison.Ordinal);
        Assert.StartsWith("Vectors of 3 features cannot join vectors of 5", Assert.Throws<ArgumentException>(() => accumulator.Merge(new FeatureAccumulator(3))).Message, StringComparison.Ordinal);
        Assert.Equal(1, accumulator.Count);
        Assert.Throws<ArgumentOutOfRangeException>(() => new FeatureAccumulator(FeatureAccumulator.MaxDimension + 1));
    }

    private static void AssertTwoPasses(float[] features, FeatureStatistics actual, double tolerance)
    {
        var rows = features.Chunk(Dimension).ToArray();
        double[] mean = [.. Enumerable.Range(0, Dimension).Select(i => rows.Average(row => (double)row[i]))];
        Assert.All(mean.Zip(actual.Mean.ToArray()), pair => Assert.Equal(pair.First, pair.Second, tolerance * Math.Max(1, Math.Abs(pair.First))));
        for (var i = 0; i < Dimension; i++)
        {
            for (var j = 0; j < Dimension; j++)
            {
                var expected = rows.Sum(row => (row[i] - mean[i]) * (row[j] - mean[j])) / (rows.Length - 1);
                Assert.Equal(expected, actual.Covariance[(i * Dimension) + j], tolerance * Math.Max(1, Math.Abs(expected)));
            }
        }
    }

    private static float[] Features(int count, double offset)
    {
        var random = new CounterRandom(1, RandomPurpose.BuiltinData);
        var features = new float[count * Dimension];
        foreach (ref var value in features.AsSpan())
        {
            value = (float)(offset + random.NextNormal());
        }

        return features;
    }
}
