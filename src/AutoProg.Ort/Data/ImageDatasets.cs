using AutoProg.Ort.Data.Formats;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Data;

/// <summary>Opens the data sets that a recipe names.</summary>
public static class ImageDatasets
{
    private const int DefaultBuiltinTrainSamples = 10_000;
    private const int DefaultBuiltinValSamples = 2_000;

    private static readonly string[] UsualValSplits = ["val", "validation", "test"];

    /// <summary>Opens training and evaluation images; both have the same classes.</summary>
    /// <param name="recipe">Format, folder, splits and sizes.</param>
    /// <param name="seed">The run's seed: draws the subsets and the built-in images.</param>
    /// <param name="cancellationToken">Stops the listing of folders.</param>
    /// <exception cref="DataException">Something is missing or not as its format demands.</exception>
    public static (IImageDataset Train, IImageDataset Val) Open(DataRecipe recipe, long seed, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        try
        {
            var (train, val) = recipe.Dataset switch
            {
                DatasetKind.Builtin or DatasetKind.BuiltinPlain => OpenBuiltin(recipe, seed),
                DatasetKind.ImageFolder => OpenFolders(recipe, cancellationToken),
                DatasetKind.Cifar10 => (CifarBinary.OpenCifar10(Folder(recipe), training: true), CifarBinary.OpenCifar10(Folder(recipe), training: false)),
                DatasetKind.Cifar100 => (CifarBinary.OpenCifar100(Folder(recipe), training: true), CifarBinary.OpenCifar100(Folder(recipe), training: false)),
                DatasetKind.Idx => OpenIdx(recipe),
                _ => throw new ArgumentOutOfRangeException(nameof(recipe), recipe.Dataset, "Unknown data set format."),
            };
            (train, val) = (Choose(train), Choose(val));

            // Of the built-in images no more were generated than were asked for.
            return recipe.Dataset is DatasetKind.Builtin or DatasetKind.BuiltinPlain
                ? (train, val)
                : (Limit(train, recipe.TrainSamples, "train_samples", seed), Limit(val, recipe.ValSamples, "val_samples", seed));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"The data in '{recipe.DataDir}' cannot be read: {unreadable.Message}", unreadable);
        }

        IImageDataset Choose(IImageDataset dataset) => recipe.Classes.Count == 0 ? dataset : new ChosenClasses(dataset, recipe.Classes);
    }

    private static (IImageDataset Train, IImageDataset Val) OpenBuiltin(DataRecipe recipe, long seed)
    {
        var train = recipe.TrainSamples == 0 ? DefaultBuiltinTrainSamples : recipe.TrainSamples;
        var val = recipe.ValSamples == 0 ? DefaultBuiltinValSamples : recipe.ValSamples;
        var plain = recipe.Dataset == DatasetKind.BuiltinPlain;
        return (new BuiltinShapes(train, seed, training: true, plain), new BuiltinShapes(val, seed, training: false, plain));
    }

    private static (IImageDataset Train, IImageDataset Val) OpenFolders(DataRecipe recipe, CancellationToken cancellationToken)
    {
        var root = Path.GetFullPath(Folder(recipe));
        var trainFolder = FindSplit(root, [recipe.TrainSplit], "training", "data.train_split");
        var valFolder = FindSplit(root, recipe.ValSplit is { } split ? [split] : UsualValSplits, "evaluation", "data.val_split");
        var train = new ImageFolder(trainFolder, cancellationToken);
        var val = new ImageFolder(valFolder, cancellationToken);
        RequireSameClasses(train, val);
        return (train, val);
    }

    private static (IImageDataset Train, IImageDataset Val) OpenIdx(DataRecipe recipe)
    {
        var train = IdxImages.Open(Folder(recipe), training: true);
        return (train, IdxImages.Open(Folder(recipe), training: false, classes: train.ClassNames.Count));
    }

    private static string Folder(DataRecipe recipe)
    {
        if (string.IsNullOrEmpty(recipe.DataDir))
        {
            throw new DataException($"data.data_dir is not set; the format '{recipe.Dataset}' needs the folder with its files.");
        }

        return Directory.Exists(recipe.DataDir)
            ? recipe.DataDir
            : throw new DataException($"data.data_dir '{Path.GetFullPath(recipe.DataDir)}' does not exist.");
    }

    private static string FindSplit(string root, string[] names, string content, string key)
    {
        if (names.Select(name => Path.Combine(root, name)).FirstOrDefault(Directory.Exists) is { } found)
        {
            return found;
        }

        var present = Directory.EnumerateDirectories(root).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal).ToList();
        throw new DataException(
            $"No {content} images in '{root}': expected a folder {string.Join(" or ", names.Select(name => $"'{name}'"))}, found {FirstOf(present)}. Name it with {key}.");
    }

    private static void RequireSameClasses(ImageFolder train, ImageFolder val)
    {
        var missing = train.ClassNames.Except(val.ClassNames, StringComparer.Ordinal).ToList();
        var unknown = val.ClassNames.Except(train.ClassNames, StringComparer.Ordinal).ToList();
        if (missing.Count + unknown.Count > 0)
        {
            throw new DataException(
                $"The class folders of '{train.Name}' ({train.ClassNames.Count}) and '{val.Name}' ({val.ClassNames.Count}) differ: "
                + $"only in '{train.Name}': {FirstOf(missing)}; only in '{val.Name}': {FirstOf(unknown)}. Labels would not mean the same.");
        }
    }

    private static string FirstOf(List<string> names) => names.Count switch
    {
        0 => "none",
        <= 3 => string.Join(", ", names),
        _ => $"{string.Join(", ", names.Take(3))} and {names.Count - 3} more",
    };

    private static IImageDataset Limit(IImageDataset dataset, int count, string key, long seed)
    {
        if (count < 0 || count > dataset.Count)
        {
            throw new DataException($"data.{key} = {count}, but '{dataset.Name}' has {dataset.Count} images; use 1 to {dataset.Count}, or 0 for all.");
        }

        return count == 0 || count == dataset.Count ? dataset : new Subset(dataset, count, seed);
    }
}
