using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Data.Loading;

/// <summary>The images on which candidates are compared: in order, augmented in the same way at every reading, not mixed.</summary>
internal sealed class SearchPlan : IBatchPlan
{
    private readonly CorruptImages images;
    private readonly SearchReading reading;
    private readonly SampleAugmentation augmentation;
    private readonly int count;

    public SearchPlan(IImageDataset dataset, CorruptImages images, SearchReading reading, Normalization normalization)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(reading.BatchSize, 1, nameof(reading));
        ArgumentOutOfRangeException.ThrowIfLessThan(reading.Resolution, 1, nameof(reading));
        this.images = images;
        this.reading = reading;
        augmentation = new SampleAugmentation(reading.Augmentation, normalization);
        count = dataset.Count;
        Classes = dataset.ClassNames.Count;
    }

    public int BatchSize => reading.BatchSize;

    public int Classes { get; }

    public int BatchCount => (int)(((long)count + BatchSize - 1) / BatchSize);

    public int FirstBatch => 0;

    public int ResolutionOf(int batch) => reading.Resolution;

    public int CountOf(int batch) => Math.Min(BatchSize, count - (batch * BatchSize));

    public void Fill(Batch batch, int row, Canvas canvas)
    {
        var position = (batch.Index * BatchSize) + row;
        var random = new CounterRandom(reading.Seed, RandomPurpose.SearchAugmentation, reading.Search, position);
        batch.Labels.Span[row] = augmentation.Apply(images, position, batch.Resolution, random, canvas, batch.ImageAt(row)).Label;
    }

    public void Complete(Batch batch) =>
        SoftTargets.Write(batch.Labels.Span[..batch.Count], Classes, reading.Augmentation.Smoothing, 1, batch.Targets.Span[..(batch.Count * Classes)]);
}
