using AutoProg.Graphs;

namespace AutoProg.Models.Tests;

public sealed class BatchNormTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Both_modes_declare_the_same_parameters_and_buffers(bool training)
    {
        var (m, _) = Build(training);

        Assert.Equal(["blocks.2.norm.weight", "blocks.2.norm.bias", "blocks.2.norm.running_mean", "blocks.2.norm.running_var"], m.Parameters.Select(p => p.Name));
        Assert.Equal([false, false, true, true], m.Parameters.Select(p => p.IsBuffer));
        Assert.All(m.Parameters, p => Assert.Equal(([3], false, new BlockAddress(0, 2)), (p.Shape, p.WeightDecay, p.Block!.Value)));
        Assert.All(m.Parameters.Where(p => p.IsBuffer), p => Assert.Equal(0.2, p.Running!.Momentum));
        Assert.Equal([Initializer.Ones, Initializer.Zeros, Initializer.Zeros, Initializer.Ones], m.Parameters.Select(p => p.Initializer));
    }

    [Fact]
    public void Evaluation_reads_the_running_statistics_and_tells_none()
    {
        var (m, result) = Build(training: false);

        Assert.Equal(m.Parameters.Select(p => p.Name), m.Graph.Parameters.Select(p => p.Name));
        Assert.False(result.Producer!.Attributes.Flag("training_mode"));
        Assert.Empty(m.Statistics);
    }

    [Fact]
    public void Training_tells_the_statistics_and_reads_no_buffer()
    {
        var (m, result) = Build(training: true);

        Assert.Equal(["blocks.2.norm.weight", "blocks.2.norm.bias"], m.Graph.Parameters.Select(p => p.Name));
        Assert.True(result.Producer!.Attributes.Flag("training_mode"));
        Assert.Equal(m.Parameters.Where(p => p.IsBuffer).Select(p => p.Name), m.Statistics.Keys);
        Assert.All(m.Statistics.Values, s => Assert.Equal([3], s.Shape));
    }

    [Fact]
    public void The_running_variance_follows_the_unbiased_one_of_the_batch()
    {
        var (m, result) = Build(training: true);
        var statistic = m.Statistics["blocks.2.norm.running_var"].Producer!;

        Assert.Equal(result.Producer!.Outputs[2], statistic.Input(0));
        Assert.Equal(8.0 / 7, statistic.Input(1).Constant!.Doubles()[0], 1e-6); // 2 x 2 x 2 elements per channel, in float32
    }

    [Fact]
    public void The_running_variance_may_follow_the_populations()
    {
        var (m, result) = Build(training: true, unbiased: false);

        Assert.Equal(result.Producer!.Outputs[2], m.Statistics["blocks.2.norm.running_var"]);
    }

    [Fact]
    public void A_single_element_per_channel_has_no_variance()
    {
        var m = new ModelBuilder(training: true);
        var error = Assert.Throws<ArgumentException>(() => m.BatchNorm("norm", m.Graph.Input("x", ElementType.Float, [1, 3, 1, 1])));
        Assert.StartsWith("'norm' would normalise one element per channel in training mode, shape [1, 3, 1, 1]; use a larger batch.", error.Message, StringComparison.Ordinal);
    }

    private static (ModelBuilder Model, Value Result) Build(bool training, bool unbiased = true)
    {
        var m = new ModelBuilder(training: training);
        var x = m.Graph.Input("x", ElementType.Float, [2, 3, 2, 2]);
        using var block = m.Block("blocks.2", new BlockAddress(0, 2));
        return (m, m.BatchNorm("norm", x, momentum: 0.2, unbiased: unbiased));
    }
}
