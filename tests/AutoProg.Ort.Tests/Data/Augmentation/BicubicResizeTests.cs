using AutoProg.Ort.Data.Augmentation;
using FsCheck.Xunit;

namespace AutoProg.Ort.Tests.Data.Augmentation;

public class BicubicResizeTests
{
    [Fact]
    public void Halving_stretches_the_kernel_over_eight_pixels()
    {
        // Keys' kernel (a = -0.5) at -1/4, 1/4, 3/4, 5/4 is 0.8671875, 0.8671875, 0.2265625, -0.0703125: 255 * 0.15625 / 1.890625 = 21.07.
        Assert.Equal([21, 234], ResizeLine([0, 0, 255, 255], 2));
        Assert.Equal([21, 234], ResizeColumn([0, 0, 255, 255], 2));
    }

    [Fact]
    public void Doubling_interpolates_and_cuts_overshoots()
    {
        // At 3/4: 255 * 0.2265625 / (0.8671875 + 0.2265625) = 52.8; at 1/4 the weight of the second pixel is negative.
        Assert.Equal([0, 53, 202, 255], ResizeLine([0, 255], 4));
        Assert.Equal([0, 53, 202, 255], ResizeColumn([0, 255], 4));
    }

    [Theory]
    [InlineData(7, 3)]
    [InlineData(3, 7)]
    [InlineData(40, 32)]
    [InlineData(32, 224)]
    [InlineData(1, 5)]
    public void A_plain_area_stays_plain(int from, int to) =>
        Assert.All(Resize(Canvases.Grey(from, from, [.. Enumerable.Repeat(137, from * from)]), new Box(0, 0, from, from), to, to), value => Assert.Equal(137, value));

    [Fact]
    public void The_same_size_leaves_every_pixel()
    {
        var canvas = Canvases.Busy(23);
        Assert.Equal(canvas.Pixels.ToArray(), Resize(canvas, new Box(0, 0, 23, 23), 23, 23));
    }

    [Fact]
    public void Pixels_outside_the_crop_do_not_contribute()
    {
        var canvas = Canvases.Grey(4, 1, 255, 10, 10, 255);
        Assert.All(Resize(canvas, new Box(1, 0, 2, 1), 5, 3), value => Assert.Equal(10, value));
    }

    [Property(MaxTest = 50)]
    public void A_window_is_a_part_of_the_whole_result(byte sizeDraw, byte targetDraw, byte left, byte top)
    {
        var (size, target) = ((sizeDraw % 40) + 1, (targetDraw % 40) + 2);
        var canvas = Canvases.Busy(size);
        var whole = Resize(canvas, new Box(0, 0, size, size), target, target);
        var window = new Box(left % (target - 1), top % (target - 1), 1, 2);
        var part = new byte[6];
        BicubicResize.Resize(canvas.Pixels, size, new Box(0, 0, size, size), target, target, window, part, new BicubicResize.Workspace());
        Assert.Equal([.. whole.Skip(((window.Top * target) + window.Left) * 3).Take(3), .. whole.Skip((((window.Top + 1) * target) + window.Left) * 3).Take(3)], part);
    }

    [Property(MaxTest = 50)]
    public void Results_equal_the_definition_in_double_precision(byte widthDraw, byte heightDraw, byte targetDraw)
    {
        var (width, height, target) = ((widthDraw % 60) + 1, (heightDraw % 60) + 1, (targetDraw % 60) + 1);
        var canvas = Canvases.Of(width, height, Canvases.Busy(60).Pixels[..(width * height * 3)].ToArray());
        var actual = Resize(canvas, new Box(0, 0, width, height), target, target);
        var expected = Definition(canvas.Pixels.ToArray(), width, height, target);

        // The first pass is rounded to 8 bits, and the second amplifies that by the sum of absolute weights, at most 1.5.
        Assert.All(actual.Zip(expected), pair => Assert.InRange(pair.First, pair.Second - 1.3, pair.Second + 1.3));
    }

    private static double[] Definition(byte[] pixels, int width, int height, int target)
    {
        var narrow = new double[target * height * 3];
        for (var i = 0; i < narrow.Length; i++)
        {
            var (y, x, c) = (i / 3 / target, i / 3 % target, i % 3);
            narrow[i] = Math.Clamp(Sample(width, target, x, k => pixels[(((y * width) + k) * 3) + c]), 0, 255);
        }

        return [.. Enumerable.Range(0, target * target * 3).Select(i =>
        {
            var (y, x, c) = (i / 3 / target, i / 3 % target, i % 3);
            return Math.Clamp(Sample(height, target, y, k => narrow[(((k * target) + x) * 3) + c]), 0, 255);
        })];
    }

    private static double Sample(int from, int to, int index, Func<int, double> value)
    {
        var (scale, stretch) = ((double)from / to, Math.Max((double)from / to, 1));
        var (sum, total) = (0.0, 0.0);
        for (var k = 0; k < from; k++)
        {
            var x = Math.Abs((k + 0.5 - ((index + 0.5) * scale)) / stretch);
            var weight = x < 1 ? (1.5 * x * x * x) - (2.5 * x * x) + 1 : x < 2 ? (-0.5 * x * x * x) + (2.5 * x * x) - (4 * x) + 2 : 0;
            sum += weight * value(k);
            total += weight;
        }

        return sum / total;
    }

    private static int[] ResizeLine(int[] values, int to) => Red(Resize(Canvases.Grey(values.Length, 1, values), new Box(0, 0, values.Length, 1), to, 1));

    private static int[] ResizeColumn(int[] values, int to) => Red(Resize(Canvases.Grey(1, values.Length, values), new Box(0, 0, 1, values.Length), 1, to));

    private static int[] Red(byte[] pixels) => [.. pixels.Where((_, i) => i % 3 == 0).Select(value => (int)value)];

    private static byte[] Resize(Canvas canvas, Box crop, int width, int height)
    {
        var target = new byte[width * height * 3];
        BicubicResize.Resize(canvas.Pixels, canvas.Width, crop, width, height, new Box(0, 0, width, height), target, new BicubicResize.Workspace());
        return target;
    }
}
