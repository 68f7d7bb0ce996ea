using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Data.Formats;
using AutoProg.Ort.Data.Loading;
using AutoProg.Ort.Data.TokenLabels;
using AutoProg.Ort.Recipes;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Data;

/// <summary>A data set with what all its batches have in common: normalisation, workers, and the account of corrupt images over the whole run.</summary>
internal sealed class ImageSource : IBatchSource
{
    private readonly DataRecipe recipe;
    private readonly Normalization normalization;
    private readonly CorruptImages images;
    private readonly ILogger logger;
    private readonly LabelMaps? labelMaps;

    /// <summary>Reads no image yet.</summary>
    /// <param name="dataset">Any data set.</param>
    /// <param name="recipe">Mean, deviation, workers, prefetching and the share of images that may be corrupt; where the images come from is not looked at.</param>
    /// <param name="logger">Receives a warning per corrupt image.</param>
    /// <param name="labelMaps">What training batches take the targets of tokens from; null where tokens have none of their own.</param>
    /// <exception cref="ArgumentException">Mean or deviation are not three usable numbers.</exception>
    public ImageSource(IImageDataset dataset, DataRecipe recipe, ILogger logger, LabelMaps? labelMaps = null)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(recipe);
        Dataset = dataset;
        this.recipe = recipe;
        this.logger = logger;
        this.labelMaps = labelMaps;
        normalization = new Normalization(recipe.Mean, recipe.Std);
        images = new CorruptImages(dataset, recipe.MaxCorruptFraction, logger);
    }

    /// <summary>The data set.</summary>
    public IImageDataset Dataset { get; }

    /// <summary>Different corrupt images met so far.</summary>
    public int CorruptCount => images.Count;

    /// <summary>Shuffled, augmented and mixed batches of an epoch.</summary>
    /// <exception cref="DataException">The data set has fewer images than a batch.</exception>
    /// <exception cref="FormatException">The RandAugment string is wrong.</exception>
    public BatchStream TrainingBatches(TrainingEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        return Start(new TrainingPlan(Dataset, images, epoch, normalization, labelMaps));
    }

    /// <summary>All images in order under a fixed augmentation.</summary>
    /// <exception cref="FormatException">The RandAugment string is wrong.</exception>
    public BatchStream SearchBatches(SearchReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        return Start(new SearchPlan(Dataset, images, reading, normalization));
    }

    /// <summary>All images in order, resized and cropped in the middle; the last batch may be padded.</summary>
    /// <param name="batchSize">Images per batch, at least 1.</param>
    /// <param name="resolution">Pixels per side.</param>
    /// <param name="cropPct">The crop's side over the resized side, above 0 to 1.</param>
    public BatchStream EvaluationBatches(int batchSize, int resolution, double cropPct) =>
        Start(new EvaluationPlan(Dataset, images, batchSize, resolution, cropPct, normalization));

    /// <summary>The same with some of the images, drawn by the seed, and without label maps, which only whole epochs are trained with; this itself where there are no more images.</summary>
    /// <param name="count">Number of images, at least 1.</param>
    /// <param name="seed">The run's seed.</param>
    public IBatchSource Subset(int count, long seed) =>
        count >= Dataset.Count ? this : new ImageSource(new Subset(Dataset, count, seed), recipe, logger);

    private BatchStream Start(IBatchPlan plan) => new(plan, recipe.Workers, recipe.Prefetch);
}
