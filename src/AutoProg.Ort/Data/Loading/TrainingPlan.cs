using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Data.TokenLabels;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Data.Loading;

/// <summary>One epoch of training: shuffled, augmented, mixed; the last, incomplete batch is dropped.</summary>
internal sealed class TrainingPlan : IBatchPlan
{
    private readonly CorruptImages images;
    private readonly TrainingEpoch epoch;
    private readonly SampleAugmentation augmentation;
    private readonly int[] order;
    private readonly LabelMaps? labelMaps;

    public TrainingPlan(IImageDataset dataset, CorruptImages images, TrainingEpoch epoch, Normalization normalization, LabelMaps? labelMaps = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(epoch.BatchSize, 1, nameof(epoch));
        ArgumentOutOfRangeException.ThrowIfLessThan(epoch.Augmentation.RepeatedAug, 1, nameof(epoch));
        this.images = images;
        this.epoch = epoch;
        this.labelMaps = labelMaps;
        augmentation = new SampleAugmentation(epoch.Augmentation, normalization);
        Classes = dataset.ClassNames.Count;
        BatchCount = TrainingEpoch.BatchCountOf(dataset, epoch.BatchSize);
        ArgumentOutOfRangeException.ThrowIfNegative(epoch.FirstBatch, nameof(epoch));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(epoch.FirstBatch, BatchCount, nameof(epoch));
        order = new CounterRandom(epoch.Seed, RandomPurpose.Order, epoch.Epoch).Permutation(dataset.Count);
    }

    public int BatchSize => epoch.BatchSize;

    public bool HasTokenTargets => labelMaps is not null;

    public int Classes { get; }

    public int BatchCount { get; }

    public int FirstBatch => epoch.FirstBatch;

    public int ResolutionOf(int batch)
    {
        var resolution = epoch.ResolutionOf(batch);
        return resolution > 0 ? resolution : throw new InvalidOperationException($"{nameof(TrainingEpoch.ResolutionOf)}({batch}) is {resolution}; expected a number of pixels above 0.");
    }

    public int CountOf(int batch) => BatchSize;

    public void Fill(Batch batch, int row, Canvas canvas)
    {
        var position = (batch.Index * BatchSize) + row;

        // Repeated augmentation: neighbours in the epoch show the same image, so that they share a batch (Hoffer et al., 2020).
        var index = order[position / epoch.Augmentation.RepeatedAug];
        var random = new CounterRandom(epoch.Seed, RandomPurpose.Augmentation, epoch.Epoch, position);
        var sample = augmentation.Apply(images, index, batch.Resolution, random, canvas, batch.ImageAt(row));
        batch.Labels.Span[row] = sample.Label;
        if (labelMaps is { File: var maps, PixelsPerToken: var pixels })
        {
            batch.SetTokenTargets(row, maps.Read(sample.Image, sample.Placement, batch.Resolution / pixels));
        }
    }

    public void Complete(Batch batch)
    {
        var random = new CounterRandom(epoch.Seed, RandomPurpose.Mixing, epoch.Epoch, batch.Index);
        var mixing = Mixing.Draw(epoch.Augmentation, batch.Resolution, random);
        mixing.Apply(batch.Images.Span, batch.Count, batch.Resolution);
        SoftTargets.Write(batch.Labels.Span, Classes, epoch.Augmentation.Smoothing, mixing.Lambda, batch.Targets.Span);
        for (var row = 0; labelMaps is not null && row < batch.Count; row++)
        {
            // What the crop shows, which may be something else than the image's class.
            batch.TokenTargets[row].WriteMean(batch.Targets.Span.Slice(row * Classes, Classes), epoch.Augmentation.Smoothing);
        }
    }
}
