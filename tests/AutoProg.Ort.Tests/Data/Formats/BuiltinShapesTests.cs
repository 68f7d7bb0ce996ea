using AutoProg.Ort.Data.Formats;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Tests.Data.Formats;

public class BuiltinShapesTests
{
    [Fact]
    public void An_image_is_a_function_of_seed_split_index_and_size()
    {
        var first = Pixels(new BuiltinShapes(20, 1, training: true), 7, 32);
        Assert.Equal(first, Pixels(new BuiltinShapes(99, 1, training: true), 7, 32));
        Assert.NotEqual(first, Pixels(new BuiltinShapes(20, 2, training: true), 7, 32));
        Assert.NotEqual(first, Pixels(new BuiltinShapes(20, 1, training: false), 7, 32));
        Assert.NotEqual(first, Pixels(new BuiltinShapes(20, 1, training: true), 17, 32));
    }

    [Theory]
    [InlineData(1, 8)]
    [InlineData(16, 16)]
    [InlineData(33, 33)]
    [InlineData(224, 224)]
    [InlineData(5000, 1024)]
    public void Images_come_at_the_size_asked_for_within_limits(int asked, int side)
    {
        using var image = new BuiltinShapes(1, 1, training: true).Load(0, asked);
        Assert.Equal((side, side), (image.Width, image.Height));
    }

    [Fact]
    public void The_ten_classes_are_balanced()
    {
        var images = new BuiltinShapes(1000, 1, training: true);
        Assert.Equal(10, images.ClassNames.Distinct().Count());
        Assert.All(Enumerable.Range(0, 1000).CountBy(images.LabelOf), pair => Assert.Equal(100, pair.Value));
    }

    [Fact]
    public void Plain_images_show_a_bright_shape_before_a_dark_background()
    {
        var images = new BuiltinShapes(500, 1, training: true, plain: true);
        Assert.Equal(["disc", "ring", "square", "triangle", "cross"], images.ClassNames);
        Assert.All(Enumerable.Range(0, 500).CountBy(images.LabelOf), pair => Assert.Equal(100, pair.Value));
        Assert.All(Enumerable.Range(0, 50), index =>
        {
            var pixels = Pixels(images, index, 32);
            var corners = new[] { 0, 31, 32 * 31, (32 * 32) - 1 }.Select(at => (pixels[3 * at], pixels[(3 * at) + 1], pixels[(3 * at) + 2])).Distinct();
            Assert.InRange(Assert.Single(corners).Item1, 10, 70);
            Assert.InRange(Enumerable.Range(0, 32 * 32).Count(at => pixels[3 * at] >= 100), 100, 500);
        });
    }

    [Fact]
    public void The_same_scene_at_two_sizes_has_the_same_composition()
    {
        // Noise makes some 25 levels of difference; another scene differs by more.
        var images = new BuiltinShapes(40, 3, training: true);
        var own = Enumerable.Range(0, 20).Average(index => DifferenceOfSizes(images, index, index));
        var other = Enumerable.Range(0, 20).Average(index => DifferenceOfSizes(images, index, index + 20));
        Assert.True(own < 0.75 * other, $"{own} to itself, {other} to another scene");
    }

    [Fact]
    public void Low_resolution_hides_the_texture()
    {
        // Label 2k and 2k + 1 draw the same scene but for the directions of the textures.
        var (low, middle, high) = (TextureDifference(16), TextureDifference(32), TextureDifference(48));
        Assert.True(low < high / 5, $"{low} at 16 pixels, {high} at 48");
        Assert.True(high > 1.2 * middle, $"{middle} at 32 pixels, {high} at 48");
        Assert.True(high > 2, $"{high} at 48 pixels");
    }

    private static double DifferenceOfSizes(BuiltinShapes images, int small, int large)
    {
        var (low, high) = (Pixels(images, small, 48), Pixels(images, large, 96));
        return Enumerable.Range(0, 48 * 48).Average(i => (double)Math.Abs(low[3 * i] - high[3 * ((2 * (i / 48) * 96) + (2 * (i % 48)))]));
    }

    private static double TextureDifference(int side)
    {
        var (sum, count) = (0.0, 0);
        for (var index = 0; index < 30; index++)
        {
            var rows = Render(2 * (index % 5), index, side);
            var columns = Render((2 * (index % 5)) + 1, index, side);
            sum += rows.Zip(columns, (a, b) => Math.Abs(a - b)).Sum();
            count += rows.Length;
        }

        return sum / count;
    }

    private static byte[] Render(int label, int index, int side)
    {
        var random = new CounterRandom(5, RandomPurpose.BuiltinData, 0, index);
        var pixels = new byte[side * side * 3];
        Scene.Draw(label, ref random).Render(pixels, side, ref random);
        return pixels;
    }

    private static byte[] Pixels(BuiltinShapes images, int index, int side)
    {
        using var image = images.Load(index, side);
        return image.Pixels.ToArray();
    }
}
