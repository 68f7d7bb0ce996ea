using AutoProg.Ort.Data.Augmentation;
using FsCheck.Xunit;

namespace AutoProg.Ort.Tests.Data.Augmentation;

public class RandAugmentPolicyTests
{
    [Fact]
    public void Sections_may_come_in_any_order()
    {
        var expected = new RandAugmentPolicy { Magnitude = 9, MagnitudeDeviation = 0.5, Increasing = true };
        Assert.Equal(expected, RandAugmentPolicy.Parse("rand-m9-mstd0.5-inc1"));
        Assert.Equal(expected, RandAugmentPolicy.Parse("rand-inc1-mstd0.5-m9"));
        Assert.Equal(expected with { Operations = 3, Probability = 0.7 }, RandAugmentPolicy.Parse("rand-m9-n3-mstd0.5-p0.7-inc1"));
        Assert.Equal(expected with { Magnitude = 15, MaxMagnitude = 20 }, RandAugmentPolicy.Parse("rand-m15-mmax20-mstd0.5-inc1"));
        Assert.Equal(new RandAugmentPolicy(), RandAugmentPolicy.Parse("rand"));
    }

    [Theory]
    [InlineData("", "RandAugment '': begins with ''; expected 'rand', as in 'rand-m9-mstd0.5-inc1'.")]
    [InlineData("augmix-m5", "RandAugment 'augmix-m5': begins with 'augmix'; expected 'rand', as in 'rand-m9-mstd0.5-inc1'.")]
    [InlineData("rand-x9", "RandAugment 'rand-x9': section 'x9' is unknown; use m, n, mstd, mmax, p or inc, each with a number, as in 'rand-m9-mstd0.5-inc1'.")]
    [InlineData("rand-m9-", "RandAugment 'rand-m9-': section '' is unknown; use m, n, mstd, mmax, p or inc, each with a number, as in 'rand-m9-mstd0.5-inc1'.")]
    [InlineData("rand-m", "RandAugment 'rand-m': section 'm' needs a whole number from 0 to 100, as in 'rand-m9-mstd0.5-inc1'.")]
    [InlineData("rand-m4.5", "RandAugment 'rand-m4.5': section 'm4.5' needs a whole number from 0 to 100, as in 'rand-m9-mstd0.5-inc1'.")]
    [InlineData("rand-n0", "RandAugment 'rand-n0': section 'n0' needs a whole number from 1 to 15, as in 'rand-m9-mstd0.5-inc1'.")]
    [InlineData("rand-n99999999999", "RandAugment 'rand-n99999999999': section 'n99999999999' needs a whole number from 1 to 15, as in 'rand-m9-mstd0.5-inc1'.")]
    [InlineData("rand-mstd1e3", "RandAugment 'rand-mstd1e3': section 'mstd1e3' needs a number, as in 'rand-m9-mstd0.5-inc1'.")]
    [InlineData("rand-p1.5", "RandAugment 'rand-p1.5': section 'p1.5' needs a number from 0 to 1, as in 'rand-m9-mstd0.5-inc1'.")]
    [InlineData("rand-inc2", "RandAugment 'rand-inc2': section 'inc2' needs a whole number from 0 to 1, as in 'rand-m9-mstd0.5-inc1'.")]
    [InlineData("rand-m9-m8", "RandAugment 'rand-m9-m8': section 'm' appears twice.")]
    [InlineData("rand-m12", "RandAugment 'rand-m12': magnitude 12 is above 10; lower it or add the section mmax12.")]
    public void Errors_name_the_section_and_what_is_accepted(string text, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => RandAugmentPolicy.Parse(text)).Message);

    [Property]
    public void What_is_written_is_read_back(byte magnitude, byte operations, byte deviation, byte probability, bool increasing)
    {
        var policy = new RandAugmentPolicy
        {
            Magnitude = magnitude % 11,
            Operations = (operations % 15) + 1,
            MagnitudeDeviation = deviation / 100.0,
            Probability = probability / 255.0,
            Increasing = increasing,
        };
        var read = RandAugmentPolicy.Parse(policy.ToString());
        Assert.Equal(policy with { Probability = read.Probability }, read);
        Assert.Equal(policy.Probability, read.Probability, 1e-15); // sixteen decimals are written
    }

    [Theory]
    [InlineData(0.5, 4)] // 4.5 goes to the even number
    [InlineData(0.6666666666666666, 6)]
    [InlineData(0.8333333333333333, 7)] // 7.4999...
    [InlineData(1, 9)]
    [InlineData(5, 10)]
    public void Scaling_rounds_as_the_authors_code(double scale, int magnitude) =>
        Assert.Equal(magnitude, RandAugmentPolicy.Parse("rand-m9-mstd0.5-inc1").Scaled(scale).Magnitude);
}
