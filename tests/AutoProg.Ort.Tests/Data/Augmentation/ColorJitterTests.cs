using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Tests.Data.Augmentation;

public class ColorJitterTests
{
    [Fact]
    public void No_strength_changes_nothing()
    {
        var canvas = Canvases.Busy(8);
        var random = new CounterRandom(1, RandomPurpose.Augmentation);
        ColorJitter.Apply(canvas, 0, ref random);
        Assert.Equal(Canvases.Busy(8).Pixels.ToArray(), canvas.Pixels.ToArray());
    }

    [Fact]
    public void Brightness_of_a_plain_grey_image_spreads_over_the_strength()
    {
        // Contrast and saturation do not touch a plain grey image, so what remains is brightness: 100 * [0.7, 1.3).
        var values = Enumerable.Range(0, 2000).Select(index =>
        {
            var canvas = Canvases.Grey(1, 1, 100);
            var random = new CounterRandom(1, RandomPurpose.Augmentation, 0, index);
            ColorJitter.Apply(canvas, 0.3, ref random);
            return canvas.Values()[0];
        }).ToList();
        Assert.InRange(values.Min(), 69, 71);
        Assert.InRange(values.Max(), 128, 130);
        Assert.InRange(values.Average(), 98.3, 100.7); // the mean is 99.5 after truncation; three standard errors are 1.2
    }
}
