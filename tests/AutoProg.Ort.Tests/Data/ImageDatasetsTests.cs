using AutoProg.Ort.Data;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Tests.Data;

public sealed class ImageDatasetsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Built_in_data_needs_no_folder_and_has_usual_sizes()
    {
        var (train, val) = ImageDatasets.Open(new DataRecipe(), 1);
        Assert.Equal((10_000, 2_000), (train.Count, val.Count));
        (train, val) = ImageDatasets.Open(new DataRecipe { TrainSamples = 30_000, ValSamples = 10 }, 1);
        Assert.Equal((30_000, 10), (train.Count, val.Count));
    }

    [Theory]
    [InlineData("val")]
    [InlineData("validation")]
    [InlineData("test")]
    public void The_evaluation_folder_is_found_under_its_usual_names(string split)
    {
        WriteClasses("train", "cat", "dog");
        WriteClasses(split, "cat", "dog");
        var (train, val) = ImageDatasets.Open(Folders(), 1);
        Assert.EndsWith("/train", train.Name, StringComparison.Ordinal);
        Assert.EndsWith($"/{split}", val.Name, StringComparison.Ordinal);
    }

    [Fact]
    public void Splits_can_be_named()
    {
        WriteClasses("a", "cat");
        WriteClasses("b", "cat");
        WriteClasses("val", "cat");
        var (train, val) = ImageDatasets.Open(Folders() with { TrainSplit = "a", ValSplit = "b" }, 1);
        Assert.EndsWith("/a", train.Name, StringComparison.Ordinal);
        Assert.EndsWith("/b", val.Name, StringComparison.Ordinal);
    }

    [Fact]
    public void Different_classes_in_training_and_evaluation_are_refused()
    {
        WriteClasses("train", "ant", "cat");
        WriteClasses("val", "bee", "cat", "dog", "eel", "fly");
        var error = Assert.Throws<DataException>(() => ImageDatasets.Open(Folders(), 1));
        var root = Path.GetFileName(folder.Path);
        Assert.Equal(
            $"The class folders of '{root}/train' (2) and '{root}/val' (5) differ: only in '{root}/train': ant; only in '{root}/val': bee, dog, eel and 1 more. Labels would not mean the same.",
            error.Message);
    }

    [Fact]
    public void A_missing_folder_is_named_with_its_key()
    {
        var error = Assert.Throws<DataException>(() => ImageDatasets.Open(new DataRecipe { Dataset = DatasetKind.Cifar10 }, 1));
        Assert.Equal("data.data_dir is not set; the format 'Cifar10' needs the folder with its files.", error.Message);

        var missing = Path.Combine(folder.Path, "nowhere");
        error = Assert.Throws<DataException>(() => ImageDatasets.Open(new DataRecipe { Dataset = DatasetKind.Idx, DataDir = missing }, 1));
        Assert.Equal($"data.data_dir '{missing}' does not exist.", error.Message);

        error = Assert.Throws<DataException>(() => ImageDatasets.Open(Folders(), 1));
        Assert.Equal($"No training images in '{folder.Path}': expected a folder 'train', found none. Name it with data.train_split.", error.Message);

        WriteClasses("train", "cat");
        WriteClasses("dev", "cat");
        error = Assert.Throws<DataException>(() => ImageDatasets.Open(Folders(), 1));
        Assert.Equal($"No evaluation images in '{folder.Path}': expected a folder 'val' or 'validation' or 'test', found dev, train. Name it with data.val_split.", error.Message);
    }

    [Fact]
    public void Subsets_are_drawn_by_the_seed_and_checked_against_the_size()
    {
        WriteClasses("train", "cat", "dog", "eel");
        WriteClasses("val", "cat", "dog", "eel");
        var (train, val) = ImageDatasets.Open(Folders() with { TrainSamples = 2 }, 1);
        Assert.Equal((2, 3), (train.Count, val.Count));
        var error = Assert.Throws<DataException>(() => ImageDatasets.Open(Folders() with { ValSamples = 4 }, 1));
        Assert.Equal($"data.val_samples = 4, but '{Path.GetFileName(folder.Path)}/val' has 3 images; use 1 to 3, or 0 for all.", error.Message);
    }

    [Fact]
    public void Idx_and_cifar_open_both_splits()
    {
        folder.Write("train-images-idx3-ubyte", [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 5]);
        folder.Write("train-labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, 0, 1, 3]);
        folder.Write("t10k-images-idx3-ubyte", [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 5]);
        folder.Write("t10k-labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, 0, 1, 2]);
        var (train, val) = ImageDatasets.Open(new DataRecipe { Dataset = DatasetKind.Idx, DataDir = folder.Path }, 1);
        Assert.Equal(4, train.ClassNames.Count);
        Assert.Equal(4, val.ClassNames.Count);

        folder.Write("train.bin", new byte[3074]);
        folder.Write("test.bin", new byte[2 * 3074]);
        (train, val) = ImageDatasets.Open(new DataRecipe { Dataset = DatasetKind.Cifar100, DataDir = folder.Path }, 1);
        Assert.Equal((1, 2), (train.Count, val.Count));
    }

    private DataRecipe Folders() => new() { Dataset = DatasetKind.ImageFolder, DataDir = folder.Path };

    private void WriteClasses(string split, params string[] classes)
    {
        foreach (var name in classes)
        {
            folder.WriteImage($"{split}/{name}/a.png", 2, 2);
        }
    }
}
