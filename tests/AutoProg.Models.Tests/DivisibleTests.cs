namespace AutoProg.Models.Tests;

public sealed class DivisibleTests
{
    [Theory]
    [InlineData(112, 32, 128)] // halves go up
    [InlineData(149.3, 32, 160)]
    [InlineData(4.14, 2, 4)]
    [InlineData(0.3, 1, 1)] // never below one divisor
    [InlineData(47.9, 32, 64)] // 32 would be more than 10 % below
    public void A_size_is_rounded_to_the_nearest_multiple_but_not_far_down(double value, int divisor, int expected) =>
        Assert.Equal(expected, Divisible.Nearest(value, divisor));

    [Fact]
    public void What_is_no_size_is_refused()
    {
        Assert.Contains("between 0 and 2^30", Assert.Throws<ArgumentOutOfRangeException>(() => Divisible.Nearest(double.NaN, 2)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Divisible.Nearest(-1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => Divisible.Nearest(8, 0));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(32)]
    public void A_rounded_size_is_a_multiple_at_most_a_tenth_below(int divisor) => Assert.All(Enumerable.Range(0, 300), value =>
    {
        var rounded = Divisible.Nearest(value, divisor);
        Assert.True(rounded % divisor == 0 && rounded >= 0.9 * value && rounded <= value + divisor);
    });
}
