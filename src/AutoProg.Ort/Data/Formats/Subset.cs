using System.Security.Cryptography;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Data.Formats;

/// <summary>Some images of a data set, drawn once without replacement and kept in the data set's order.</summary>
public sealed class Subset : IImageDataset
{
    private readonly IImageDataset dataset;
    private readonly int[] indices;

    /// <summary>Draws the images.</summary>
    /// <param name="dataset">To draw from.</param>
    /// <param name="count">Number of images, 1 to the data set's count.</param>
    /// <param name="seed">The run's seed; the same seed draws the same images.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is out of range.</exception>
    public Subset(IImageDataset dataset, int count, long seed)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, dataset.Count);
        this.dataset = dataset;
        var random = new CounterRandom(seed, RandomPurpose.Subset);
        indices = random.Permutation(dataset.Count)[..count];
        Array.Sort(indices);
    }

    /// <inheritdoc />
    public string Name => $"{dataset.Name}[{indices.Length}]";

    /// <inheritdoc />
    public int Count => indices.Length;

    /// <inheritdoc />
    public IReadOnlyList<string> ClassNames => dataset.ClassNames;

    /// <inheritdoc />
    public int LabelOf(int index) => dataset.LabelOf(indices[index]);

    /// <inheritdoc />
    public string Describe(int index) => dataset.Describe(indices[index]);

    /// <inheritdoc />
    public RgbImage Load(int index, int minimumSide) => dataset.Load(indices[index], minimumSide);

    /// <inheritdoc />
    public bool TryIdentify(int index, IncrementalHash hash) => dataset.TryIdentify(indices[index], hash);
}
