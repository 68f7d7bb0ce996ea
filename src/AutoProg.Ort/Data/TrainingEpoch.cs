using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Data;

/// <summary>An epoch of training batches, or what is left of it. The pixels depend on seed, epoch, batch, resolution and augmentation alone.</summary>
internal sealed record TrainingEpoch
{
    /// <summary>The run's seed.</summary>
    public required long Seed { get; init; }

    /// <summary>Number of the epoch, from 0; the images are shuffled anew in each.</summary>
    public required int Epoch { get; init; }

    /// <summary>Images per batch, at least 1; for mixing, an even number (of an odd one the middle image stays unmixed).</summary>
    public required int BatchSize { get; init; }

    /// <summary>Pixels per side of each batch, by its index in the epoch. Called once per batch, in order, on a worker thread.</summary>
    public required Func<int, int> ResolutionOf { get; init; }

    /// <summary>Augmentation, mixing and label smoothing of this epoch.</summary>
    public required AugmentationRecipe Augmentation { get; init; }

    /// <summary>Where to start, for resuming inside an epoch, 0 to the number of batches.</summary>
    public int FirstBatch { get; init; }

    /// <summary>Batches of an epoch; the last, incomplete one is dropped.</summary>
    /// <exception cref="DataException">There is not a single complete batch.</exception>
    public static int BatchCountOf(IImageDataset dataset, int batchSize)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        return dataset.Count >= batchSize
            ? dataset.Count / batchSize
            : throw new DataException($"'{dataset.Name}' has {dataset.Count} images, fewer than one batch of {batchSize}; lower training.batch_size.");
    }
}

/// <summary>One pass over the images on which candidates are compared. Every pass of a search yields the same pixels at the same resolution.</summary>
internal sealed record SearchReading
{
    /// <summary>The run's seed.</summary>
    public required long Seed { get; init; }

    /// <summary>Number of the search, e.g. its stage; another search sees the images under other augmentations.</summary>
    public required int Search { get; init; }

    /// <summary>Images per batch, at least 1; the last batch may be padded.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Pixels per side.</summary>
    public required int Resolution { get; init; }

    /// <summary>Augmentation of single images and label smoothing; mixup and CutMix are ignored.</summary>
    public required AugmentationRecipe Augmentation { get; init; }
}
