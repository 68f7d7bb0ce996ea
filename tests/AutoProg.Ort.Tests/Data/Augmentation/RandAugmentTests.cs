using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Tests.Data.Augmentation;

public class RandAugmentTests
{
    private static readonly Rgb Fill = new(124, 116, 104);

    public static TheoryData<string> Operations() => [.. Enum.GetNames<RandAugmentOperation>()];

    [Theory]
    [MemberData(nameof(Operations))]
    public void Every_operation_changes_a_busy_image_and_keeps_its_size(string name)
    {
        foreach (var negative in new[] { false, true })
        {
            var canvas = Canvases.Busy(20);
            RandAugment.Apply(canvas, Enum.Parse<RandAugmentOperation>(name), 9, negative, increasing: true, Fill);
            Assert.Equal((20, 20), (canvas.Width, canvas.Height));
            Assert.NotEqual(Canvases.Busy(20).Pixels.ToArray(), canvas.Pixels.ToArray());
        }
    }

    [Theory]
    [InlineData("Rotate")]
    [InlineData("Solarize")]
    [InlineData("SolarizeAdd")]
    [InlineData("Color")]
    [InlineData("Contrast")]
    [InlineData("Brightness")]
    [InlineData("Sharpness")]
    [InlineData("ShearX")]
    [InlineData("ShearY")]
    [InlineData("TranslateX")]
    [InlineData("TranslateY")]
    public void Increasing_operations_do_nothing_at_magnitude_zero(string name)
    {
        var canvas = Canvases.Busy(20);
        RandAugment.Apply(canvas, Enum.Parse<RandAugmentOperation>(name), 0, negative: false, increasing: true, Fill);
        Assert.Equal(Canvases.Busy(20).Pixels.ToArray(), canvas.Pixels.ToArray());
    }

    [Theory]
    [InlineData("Posterize", true, 5, 0b1010_1010, 0b1000_0000)] // 4 - int(2.0) = 2 bits
    [InlineData("Posterize", true, 9, 0b1010_1010, 0b1000_0000)] // 4 - int(3.6) = 1 bit
    [InlineData("Posterize", false, 9, 0b1010_1010, 0b1010_0000)] // int(3.6) = 3 bits
    [InlineData("Solarize", true, 9, 25, 25)] // from 256 - int(230.4) = 26 on
    [InlineData("Solarize", true, 9, 26, 229)]
    [InlineData("Solarize", false, 9, 229, 229)] // from int(230.4) = 230 on
    [InlineData("Solarize", false, 9, 230, 25)]
    [InlineData("SolarizeAdd", true, 9, 100, 199)] // int(99.0)
    [InlineData("Brightness", true, 9, 100, 181)] // 1 + 0.81
    [InlineData("Brightness", false, 9, 100, 172)] // 0.1 + 1.62
    public void Magnitudes_become_the_published_arguments(string name, bool increasing, double magnitude, int value, int expected)
    {
        var canvas = Canvases.Grey(1, 1, value);
        RandAugment.Apply(canvas, Enum.Parse<RandAugmentOperation>(name), magnitude, negative: false, increasing, Fill);
        Assert.Equal(expected, canvas.Values()[0]);
    }

    [Fact]
    public void Magnitudes_are_normal_and_cut_at_ten()
    {
        var policy = RandAugmentPolicy.Parse("rand-m9-mstd0.5-inc1");
        var random = new CounterRandom(1, RandomPurpose.Augmentation);
        var draws = Enumerable.Range(0, 10_000).Select(_ => RandAugment.DrawMagnitude(policy, ref random)).ToList();
        Assert.Equal(10, draws.Max());
        Assert.InRange(draws.Average(), 8.97, 9.01); // cutting two deviations above the mean lowers it by 0.004; the standard error is 0.005
        Assert.InRange(draws.Count(draw => draw == 10) / 10_000.0, 0.016, 0.03); // 2.3 %
        Assert.InRange(draws.Count(draw => draw < 8.5) / 10_000.0, 0.14, 0.18); // 15.9 %

        var wide = RandAugmentPolicy.Parse("rand-m9-mstd101");
        draws = [.. Enumerable.Range(0, 10_000).Select(_ => RandAugment.DrawMagnitude(wide, ref random))];
        Assert.InRange(draws.Average(), 4.4, 4.6); // uniform in 0..9
        Assert.True(draws.Max() < 9);
    }

    [Fact]
    public void Each_of_two_operations_happens_with_probability_one_half()
    {
        // Of the 15 operations none leaves the busy image as it is at magnitude 9, so a quarter of the images stays unchanged.
        var policy = RandAugmentPolicy.Parse("rand-m9-mstd0.5-inc1");
        var unchanged = Enumerable.Range(0, 2000).Count(index =>
        {
            var canvas = Canvases.Busy(20);
            var random = new CounterRandom(1, RandomPurpose.Augmentation, 0, index);
            RandAugment.Apply(canvas, policy, Fill, ref random);
            return canvas.Pixels.SequenceEqual(Canvases.Busy(20).Pixels);
        });
        Assert.InRange(unchanged / 2000.0, 0.22, 0.29); // three standard errors; inverting twice and the like add under 1 %
    }
}
