using AutoProg.Ort.Data;

namespace AutoProg.Ort.Tests.Data;

public class RgbImageTests
{
    [Fact]
    public void Bytes_that_do_not_match_the_size_are_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => new RgbImage(2, 3, new byte[17]));
        Assert.StartsWith("An RGB image of 2 x 3 pixels has 18 bytes, not 17.", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 5)]
    [InlineData(5, -1)]
    [InlineData(20_000, 5_001)]
    public void Sizes_outside_the_limits_are_refused(int width, int height) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => RgbImage.Rent(width, height));

    [Fact]
    public void A_wrapped_image_survives_its_disposal_and_a_rented_one_does_not()
    {
        var wrapped = new RgbImage(1, 1, [1, 2, 3]);
        wrapped.Dispose();
        Assert.Equal([1, 2, 3], wrapped.Pixels.ToArray());

        var rented = RgbImage.Rent(1, 1);
        rented.Dispose();
        rented.Dispose();
        Assert.Throws<ObjectDisposedException>(() => rented.Pixels.Length);
    }
}
