using AutoProg.Ort.Progressive;
using FsCheck.Xunit;

namespace AutoProg.Ort.Tests.Progressive;

public class UniformLinearGrowthTests
{
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
