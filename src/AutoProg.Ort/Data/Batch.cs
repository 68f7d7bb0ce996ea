using AutoProg.Ort.Data.TokenLabels;

namespace AutoProg.Ort.Data;

/// <summary>
/// Images, or their latents, of one resolution with their targets. The memory belongs to the <see cref="BatchStream"/> that made it and is valid
/// until the stream is asked for the next batch or disposed; until then the receiver may change it.
/// </summary>
internal sealed class Batch
{
    private const int ImageChannels = 3;

    private float[] images = [];
    private readonly float[] targets;
    private readonly int[] labels;
    private TokenTargets[] tokenTargets = [];

    internal Batch(int size, int classes, int channels = ImageChannels)
    {
        Size = size;
        Classes = classes;
        Channels = channels;
        targets = new float[size * classes];
        labels = new int[size];
    }

    /// <summary>A batch of black images, for timing and for memory.</summary>
    /// <param name="size">Rows, at least 1.</param>
    /// <param name="resolution">Pixels per side.</param>
    /// <param name="classes">Number of classes.</param>
    /// <param name="channels">Channels: 3 for images, those of the autoencoder for latents.</param>
    public static Batch Blank(int size, int resolution, int classes, int channels = ImageChannels)
    {
        var batch = new Batch(size, classes, channels) { IsBlank = true };
        batch.Begin(0, resolution, size);
        batch.images.AsSpan().Clear();
        batch.targets.AsSpan().Fill(1f / classes);
        return batch;
    }

    /// <summary>Whether it stands for images that were never read: tokens of such a batch belong to all classes alike.</summary>
    public bool IsBlank { get; private init; }

    /// <summary>Place in the epoch, from 0.</summary>
    public int Index { get; private set; }

    /// <summary>Pixels per side.</summary>
    public int Resolution { get; private set; }

    /// <summary>Rows of the tensors (B), padding included.</summary>
    public int Size { get; }

    /// <summary>Rows that hold images; the rest, in the last batch of an evaluation, is padding: zeros, label -1.</summary>
    public int Count { get; private set; }

    /// <summary>Number of classes (K).</summary>
    public int Classes { get; }

    /// <summary>Channels of an image (C).</summary>
    public int Channels { get; }

    /// <summary>Normalised pixels, or latents [B, C, r, r].</summary>
    public Memory<float> Images => images.AsMemory(0, Size * ImageLength);

    /// <summary>Class distributions [B, K]: smoothed and mixed as the augmentation says; each row of an image adds up to 1.</summary>
    public Memory<float> Targets => targets;

    /// <summary>Class of each image [B], before mixing.</summary>
    public Memory<int> Labels => labels;

    /// <summary>Class distributions of every image's tokens [B], not smoothed; empty unless the data have label maps.</summary>
    public IReadOnlyList<TokenTargets> TokenTargets => tokenTargets;

    private int ImageLength => Channels * Resolution * Resolution;

    internal void Begin(int index, int resolution, int count)
    {
        Index = index;
        Resolution = resolution;
        Count = count;
        if (images.Length < Size * ImageLength)
        {
            images = new float[Size * ImageLength];
        }

        images.AsSpan(count * ImageLength, (Size - count) * ImageLength).Clear();
        targets.AsSpan().Clear();
        labels.AsSpan(count).Fill(-1);
    }

    /// <summary>Called for every row, by several threads.</summary>
    internal void SetTokenTargets(int row, TokenTargets targets) => tokenTargets[row] = targets;

    /// <summary>Makes room for the distributions of tokens.</summary>
    internal void ExpectTokenTargets() => tokenTargets = new TokenTargets[Size];

    internal Span<float> ImageAt(int row) => images.AsSpan(row * ImageLength, ImageLength);
}
