using AutoProg.Ort.Data.Augmentation;

namespace AutoProg.Ort.Tests.Data.Augmentation;

public class HorizontalFlipTests
{
    [Fact]
    public void Rows_are_mirrored_with_their_channels_in_place()
    {
        var canvas = Canvases.Of(3, 2, [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
        HorizontalFlip.Apply(canvas);
        Assert.Equal([7, 8, 9, 4, 5, 6, 1, 2, 3, 17, 18, 19, 14, 15, 16, 11, 12, 13], canvas.Pixels.ToArray());
    }
}
