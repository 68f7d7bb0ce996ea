using AutoProg.Ort.Progressive;
using FsCheck.Xunit;

namespace AutoProg.Ort.Tests.Progressive;

public class UniformLinearGrowthTests
{
    [Theory]
    [InlineData(112, 32, 128)] // halves go up
    [InlineData(149.3, 32, 160)]
    [InlineData(4.14, 2, 4)]
    [InlineData(0.3, 1, 1)] // never below one divisor
    [InlineData(47.9, 32, 64)] // 32 would be more than 10 % below
    public void MakeDivisible_rounds_to_the_nearest_multiple_but_not_far_down(double value, int divisor, int expected) =>
        Assert.Equal(expected, UniformLinearGrowth.MakeDivisible(value, divisor));

    [Fact]
    public void MakeDivisible_refuses_what_is_no_size()
    {
        Assert.Contains("between 0 and 2^30", Assert.Throws<ArgumentOutOfRangeException>(() => UniformLinearGrowth.MakeDivisible(double.NaN, 2)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => UniformLinearGrowth.MakeDivisible(-1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => UniformLinearGrowth.MakeDivisible(8, 0));
    }

    [Property]
    public bool MakeDivisible_gives_a_multiple_at_most_a_tenth_below(ushort value, byte divisor)
    {
        var rounded = UniformLinearGrowth.MakeDivisible(value, divisor + 1);
        return rounded % (divisor + 1) == 0 && rounded >= 0.9 * value && rounded <= value + divisor + 1;
    }

    [Fact]
    public void Scales_rise_linearly_to_one() => Assert.Equal([0.25, 0.5, 0.75, 1.0], UniformLinearGrowth.Scales(0.25, 4));

    [Theory]
    [InlineData(100, new[] { 0, 25, 50, 75 })]
    [InlineData(10, new[] { 0, 2, 5, 7 })]
    [InlineData(3, new[] { 0, 0, 1, 2 })]
    public void Stages_start_at_floor_of_k_E_over_K(int epochs, int[] expected) =>
        Assert.Equal(expected, Enumerable.Range(0, 4).Select(k => UniformLinearGrowth.FirstEpoch(k, 4, epochs)));

    [Fact]
    public void A_share_that_meets_a_divisor_exactly_takes_the_next_one()
    {
        Assert.Equal(12, MicroBatches.ForStage(12, 0.5));
        Assert.Equal(6, MicroBatches.ForStage(12, 0.49));
        Assert.Equal(1, MicroBatches.ForStage(1, 0.01));
    }

    [Property]
    public bool Micro_batches_of_a_stage_divide_the_complete_models(ushort complete, byte share)
    {
        var batches = MicroBatches.ForStage(complete + 1, (share + 1) / 256.0);
        return (complete + 1) % batches == 0 && (batches > (complete + 1) * (share + 1) / 256.0 || batches == complete + 1);
    }
}
