using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Tests.Runtime.Optimizers;

public sealed class GradientNormTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(1037)]
    public void The_sum_has_double_precision_tail_included(int length)
    {
        float[] values = [.. Enumerable.Range(1, length).Select(i => (float)Math.Sin(i) * 1e-3f)];

        // Double precision loses at most length * 1.1e-16.
        Assert.Equal(values.Sum(value => (double)value * value), GradientNorm.SumOfSquares(values), 1e-12 * length * 1e-6);
    }

    [Fact]
    public void Huge_elements_do_not_overflow_and_one_faulty_element_shows()
    {
        var values = new float[40];
        Array.Fill(values, float.MaxValue);

        Assert.True(double.IsFinite(GradientNorm.SumOfSquares(values)));
        foreach (var place in new[] { 3, 39 })
        {
            values[place] = float.NaN;
            Assert.Equal(double.NaN, GradientNorm.SumOfSquares(values));
            values[place] = float.NegativeInfinity;
            Assert.Equal(double.PositiveInfinity, GradientNorm.SumOfSquares(values));
            values[place] = 0;
        }
    }

    [Theory]
    [InlineData(0, 1, 1)]
    [InlineData(0.5, 1, 1)]
    [InlineData(1, 1, 1 / 1.000001)]
    [InlineData(4, 1, 1 / 4.000001)]
    public void Clipping_shrinks_but_never_stretches(double norm, double maximum, double factor) =>
        Assert.Equal(factor, GradientNorm.ClipFactor(norm, maximum), 1e-15);

    [Theory]
    [InlineData(0)]
    [InlineData(double.NaN)]
    public void Clipping_to_nothing_is_refused(double maximum)
    {
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => GradientNorm.ClipFactor(1, maximum));

        Assert.StartsWith($"Clipping to norm {maximum} leaves nothing to learn from", error.Message, StringComparison.Ordinal);
    }
}
