using AutoProg.Ort.Charts;

namespace AutoProg.Ort.Tests.Charts;

public sealed class SvgScaleTests
{
    [Theory]
    [InlineData(new[] { 0.0, 9.7 }, "0 2 4 6 8")]
    [InlineData(new[] { 0.0, 0.0043 }, "0.000 0.001 0.002 0.003 0.004")]
    [InlineData(new[] { 0.5, 99_999 }, "0 20000 40000 60000 80000")]
    [InlineData(new[] { 0.0, 0.0 }, "0.0 0.2 0.4 0.6 0.8 1.0")]
    public void Axes_that_begin_at_zero_have_round_numbers(double[] values, string ticks) =>
        Assert.Equal(ticks, string.Join(' ', SvgScale.Of(values, fromZero: true).Ticks.Select(static tick => tick.Text)));

    [Fact]
    public void A_few_sizes_are_their_own_labels() =>
        Assert.Equal(["24", "16", "32"], SvgScale.Of([24, 16, 16, 32]).Ticks.Select(static tick => tick.Text));

    [Theory]
    [InlineData(new[] { 2.3022, -1.5, 7 })]
    [InlineData(new[] { 3.0, 3.0 })]
    [InlineData(new[] { 1e20, 1e20 })]
    [InlineData(new[] { -1e20 })]
    public void Every_value_lies_between_the_ends(double[] values)
    {
        var scale = SvgScale.Of(values);

        Assert.All(values, value => Assert.InRange(scale.At(value), 0, 1));
        Assert.All(scale.Ticks, tick => Assert.InRange(scale.At(tick.At), 0, 1));
    }
}
