using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Tests.Data.Augmentation;

public class RandomErasingTests
{
    private const int Side = 64;
    private const float Untouched = 1000;

    [Fact]
    public void A_quarter_of_the_images_lose_a_box_within_the_bounds()
    {
        var shares = Enumerable.Range(0, 4000).Select(index => ErasedShare(Erase(index, 0.25, 1))).ToList();
        Assert.InRange(shares.Count(share => share > 0) / 4000.0, 0.229, 0.271); // three standard errors
        var erased = shares.Where(share => share > 0).ToList();
        Assert.InRange(erased.Min(), 0.015, 0.03); // rounding of sides
        Assert.InRange(erased.Max(), 0.31, 0.345);

        // Long boxes that do not fit are drawn anew, which favours small areas slightly: below (0.02 + 1/3) / 2 = 0.177.
        Assert.InRange(erased.Average(), 0.16, 0.18);
    }

    [Fact]
    public void All_channels_lose_the_same_rectangle()
    {
        var image = Erase(3, 1, 1);
        var erased = Enumerable.Range(0, Side * Side).Where(i => image[i] != Untouched).ToList();
        Assert.Equal(erased, Enumerable.Range(0, Side * Side).Where(i => image[(2 * Side * Side) + i] != Untouched));
        var width = erased.Max(i => i % Side) - erased.Min(i => i % Side) + 1;
        var height = erased.Max(i => i / Side) - erased.Min(i => i / Side) + 1;
        Assert.Equal(width * height, erased.Count);
    }

    [Fact]
    public void Erased_values_are_standard_normal()
    {
        var values = Enumerable.Range(0, 100).SelectMany(index => Erase(index, 1, 1)).Where(value => value != Untouched).Select(value => (double)value).ToList();
        var mean = values.Average();
        var variance = values.Average(value => (value - mean) * (value - mean));
        Assert.True(values.Count > 100_000);
        Assert.InRange(mean, -0.01, 0.01); // three standard errors
        Assert.InRange(variance, 0.985, 1.015);
        Assert.InRange(values.Count(value => Math.Abs(value) < 1) / (double)values.Count, 0.678, 0.688); // 0.6827
    }

    [Fact]
    public void Several_boxes_share_the_area()
    {
        var single = Enumerable.Range(0, 1000).Average(index => ErasedShare(Erase(index, 1, 1)));
        var several = Enumerable.Range(0, 1000).Average(index => ErasedShare(Erase(index, 1, 3)));
        Assert.InRange(several / single, 0.85, 1.05); // overlaps cost a little
    }

    [Fact]
    public void Probability_zero_erases_nothing() =>
        Assert.All(Enumerable.Range(0, 100), index => Assert.Equal(0, ErasedShare(Erase(index, 0, 1))));

    private static float[] Erase(int index, double probability, int maxCount)
    {
        var image = new float[3 * Side * Side];
        Array.Fill(image, Untouched);
        var random = new CounterRandom(7, RandomPurpose.Augmentation, 0, index);
        RandomErasing.Apply(image, Side, probability, maxCount, ref random);
        return image;
    }

    private static double ErasedShare(float[] image) => image.Count(value => value != Untouched) / (double)image.Length;
}
