using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Data.TokenLabels;

namespace AutoProg.Ort.Tests.Data.TokenLabels;

public sealed class LabelMapTests
{
    // Class 0 on the left half, class 1 on the right half, class 2 everywhere with a third of the score.
    private static readonly LabelMap Halves = new(
        4, Repeat(0, 0, 1, 1).Concat(Repeat(2, 2, 2, 2)).Select(static c => (ushort)c).ToArray(), Enumerable.Repeat(0.6f, 16).Concat(Enumerable.Repeat(0.2f, 16)).ToArray());

    [Fact]
    public void The_whole_image_is_read_place_by_place()
    {
        var rows = Read(Halves, ImagePlacement.Whole, 4);
        Assert.All(rows, static row => Assert.Equal(1, row.Sum(), 5));
        Assert.Equal([0.75f, 0, 0.25f], rows[0]);
        Assert.Equal([0.75f, 0, 0.25f], rows[5]);
        Assert.Equal([0, 0.75f, 0.25f], rows[7]);
    }

    [Fact]
    public void A_mirrored_image_has_mirrored_labels()
    {
        var rows = Read(Halves, ImagePlacement.Whole.Then(ImagePlacement.Mirror), 4);
        Assert.Equal([0, 0.75f, 0.25f], rows[0]);
        Assert.Equal([0.75f, 0, 0.25f], rows[3]);
    }

    [Fact]
    public void A_crop_has_the_labels_of_what_it_shows()
    {
        // The right quarter of an image of 8 x 8 pixels.
        var rows = Read(Halves, ImagePlacement.Of(new Box(6, 0, 2, 8), 8, 8), 2);
        Assert.All(rows, static row => Assert.Equal([0, 0.75f, 0.25f], row));
    }

    [Fact]
    public void A_mirrored_crop_is_cropped_first()
    {
        // The left three quarters, mirrored: two thirds of class 0 lie behind one of class 1, and points near the edge between them see both.
        var rows = Read(Halves, ImagePlacement.Of(new Box(0, 0, 6, 8), 8, 8).Then(ImagePlacement.Mirror), 3);
        Assert.True(rows[0][1] > 0.6f, "What was on the right comes first.");
        Assert.True(rows[2][0] > 0.6f, "What was on the left comes last.");
    }

    [Fact]
    public void Tokens_between_places_are_mixed()
    {
        // Fewer tokens than places: each is the mean of two by two of them.
        var rows = Read(Halves, ImagePlacement.Whole, 1);
        Assert.Equal(0.375f, Assert.Single(rows)[0], 5);
        Assert.Equal(0.375f, rows[0][1], 5);
    }

    [Fact]
    public void What_lies_beyond_the_image_repeats_its_border()
    {
        var moved = ImagePlacement.Whole.Then(new ImagePlacement(1, 0, 2, 0, 1, 0));
        Assert.All(Read(Halves, moved, 4), static row => Assert.Equal([0, 0.75f, 0.25f], row));
    }

    [Fact]
    public void The_mean_over_tokens_is_the_images_distribution()
    {
        var mean = new float[3];
        Halves.Read(ImagePlacement.Whole, 4).WriteMean(mean, smoothing: 0.3);
        Assert.Equal(0.1 + (0.7 * 0.375), mean[0], 5);
        Assert.Equal(0.1 + (0.7 * 0.25), mean[2], 5);
    }

    [Theory]
    [InlineData(0.2, 0.4)]
    [InlineData(0.9, 0.1)]
    public void Placements_compose_like_the_operations(double x, double y)
    {
        var crop = ImagePlacement.Of(new Box(2, 1, 4, 5), 8, 10);
        var (turnX, turnY) = (new ImagePlacement(0, 1, 0, -1, 0, 1).At(x, y));
        var (mirrorX, mirrorY) = ImagePlacement.Mirror.At(turnX, turnY);
        var expected = crop.At(mirrorX, mirrorY);
        var (actualX, actualY) = crop.Then(ImagePlacement.Mirror).Then(new ImagePlacement(0, 1, 0, -1, 0, 1)).At(x, y);
        Assert.Equal(expected.X, actualX, 12);
        Assert.Equal(expected.Y, actualY, 12);
    }

    [Fact]
    public void A_rotated_canvas_tells_where_its_pixels_came_from()
    {
        var canvas = new Canvas();
        canvas.Resize(10, 10);
        canvas.Pixels.Fill(10);
        canvas.Pixels.Slice(((2 * 10) + 7) * 3, 3).Fill(250);
        var placement = AffineTransform.Rotate(canvas, 90, new Rgb(0, 0, 0));
        var brightest = Enumerable.Range(0, 100).MaxBy(i => canvas.Pixels[i * 3]);
        var (x, y) = placement.At(((brightest % 10) + 0.5) / 10, ((brightest / 10) + 0.5) / 10);
        Assert.Equal(0.75, x, 6);
        Assert.Equal(0.25, y, 6);
    }

    private static IEnumerable<int> Repeat(params int[] row) => Enumerable.Range(0, 4).SelectMany(_ => row);

    private static List<float[]> Read(LabelMap map, ImagePlacement placement, int grid)
    {
        var dense = new float[grid * grid * 3];
        map.Read(placement, grid).Write(dense, 3, smoothing: 0);
        return [.. dense.Chunk(3)];
    }
}
