using AutoProg.Ort.Data;
using AutoProg.Ort.Data.Formats;
using AutoProg.Ort.Data.Loading;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Diffusion.Latents;

/// <summary>
/// Batches of latents, drawn anew from the posterior at every use and mirrored at random. Resolutions are those of the latents. What else augments images is done to
/// none: a latent is that of the whole image.
/// </summary>
internal sealed class LatentSource : IBatchSource
{
    private readonly LatentDataset latents;
    private readonly DataRecipe loading;
    private readonly int channels;
    private readonly int factor;
    private readonly IReadOnlyList<int> indices;

    /// <summary>All latents of a data set.</summary>
    /// <param name="dataset">The images that they were made of.</param>
    /// <param name="latents">Opened at every resolution that batches are asked for; stays the caller's.</param>
    /// <param name="loading">Workers and prefetching.</param>
    /// <param name="channels">Channels of a latent.</param>
    /// <param name="factor">Pixels of the image per element of a latent's side.</param>
    public LatentSource(IImageDataset dataset, LatentDataset latents, DataRecipe loading, int channels, int factor)
        : this(dataset, latents, loading, channels, factor, [.. Enumerable.Range(0, latents?.Count ?? 0)])
    {
    }

    private LatentSource(IImageDataset dataset, LatentDataset latents, DataRecipe loading, int channels, int factor, IReadOnlyList<int> indices)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentNullException.ThrowIfNull(latents);
        ArgumentNullException.ThrowIfNull(loading);
        Dataset = dataset;
        (this.latents, this.loading, this.channels, this.factor, this.indices) = (latents, loading, channels, factor, indices);
    }

    /// <inheritdoc />
    public IImageDataset Dataset { get; }

    /// <inheritdoc />
    /// <remarks>Images that cannot be read were replaced and told when they were encoded.</remarks>
    public int CorruptCount => 0;

    /// <inheritdoc />
    public BatchStream TrainingBatches(TrainingEpoch epoch)
    {
        ArgumentNullException.ThrowIfNull(epoch);
        TrainingEpoch.BatchCountOf(Dataset, epoch.BatchSize);
        var order = new CounterRandom(epoch.Seed, RandomPurpose.Order, epoch.Epoch).Permutation(indices.Count);
        return Start(Plan(
            epoch.BatchSize, [.. order.Select(i => indices[i])], epoch.ResolutionOf, position => new(epoch.Seed, RandomPurpose.Augmentation, epoch.Epoch, position),
            epoch.Augmentation, completeOnly: true, epoch.FirstBatch));
    }

    /// <inheritdoc />
    public BatchStream SearchBatches(SearchReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        return Start(Plan(reading.BatchSize, indices, _ => reading.Resolution, position => new(reading.Seed, RandomPurpose.SearchAugmentation, reading.Search, position), reading.Augmentation));
    }

    /// <inheritdoc />
    public BatchStream EvaluationBatches(int batchSize, int resolution, double cropPct) =>
        Start(Plan(batchSize, indices, _ => resolution, static position => new(0, RandomPurpose.DiffusionEvaluation, epoch: 1, position), new AugmentationRecipe { Hflip = 0, Smoothing = 0 }));

    /// <inheritdoc />
    public IBatchSource Subset(int count, long seed)
    {
        if (count >= indices.Count)
        {
            return this;
        }

        var chosen = new CounterRandom(seed, RandomPurpose.Subset).Permutation(indices.Count)[..count];
        Array.Sort(chosen);
        return new LatentSource(new Subset(Dataset, count, seed), latents, loading, channels, factor, [.. chosen.Select(i => indices[i])]);
    }

    private LatentPlan Plan(
        int batchSize, IReadOnlyList<int> order, Func<int, int> sideOf, Func<int, CounterRandom> randomOf, AugmentationRecipe augmentation, bool completeOnly = false, int firstBatch = 0) => new()
        {
            Latents = latents,
            Channels = channels,
            Factor = factor,
            Order = order,
            SideOf = sideOf,
            RandomOf = randomOf,
            FlipProbability = augmentation.Hflip,
            Smoothing = augmentation.Smoothing,
            CompleteOnly = completeOnly,
            BatchSize = batchSize,
            FirstBatch = firstBatch,
        };

    private BatchStream Start(LatentPlan plan) => new(plan, loading.Workers, loading.Prefetch);
}
