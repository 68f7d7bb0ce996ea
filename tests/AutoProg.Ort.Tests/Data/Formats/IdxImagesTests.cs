using System.IO.Compression;
using AutoProg.Ort.Data;
using AutoProg.Ort.Data.Formats;

namespace AutoProg.Ort.Tests.Data.Formats;

public sealed class IdxImagesTests : IDisposable
{
    private static readonly byte[] TwoImages = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16];
    private static readonly byte[] TwoLabels = [0, 0, 8, 1, 0, 0, 0, 2, 0, 9];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("train-images-idx3-ubyte", "train-labels-idx1-ubyte", false)]
    [InlineData("train-images.idx3-ubyte", "train-labels.idx1-ubyte", false)]
    [InlineData("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", true)]
    public void Grey_images_are_read_plain_or_compressed(string imageName, string labelName, bool compressed)
    {
        folder.Write(imageName, compressed ? Gzip(TwoImages) : TwoImages);
        folder.Write(labelName, compressed ? Gzip(TwoLabels) : TwoLabels);
        var images = IdxImages.Open(folder.Path, training: true);
        Assert.Equal(2, images.Count);
        Assert.Equal(10, images.ClassNames.Count);
        Assert.Equal(9, images.LabelOf(1));
        Assert.EndsWith(", record 1", images.Describe(1), StringComparison.Ordinal);
        using var image = images.Load(1, 28);
        Assert.Equal((3, 2), (image.Width, image.Height));
        Assert.Equal([11, 11, 11, 12, 12, 12], image.Pixels[..6].ToArray());
    }

    [Fact]
    public void A_test_label_that_training_does_not_know_is_refused()
    {
        folder.Write("t10k-images-idx3-ubyte", TwoImages);
        var path = folder.Write("t10k-labels-idx1-ubyte", TwoLabels);
        var error = Assert.Throws<DataException>(() => IdxImages.Open(folder.Path, training: false, classes: 5));
        Assert.Equal($"IDX file '{path}', record 1: label 9; expected 0 to 4, the labels of the training images.", error.Message);
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        var error = Assert.Throws<DataException>(() => IdxImages.Open(folder.Path, training: true));
        Assert.Equal($"No 'train-images-idx3-ubyte' or 'train-images-idx3-ubyte.gz' in '{folder.Path}'.", error.Message);
    }

    public static TheoryData<byte[], string> DamagedImages() => new()
    {
        { [], "begins with 00000000; expected 00000803: unsigned bytes in 3 dimension(s)." },
        { [0, 0, 8, 1, 0, 0, 0, 2, 0, 9, 0, 0, 0, 0, 0, 0], "begins with 00000801; expected 00000803: unsigned bytes in 3 dimension(s)." },
        { TwoImages[..^1], "is cut off: its header announces [2, 2, 3], 12 bytes. Download it again." },
        { [.. TwoImages, 0], "goes on after the 12 bytes that its header [2, 2, 3] announces." },
        { [0, 0, 8, 3, 0x7F, 255, 255, 255, 0x7F, 255, 255, 255, 0x7F, 255, 255, 255], "announces [2147483647, 2147483647, 2147483647]; expected positive sizes and at most 1073741824 bytes together." },
        { [0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 1], "announces [-1, -1, 1]; expected positive sizes and at most 1073741824 bytes together." },
        { [0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3], "announces [0, 2, 3]; expected positive sizes and at most 1073741824 bytes together." },
        { [0, 0, 8, 3, 0, 0, 0x40, 0, 0, 0, 1, 0, 0, 0, 1, 0], "is cut off: its header announces [16384, 256, 256], 1073741824 bytes. Download it again." },
    };

    [Theory]
    [MemberData(nameof(DamagedImages))]
    public void Damaged_and_hostile_headers_are_refused_plain_and_compressed(byte[] content, string message)
    {
        folder.Write("train-labels-idx1-ubyte", TwoLabels);
        var path = folder.Write("train-images-idx3-ubyte", content);
        Assert.Equal($"IDX file '{path}' {message}", Assert.Throws<DataException>(() => IdxImages.Open(folder.Path, training: true)).Message);

        File.Delete(path);
        path = folder.Write("train-images-idx3-ubyte.gz", Gzip(content));
        Assert.Equal($"IDX file '{path}' {message}", Assert.Throws<DataException>(() => IdxImages.Open(folder.Path, training: true)).Message);
    }

    [Fact]
    public void What_only_claims_to_be_gzip_is_refused()
    {
        folder.Write("train-labels-idx1-ubyte", TwoLabels);
        var path = folder.Write("train-images-idx3-ubyte.gz", TwoImages);
        var error = Assert.Throws<DataException>(() => IdxImages.Open(folder.Path, training: true));
        Assert.StartsWith($"IDX file '{path}' is not a sound gzip file: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_gzip_file_that_is_cut_off_is_refused()
    {
        folder.Write("train-labels-idx1-ubyte", TwoLabels);
        byte[] noise = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 100, 0, 0, 0, 100, .. Enumerable.Range(0, 20_000).Select(i => (byte)((i * i) >> 3))];
        var whole = Gzip(noise);
        var path = folder.Write("train-images-idx3-ubyte.gz", whole[..(whole.Length / 2)]);
        var error = Assert.Throws<DataException>(() => IdxImages.Open(folder.Path, training: true));
        Assert.StartsWith($"IDX file '{path}' ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("Download it again.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void As_many_labels_as_images_are_needed()
    {
        var imagePath = folder.Write("train-images-idx3-ubyte", TwoImages);
        var labelPath = folder.Write("train-labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, 0, 3, 0, 9, 1]);
        var error = Assert.Throws<DataException>(() => IdxImages.Open(folder.Path, training: true));
        Assert.Equal($"IDX file '{labelPath}' has 3 labels, but '{imagePath}' has 2 images.", error.Message);
    }

    private static byte[] Gzip(byte[] content)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest))
        {
            gzip.Write(content);
        }

        return target.ToArray();
    }
}
