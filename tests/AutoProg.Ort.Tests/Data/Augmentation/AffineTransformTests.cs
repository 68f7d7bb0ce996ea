using AutoProg.Ort.Data.Augmentation;

namespace AutoProg.Ort.Tests.Data.Augmentation;

public class AffineTransformTests
{
    private static readonly Rgb Fill = new(99, 98, 97);

    [Fact]
    public void No_movement_leaves_every_pixel()
    {
        var expected = Canvases.Busy(9).Pixels.ToArray();
        Action<Canvas>[] operations =
        [
            canvas => AffineTransform.Rotate(canvas, 0, Fill), canvas => AffineTransform.ShearX(canvas, 0, Fill), canvas => AffineTransform.ShearY(canvas, 0, Fill),
            canvas => AffineTransform.TranslateX(canvas, 0, Fill), canvas => AffineTransform.TranslateY(canvas, 0, Fill),
        ];
        foreach (var operation in operations)
        {
            var canvas = Canvases.Busy(9);
            operation(canvas);
            Assert.Equal(expected, canvas.Pixels.ToArray());
        }
    }

    [Fact]
    public void Translation_by_whole_pixels_shifts_and_fills()
    {
        var canvas = Canvases.Grey(4, 1, 10, 20, 30, 40);
        AffineTransform.TranslateX(canvas, 0.25, Fill);
        Assert.Equal([20, 30, 40, 99], canvas.Values());
        Assert.Equal([99, 98, 97], canvas.Pixels[^3..].ToArray());

        canvas = Canvases.Grey(1, 4, 10, 20, 30, 40);
        AffineTransform.TranslateY(canvas, -0.5, Fill);
        Assert.Equal([99, 99, 10, 20], canvas.Values());
    }

    [Fact]
    public void Half_a_pixel_is_interpolated_with_the_sharper_kernel_of_transforms()
    {
        // Weights at 1/2 are -1/8, 5/8, 5/8, -1/8 (a = -1); the border repeats: (-0 + 5 * 0 + 5 * 80 - 80) / 8 = 40,
        // (-0 + 5 * 80 + 5 * 80 - 80) / 8 = 90. The last centre lies on the border, which is outside.
        var canvas = Canvases.Grey(4, 1, 0, 80, 80, 80);
        AffineTransform.TranslateX(canvas, 0.125, Fill);
        Assert.Equal([40, 90, 80, 99], canvas.Values());
    }

    [Theory]
    [InlineData("rotate")]
    [InlineData("shear x")]
    [InlineData("shear y")]
    [InlineData("translate x")]
    [InlineData("translate y")]
    public void The_placement_tells_what_every_pixel_shows(string operation)
    {
        // Red tells the column and green the row; only what comes from outside is blue.
        const int Width = 24, Height = 12;
        var canvas = new Canvas();
        canvas.Resize(Width, Height);
        for (var i = 0; i < Width * Height; i++)
        {
            (canvas.Pixels[3 * i], canvas.Pixels[(3 * i) + 1], canvas.Pixels[(3 * i) + 2]) = ((byte)(10 * (i % Width)), (byte)(20 * (i / Width)), 0);
        }

        var blue = new Rgb(0, 0, 255);
        var placement = operation switch
        {
            "rotate" => AffineTransform.Rotate(canvas, 20, blue),
            "shear x" => AffineTransform.ShearX(canvas, 0.3, blue),
            "shear y" => AffineTransform.ShearY(canvas, 0.3, blue),
            "translate x" => AffineTransform.TranslateX(canvas, 0.2, blue),
            _ => AffineTransform.TranslateY(canvas, 0.2, blue),
        };

        var compared = 0;
        for (var i = 0; i < Width * Height; i++)
        {
            var (x, y) = placement.At(((i % Width) + 0.5) / Width, ((i / Width) + 0.5) / Height);
            var (column, row) = ((x * Width) - 0.5, (y * Height) - 0.5);

            // At the border neighbours repeat.
            if (column is >= 2 and <= Width - 3 && row is >= 2 and <= Height - 3)
            {
                Assert.Equal(0, canvas.Pixels[(3 * i) + 2]);
                Assert.Equal(column, canvas.Pixels[3 * i] / 10.0, 0.2); // the kernel bends a slope by up to a tenth of a pixel
                Assert.Equal(row, canvas.Pixels[(3 * i) + 1] / 20.0, 0.2);
                compared++;
            }
        }

        Assert.True(compared > 50, $"{compared} pixels lie within the image.");
    }

    [Fact]
    public void A_quarter_turn_is_exact_and_counter_clockwise()
    {
        var canvas = Canvases.Grey(2, 2, 1, 2, 3, 4);
        AffineTransform.Rotate(canvas, 90, Fill);
        Assert.Equal([2, 4, 1, 3], canvas.Values());
    }

    [Fact]
    public void Rotation_fills_the_corners_and_keeps_the_middle()
    {
        var canvas = Canvases.Grey(21, 21, [.. Enumerable.Repeat(200, 441)]);
        AffineTransform.Rotate(canvas, 30, Fill);
        var values = canvas.Values();
        Assert.Equal([99, 99, 99, 99], [values[0], values[20], values[420], values[440]]);
        Assert.Equal(200, values[220]);
    }

    [Fact]
    public void Shear_moves_each_row_by_its_distance_from_the_top()
    {
        // Row centres at 0.5 and 1.5: with factor 2 they are read 1 and 3 pixels further right.
        var canvas = Canvases.Grey(4, 2, 10, 20, 30, 40, 50, 60, 70, 80);
        AffineTransform.ShearX(canvas, 2, Fill);
        Assert.Equal([20, 30, 40, 99, 80, 99, 99, 99], canvas.Values());

        canvas = Canvases.Grey(2, 4, 10, 50, 20, 60, 30, 70, 40, 80);
        AffineTransform.ShearY(canvas, 2, Fill);
        Assert.Equal([20, 80, 30, 99, 40, 99, 99, 99], canvas.Values());
    }
}
