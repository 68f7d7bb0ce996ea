using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Diffusion.Latents;

/// <summary>
/// Labelled latents of one data set at several resolutions: what an image data set is to a classifier. A latent is drawn anew at every use. Owns its caches; drawing is
/// thread-safe.
/// </summary>
internal sealed class LatentDataset : IDisposable
{
    private readonly Dictionary<int, LatentCache> caches = [];

    private LatentDataset(LatentCacheRequest request)
    {
        Name = request.Dataset.Name;
        ClassNames = request.Dataset.ClassNames;
        Count = request.Dataset.Count;
        ScaleFactor = request.Vae.Files.ScaleFactor;
    }

    /// <summary>The data set's name.</summary>
    public string Name { get; }

    /// <summary>Number of images.</summary>
    public int Count { get; }

    /// <summary>Names of the classes; a label is an index into this list.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Factor on drawn latents.</summary>
    public double ScaleFactor { get; }

    /// <summary>Opens the caches of some resolutions, encoding what is missing.</summary>
    /// <inheritdoc cref="LatentCache.OpenOrBuild" />
    public static LatentDataset Open(LatentCacheRequest request, IEnumerable<int> resolutions, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(resolutions);
        var dataset = new LatentDataset(request);
        try
        {
            foreach (var resolution in resolutions.Distinct())
            {
                dataset.caches.Add(resolution, LatentCache.OpenOrBuild(request, resolution, cancellationToken));
            }

            return dataset;
        }
        catch
        {
            dataset.Dispose();
            throw;
        }
    }

    /// <summary>The moments at a resolution; the data set owns them.</summary>
    /// <param name="resolution">Pixels per side of the images.</param>
    /// <exception cref="ArgumentException">The data set was not opened at that resolution.</exception>
    public LatentCache At(int resolution) => caches.TryGetValue(resolution, out var cache)
        ? cache
        : throw new ArgumentException($"'{Name}' has no latents at {resolution} pixels, only at {string.Join(", ", caches.Keys.Order())}; open it at that resolution.", nameof(resolution));

    /// <summary>Draws a latent, scaled: first whether it is of the mirror image, then the noise of every element.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <param name="resolution">Pixels per side of the images.</param>
    /// <param name="flipProbability">Probability of the mirror image, 0 to 1.</param>
    /// <param name="random">Source of all decisions.</param>
    /// <param name="z">[C, h, w].</param>
    /// <returns>The label.</returns>
    /// <exception cref="ArgumentException">The data set was not opened at that resolution, or the latent has another length.</exception>
    public int Draw(int index, int resolution, double flipProbability, ref CounterRandom random, Span<float> z)
    {
        var cache = At(resolution);
        var flipped = random.NextBool(flipProbability);
        foreach (ref var noise in z)
        {
            noise = (float)random.NextNormal();
        }

        Posterior.Sample(cache.Mean(index, flipped), cache.LogVariance(index, flipped), z, ScaleFactor, z);
        return cache.LabelOf(index);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var cache in caches.Values)
        {
            cache.Dispose();
        }
    }
}
