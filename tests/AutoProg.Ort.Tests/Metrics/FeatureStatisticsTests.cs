using AutoProg.Graphs;
using AutoProg.Ort.Files;
using AutoProg.Ort.Metrics;
using AutoProg.Ort.Tests.Runs;

namespace AutoProg.Ort.Tests.Metrics;

public sealed class FeatureStatisticsTests : InTemporaryFolder
{
    [Fact]
    public void They_are_saved_and_loaded_bit_by_bit()
    {
        var saved = new FeatureStatistics([1.1, -2.2], [3.3, 0.1, 0.1, 1e-300]);
        saved.Save(At("s.npz"));
        var loaded = FeatureStatistics.Load(At("s.npz"));
        Assert.Equal(saved.Mean.ToArray(), loaded.Mean.ToArray());
        Assert.Equal(saved.Covariance.ToArray(), loaded.Covariance.ToArray());
        using var file = NpzReader.Open(At("s.npz"));
        Assert.Equal(["mu", "sigma"], file.Names);
        using var sigma = file.Read("sigma");
        Assert.Equal((TensorType.F64, [2, 2]), (sigma.Type, sigma.Shape));
    }

    [Fact]
    public void Statistics_in_single_precision_are_read_too()
    {
        Write([2], [1, 2], [2, 2], [4, 1, 1, 4]);
        Assert.Equal([4, 1, 1, 4], FeatureStatistics.Load(At("s.npz")).Covariance.ToArray());
    }

    [Theory]
    [InlineData(new long[] { 2, 1 }, new long[] { 2, 2 }, 1f, "array 'mu' has shape [2, 1], expected mu [d] and sigma [d, d] with d from 1 to 8192")]
    [InlineData(new long[] { 2 }, new long[] { 4 }, 1f, "array 'sigma' has shape [4], expected mu [d] and sigma [d, d]")]
    [InlineData(new long[] { 2 }, new long[] { 2, 2 }, float.NaN, "mean or covariance has numbers that are not finite")]
    [InlineData(new long[] { 2 }, new long[] { 2, 2 }, 2f, "the covariance is not symmetric at [1, 0]")]
    public void What_is_no_mean_with_its_covariance_is_refused(long[] mean, long[] covariance, float corner, string finding)
    {
        Write(mean, [1, 2], covariance, [4, 1, corner, 4]);
        var error = Assert.Throws<FileFormatException>(() => FeatureStatistics.Load(At("s.npz")));
        Assert.StartsWith($"{At("s.npz")}: {finding}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Arrays_that_do_not_fit_each_other_are_refused()
    {
        Assert.StartsWith("A mean of 2 and a covariance of 3 numbers; expected d, 1 to 8192, and d d.", Assert.Throws<ArgumentException>(() => new FeatureStatistics([1, 2], [1, 2, 3])).Message, StringComparison.Ordinal);
        Assert.StartsWith("the covariance is not symmetric at [1, 0].", Assert.Throws<ArgumentException>(() => new FeatureStatistics([1, 2], [1, 2, 3, 4])).Message, StringComparison.Ordinal);
    }

    private void Write(long[] meanShape, float[] mean, long[] covarianceShape, float[] covariance)
    {
        using var writer = NpzWriter.Create(At("s.npz"));
        writer.Begin("mu", TensorType.F32, Shape.Of(meanShape));
        writer.Write<float>(mean);
        writer.Begin("sigma", TensorType.F32, Shape.Of(covarianceShape));
        writer.Write<float>(covariance);
        writer.Complete();
    }
}
