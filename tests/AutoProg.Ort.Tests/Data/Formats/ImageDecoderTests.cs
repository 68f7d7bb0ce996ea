using System.Buffers.Binary;
using AutoProg.Ort.Data;
using AutoProg.Ort.Data.Formats;
using FsCheck.Xunit;
using SkiaSharp;

namespace AutoProg.Ort.Tests.Data.Formats;

public sealed class ImageDecoderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(SKEncodedImageFormat.Png, 0)]
    [InlineData(SKEncodedImageFormat.Jpeg, 12)]
    [InlineData(SKEncodedImageFormat.Webp, 12)]
    public void Pixels_come_back_in_rows_of_red_green_blue(SKEncodedImageFormat format, int tolerance)
    {
        // Smooth content, so that lossy formats at quality 90 stay within the tolerance.
        var path = folder.WriteImage("image", 16, 8, format, (x, y) => new SKColor((byte)(10 * x), (byte)(20 * y), 100));
        using var image = ImageDecoder.Decode(path, 8);
        Assert.Equal((16, 8), (image.Width, image.Height));
        var at = ((5 * 16) + 12) * 3;
        Assert.InRange(image.Pixels[at], 120 - tolerance, 120 + tolerance);
        Assert.InRange(image.Pixels[at + 1], 100 - tolerance, 100 + tolerance);
        Assert.InRange(image.Pixels[at + 2], 100 - tolerance, 100 + tolerance);
    }

    [Fact]
    public void A_bitmap_file_is_read_from_the_bottom_up()
    {
        using var image = ImageDecoder.Decode(folder.Write("image.bmp", Bitmap(1, 2, [10, 20, 30, 0, 40, 50, 60, 0])), 1);
        Assert.Equal([60, 50, 40, 30, 20, 10], image.Pixels.ToArray());
    }

    [Fact]
    public void Transparency_is_dropped_and_not_blended()
    {
        var path = folder.WriteImage("image.png", 1, 1, SKEncodedImageFormat.Png, (_, _) => new SKColor(200, 100, 50, 10));
        using var image = ImageDecoder.Decode(path, 1);
        Assert.Equal([200, 100, 50], image.Pixels.ToArray());
    }

    [Fact]
    public void A_large_jpeg_is_decoded_at_a_reduced_scale_and_a_png_is_not()
    {
        using var jpeg = ImageDecoder.Decode(folder.WriteImage("image.jpg", 400, 320, SKEncodedImageFormat.Jpeg), 80);
        Assert.Equal((100, 80), (jpeg.Width, jpeg.Height));
        using var png = ImageDecoder.Decode(folder.WriteImage("image.png", 400, 320), 80);
        Assert.Equal((400, 320), (png.Width, png.Height));
    }

    [Property(MaxTest = 30)]
    public void The_shorter_side_never_falls_below_the_hint(byte width, byte height, byte hint)
    {
        var (w, h) = (width + 1, height + 1);
        using var image = ImageDecoder.Decode(folder.WriteImage("image.jpg", w, h, SKEncodedImageFormat.Jpeg), hint);
        Assert.True(Math.Min(image.Width, image.Height) >= Math.Min(hint, Math.Min(w, h)));
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    [InlineData(SKEncodedImageFormat.Png)]
    [InlineData(SKEncodedImageFormat.Webp)]
    public void A_file_that_is_cut_off_is_unreadable(SKEncodedImageFormat format)
    {
        var whole = TemporaryFolder.Encode(64, 64, format, (x, y) => new SKColor((byte)(x * y), (byte)(x * 31), (byte)(y * 17)));
        var path = folder.Write("image", whole[..(whole.Length / 2)]);
        Assert.Throws<ImageUnreadableException>(() => ImageDecoder.Decode(path, 64));
    }

    [Fact]
    public void Reasons_are_given_for_what_is_no_image()
    {
        var text = folder.Write("image.jpg", "not an image"u8.ToArray());
        Assert.StartsWith("not an image in a supported format", Assert.Throws<ImageUnreadableException>(() => ImageDecoder.Decode(text, 1)).Message, StringComparison.Ordinal);
        var empty = folder.Write("empty.png", []);
        Assert.StartsWith("not an image in a supported format", Assert.Throws<ImageUnreadableException>(() => ImageDecoder.Decode(empty, 1)).Message, StringComparison.Ordinal);
        var missing = Path.Combine(folder.Path, "missing.png");
        Assert.Equal("the file is missing", Assert.Throws<ImageUnreadableException>(() => ImageDecoder.Decode(missing, 1)).Message);
    }

    [Fact]
    public void An_image_that_claims_an_enormous_size_is_refused_before_its_pixels_are_allocated()
    {
        var png = TemporaryFolder.Encode(2, 2, SKEncodedImageFormat.Png);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 20_000);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 20_000);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), System.IO.Hashing.Crc32.HashToUInt32(png.AsSpan(12, 17)));
        var path = folder.Write("bomb.png", png);
        var error = Assert.Throws<ImageUnreadableException>(() => ImageDecoder.Decode(path, 8));
        Assert.Equal("20000 x 20000 pixels, more than the 100 million that are accepted", error.Message);
    }

    private static byte[] Bitmap(int width, int height, byte[] rows)
    {
        var file = new byte[54 + rows.Length];
        "BM"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), 54);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), height);
        file[26] = 1;
        file[28] = 24;
        rows.CopyTo(file, 54);
        return file;
    }
}
