namespace AutoProg.Ort.Data;

/// <summary>A data set as what a network sees: pixels (<see cref="ImageSource"/>), or latents of an autoencoder.</summary>
internal interface IBatchSource
{
    /// <summary>The data set.</summary>
    IImageDataset Dataset { get; }

    /// <summary>Different corrupt images met so far.</summary>
    int CorruptCount { get; }

    /// <summary>Shuffled and augmented batches of an epoch.</summary>
    /// <exception cref="DataException">The data set has fewer images than a batch.</exception>
    BatchStream TrainingBatches(TrainingEpoch epoch);

    /// <summary>Everything in order under a fixed augmentation.</summary>
    BatchStream SearchBatches(SearchReading reading);

    /// <summary>Everything in order, not augmented; the last batch may be padded.</summary>
    /// <param name="batchSize">Rows per batch, at least 1.</param>
    /// <param name="resolution">Side of what the network sees.</param>
    /// <param name="cropPct">The crop's side over the resized side, above 0 to 1; latents are always those of whole images.</param>
    BatchStream EvaluationBatches(int batchSize, int resolution, double cropPct);

    /// <summary>The same with some of the images, drawn by the seed; all of them where there are no more.</summary>
    /// <param name="count">Number of images, at least 1.</param>
    /// <param name="seed">The run's seed.</param>
    IBatchSource Subset(int count, long seed);
}
