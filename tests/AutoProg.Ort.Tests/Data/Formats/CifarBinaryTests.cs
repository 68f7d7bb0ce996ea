using AutoProg.Ort.Data;
using AutoProg.Ort.Data.Formats;

namespace AutoProg.Ort.Tests.Data.Formats;

public sealed class CifarBinaryTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Cifar10_joins_the_five_files_and_interleaves_the_planes()
    {
        WriteCifar10("cifar-10-batches-bin/");
        var images = CifarBinary.OpenCifar10(folder.Path, training: true);
        Assert.Equal(10, images.Count);
        Assert.Equal([0, 1, 1, 2, 2, 3, 3, 4, 4, 5], Enumerable.Range(0, 10).Select(images.LabelOf));
        Assert.Equal("airplane", images.ClassNames[0]);
        Assert.Equal($"{Path.Combine(folder.Path, "cifar-10-batches-bin", "data_batch_2.bin")}, record 1", images.Describe(3));
        using var image = images.Load(3, 32);
        Assert.Equal((32, 32), (image.Width, image.Height));
        Assert.Equal([3, 7, 11], image.Pixels[..3].ToArray());
        Assert.Equal([4, 8, 12], image.Pixels[^3..].ToArray());
    }

    [Fact]
    public void The_folder_itself_may_be_named_and_names_come_from_its_list()
    {
        WriteCifar10("");
        folder.Write("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n"u8.ToArray());
        var images = CifarBinary.OpenCifar10(folder.Path, training: false);
        Assert.Equal(1, images.Count);
        Assert.Equal("b", images.ClassNames[images.LabelOf(0)]);
    }

    [Fact]
    public void Cifar100_uses_the_fine_label()
    {
        folder.Write("train.bin", [7, 99, .. new byte[3072]]);
        folder.Write("test.bin", [7, 42, .. new byte[3072]]);
        Assert.Equal(99, CifarBinary.OpenCifar100(folder.Path, training: true).LabelOf(0));
        Assert.Equal(42, CifarBinary.OpenCifar100(folder.Path, training: false).LabelOf(0));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3072)]
    [InlineData(3074)]
    public void A_file_with_a_partial_record_is_refused(int length)
    {
        var path = folder.Write("test_batch.bin", new byte[length]);
        var error = Assert.Throws<DataException>(() => CifarBinary.OpenCifar10(folder.Path, training: false));
        Assert.Equal(
            $"CIFAR file '{path}' has {length} bytes; expected a multiple of 3073 (1 for the label, 3072 for the pixels), at most 1073741824. It may be cut off; download it again.",
            error.Message);
    }

    [Fact]
    public void A_label_that_does_not_exist_is_refused()
    {
        var path = folder.Write("test_batch.bin", [.. Record(1), 10, .. new byte[3072]]);
        var error = Assert.Throws<DataException>(() => CifarBinary.OpenCifar10(folder.Path, training: false));
        Assert.Equal($"CIFAR file '{path}', record 1: label 10; expected 0 to 9.", error.Message);
    }

    [Fact]
    public void Missing_files_are_named()
    {
        var error = Assert.Throws<DataException>(() => CifarBinary.OpenCifar10(folder.Path, training: true));
        Assert.Equal(
            $"No 'test_batch.bin' in '{folder.Path}' or '{Path.Combine(folder.Path, "cifar-10-batches-bin")}'; expected the binary version of the data set, folder 'cifar-10-batches-bin'.",
            error.Message);
        folder.Write("test_batch.bin", Record(0));
        error = Assert.Throws<DataException>(() => CifarBinary.OpenCifar10(folder.Path, training: true));
        Assert.Equal($"CIFAR file '{Path.Combine(folder.Path, "data_batch_1.bin")}' does not exist.", error.Message);
    }

    private void WriteCifar10(string prefix)
    {
        for (var file = 1; file <= 5; file++)
        {
            folder.Write($"{prefix}data_batch_{file}.bin", [.. Record(file - 1), .. Record(file)]);
        }

        folder.Write($"{prefix}test_batch.bin", Record(1));
    }

    /// <summary>Label, then planes whose first pixel is (label + 1, label + 5, label + 9) and whose last is one more.</summary>
    private static byte[] Record(int label)
    {
        var record = new byte[3073];
        record[0] = (byte)label;
        for (var channel = 0; channel < 3; channel++)
        {
            record[1 + (channel * 1024)] = (byte)(label + 1 + (4 * channel));
            record[1 + (channel * 1024) + 1023] = (byte)(label + 2 + (4 * channel));
        }

        return record;
    }
}
