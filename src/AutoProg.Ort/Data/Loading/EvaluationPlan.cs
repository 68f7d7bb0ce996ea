using AutoProg.Ort.Data.Augmentation;

namespace AutoProg.Ort.Data.Loading;

/// <summary>All images in order, resized and cropped in the middle; one-hot targets.</summary>
internal sealed class EvaluationPlan : IBatchPlan
{
    private readonly CorruptImages images;
    private readonly Normalization normalization;
    private readonly int resolution;
    private readonly double cropPct;
    private readonly int count;

    public EvaluationPlan(IImageDataset dataset, CorruptImages images, int batchSize, int resolution, double cropPct, Normalization normalization)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(resolution, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cropPct);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(cropPct, 1);
        this.images = images;
        this.normalization = normalization;
        this.resolution = resolution;
        this.cropPct = cropPct;
        BatchSize = batchSize;
        count = dataset.Count;
        Classes = dataset.ClassNames.Count;
    }

    public int BatchSize { get; }

    public int Classes { get; }

    public int BatchCount => (int)(((long)count + BatchSize - 1) / BatchSize);

    public int FirstBatch => 0;

    public int ResolutionOf(int batch) => resolution;

    public int CountOf(int batch) => Math.Min(BatchSize, count - (batch * BatchSize));

    public void Fill(Batch batch, int row, Canvas canvas)
    {
        var index = (batch.Index * BatchSize) + row;
        using var image = images.Load(index, EvaluationCrop.MinimumSide(resolution, cropPct), out var label);
        EvaluationCrop.Apply(image, resolution, cropPct, canvas);
        normalization.Apply(canvas, batch.ImageAt(row));
        batch.Labels.Span[row] = label;
    }

    public void Complete(Batch batch) =>
        SoftTargets.Write(batch.Labels.Span[..batch.Count], Classes, 0, 1, batch.Targets.Span[..(batch.Count * Classes)]);
}
