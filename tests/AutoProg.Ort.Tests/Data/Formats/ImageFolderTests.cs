using AutoProg.Ort.Data;
using AutoProg.Ort.Data.Formats;

namespace AutoProg.Ort.Tests.Data.Formats;

public sealed class ImageFolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Classes_and_files_are_in_ordinal_order()
    {
        folder.WriteImage("set/train/zebra/b.png", 2, 2);
        folder.WriteImage("set/train/zebra/a.JPEG", 2, 2);
        folder.WriteImage("set/train/Ant/10.webp", 2, 2);
        folder.WriteImage("set/train/Ant/9.bmp", 2, 2);
        var images = new ImageFolder(Path.Combine(folder.Path, "set", "train"));
        Assert.Equal("set/train", images.Name);
        Assert.Equal(["Ant", "zebra"], images.ClassNames);
        Assert.Equal(["10.webp", "9.bmp", "a.JPEG", "b.png"], Enumerable.Range(0, images.Count).Select(i => Path.GetFileName(images.Describe(i))));
        Assert.Equal([0, 0, 1, 1], Enumerable.Range(0, images.Count).Select(images.LabelOf));
    }

    [Fact]
    public void Other_files_and_hidden_ones_are_skipped()
    {
        folder.WriteImage("cat/a.png", 2, 2);
        folder.Write("cat/notes.txt", [1]);
        folder.Write("cat/._a.png", [1]);
        folder.Write(".cache/b.png", [1]);
        folder.Write("readme.png", [1]);
        var images = new ImageFolder(folder.Path);
        Assert.Equal(1, images.Count);
        using var image = images.Load(0, 2);
        Assert.Equal(2, image.Width);
    }

    [Fact]
    public void Errors_name_the_folder_and_what_was_expected()
    {
        var missing = Path.Combine(folder.Path, "nowhere");
        Assert.Equal($"Image folder '{missing}' does not exist.", Assert.Throws<DataException>(() => new ImageFolder(missing)).Message);

        folder.WriteImage("flat.png", 2, 2);
        Assert.Equal(
            $"Image folder '{folder.Path}' has no class folders; expected one folder of images per class.",
            Assert.Throws<DataException>(() => new ImageFolder(folder.Path)).Message);

        folder.Write("dog/notes.txt", [1]);
        Assert.Equal(
            $"Class folder '{Path.Combine(folder.Path, "dog")}' has no images; expected files ending in .jpg, .jpeg, .png, .bmp, .webp. Remove the folder or add images.",
            Assert.Throws<DataException>(() => new ImageFolder(folder.Path)).Message);
    }

    [Fact]
    public void Listing_can_be_cancelled()
    {
        folder.WriteImage("cat/a.png", 2, 2);
        Assert.Throws<OperationCanceledException>(() => new ImageFolder(folder.Path, new CancellationToken(canceled: true)));
    }
}
