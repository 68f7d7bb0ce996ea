using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Diffusion.Latents;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Data.Loading;

/// <summary>A pass over latents: which of them, in which order, and how each is drawn.</summary>
internal sealed class LatentPlan : IBatchPlan
{
    /// <summary>Where latents come from.</summary>
    public required LatentDataset Latents { get; init; }

    /// <summary>Channels of a latent.</summary>
    public required int Channels { get; init; }

    /// <summary>Pixels of the image per element of a latent's side.</summary>
    public required int Factor { get; init; }

    /// <summary>Indices of the latents, in the order of the pass.</summary>
    public required IReadOnlyList<int> Order { get; init; }

    /// <summary>Side of the latents of a batch.</summary>
    public required Func<int, int> SideOf { get; init; }

    /// <summary>The random numbers of a position.</summary>
    public required Func<int, CounterRandom> RandomOf { get; init; }

    /// <summary>Probability of the mirror image.</summary>
    public double FlipProbability { get; init; }

    /// <summary>Label smoothing of the targets.</summary>
    public double Smoothing { get; init; }

    /// <summary>Whether the last batch is left away if it is not complete.</summary>
    public bool CompleteOnly { get; init; }

    /// <inheritdoc />
    public required int BatchSize { get; init; }

    /// <inheritdoc />
    public int FirstBatch { get; init; }

    /// <inheritdoc />
    public int Classes => Latents.ClassNames.Count;

    /// <inheritdoc />
    public int BatchCount => CompleteOnly ? Order.Count / BatchSize : (int)(((long)Order.Count + BatchSize - 1) / BatchSize);

    /// <inheritdoc />
    public int ResolutionOf(int batch) => SideOf(batch);

    /// <inheritdoc />
    public int CountOf(int batch) => Math.Min(BatchSize, Order.Count - (batch * BatchSize));

    /// <inheritdoc />
    public void Fill(Batch batch, int row, Canvas canvas)
    {
        var position = (batch.Index * BatchSize) + row;
        var random = RandomOf(position);
        batch.Labels.Span[row] = Latents.Draw(Order[position], batch.Resolution * Factor, FlipProbability, ref random, batch.ImageAt(row));
    }

    /// <inheritdoc />
    public void Complete(Batch batch) =>
        SoftTargets.Write(batch.Labels.Span[..batch.Count], Classes, Smoothing, 1, batch.Targets.Span[..(batch.Count * Classes)]);
}
