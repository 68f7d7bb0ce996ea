using AutoProg.Ort.Data;
using AutoProg.Ort.Data.Formats;

namespace AutoProg.Ort.Tests.Data;

public sealed class DatasetFingerprintTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void It_tells_name_and_sizes_and_is_the_same_every_time()
    {
        var print = DatasetFingerprint.Of(new BuiltinShapes(30, seed: 7, training: true));

        Assert.Equal(("builtin/train", 30, 10), (print.Name, print.Images, print.Classes));
        Assert.Equal(64, print.Sha256.Length);
        Assert.Equal(print, DatasetFingerprint.Of(new BuiltinShapes(30, seed: 7, training: true)));
    }

    [Fact]
    public void Generated_images_differ_by_seed_split_and_number()
    {
        string[] prints =
        [
            Of(new BuiltinShapes(30, seed: 7, training: true)), Of(new BuiltinShapes(30, seed: 8, training: true)), Of(new BuiltinShapes(30, seed: 7, training: false)),
            Of(new BuiltinShapes(31, seed: 7, training: true)), Of(new Subset(new BuiltinShapes(31, seed: 7, training: true), 30, seed: 1)),
            Of(new ChosenClasses(new BuiltinShapes(30, seed: 7, training: true), ["disc-rows", "disc-columns"])),
        ];

        Assert.Equal(prints.Length, prints.Distinct().Count());
    }

    [Fact]
    public void A_copy_of_a_folder_has_the_same_fingerprint_and_a_changed_one_has_not()
    {
        foreach (var copy in new[] { "one", "two/deeper", "renamed", "longer", "edited", "moved" })
        {
            folder.Write($"{copy}/cat/1.png", [1, 2, 3]);
            folder.Write($"{copy}/cat/2.png", [4, 5, 6]);
            folder.Write($"{copy}/dog/3.png", [7, 8, 9]);
        }

        File.Move(In("renamed/cat/1.png"), In("renamed/cat/0.png"));
        folder.Write("longer/cat/2.png", [4, 5, 6, 0]);
        folder.Write("edited/cat/2.png", [4, 5, 7]);
        File.Move(In("moved/cat/2.png"), In("moved/dog/2.png"));
        var one = Of(new ImageFolder(In("one")));

        Assert.Equal(one, Of(new ImageFolder(In("two/deeper"))));
        Assert.All(new[] { "renamed", "longer", "edited", "moved" }, copy => Assert.NotEqual(one, Of(new ImageFolder(In(copy)))));
    }

    [Fact]
    public void A_file_that_is_gone_is_part_of_the_fingerprint_and_no_failure()
    {
        folder.Write("set/cat/1.png", [1, 2, 3]);
        folder.Write("set/cat/2.png", [4, 5, 6]);
        var images = new ImageFolder(In("set"));
        var whole = Of(images);
        File.Delete(In("set/cat/2.png"));

        Assert.NotEqual(whole, Of(images));
    }

    [Fact]
    public void A_pixel_of_a_record_changes_the_fingerprint()
    {
        var records = new byte[2 * 3073];
        folder.Write("one/test_batch.bin", records);
        records[^1] = 1;
        folder.Write("two/test_batch.bin", records);

        Assert.NotEqual(Of(CifarBinary.OpenCifar10(In("one"), training: false)), Of(CifarBinary.OpenCifar10(In("two"), training: false)));
    }

    [Fact]
    public void Of_a_data_set_that_tells_nothing_some_pixels_are_read()
    {
        var loads = 0;
        var images = new PatternImages(1000) { OnLoad = _ => loads++ };
        var print = Of(images);

        Assert.Equal(64, loads);
        Assert.NotEqual(print, Of(new PatternImages(1000) { Corrupt = { 0 } }));
        Assert.NotEqual(print, Of(new PatternImages(1000, side: 25)));
        Assert.Equal(print, Of(new PatternImages(1000)));
    }

    private static string Of(IImageDataset images) => DatasetFingerprint.Of(images).Sha256;

    private string In(string path) => Path.Combine(folder.Path, path);
}
