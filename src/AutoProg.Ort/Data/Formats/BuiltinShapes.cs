using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Data.Formats;

/// <summary>
/// Generated images for which a fresh machine needs no files. A large textured object and a small one of another shape with the other texture lie, at
/// random places, sizes, tilts and colours, before a shaded background with clutter and noise. The class is (shape of the large object, direction of its
/// texture): five outlines times rows or columns. The texture's wavelength is about an eighth of the image, rendered as through a lens whose contrast
/// falls linearly to nothing at two pixels per wave: at 16 pixels little of it is left. Low resolution tells the shape better than the texture.
/// Classes are balanced: the label is the index modulo 10.
/// </summary>
public sealed class BuiltinShapes : IImageDataset
{
    private const int MinSide = 8;
    private const int MaxSide = 1024;

    private static readonly string[] Names =
    [
        .. from shape in Enum.GetNames<SceneShape>()
           from texture in new[] { "rows", "columns" }
           select $"{shape}-{texture}".ToLowerInvariant(),
    ];

    private readonly long seed;
    private readonly bool training;

    /// <summary>A split of the data set; images are generated when they are asked for.</summary>
    /// <param name="count">Number of images, at least 1.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="training">The training images, or the evaluation images; they share none.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is not positive.</exception>
    public BuiltinShapes(int count, long seed, bool training)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Count = count;
        this.seed = seed;
        this.training = training;
    }

    /// <inheritdoc />
    public string Name => training ? "builtin/train" : "builtin/val";

    /// <inheritdoc />
    public int Count { get; }

    /// <inheritdoc />
    public IReadOnlyList<string> ClassNames => Names;

    /// <inheritdoc />
    public int LabelOf(int index) => index % Names.Length;

    /// <inheritdoc />
    public string Describe(int index) => $"{Name}, image {index}";

    /// <summary>Draws the image at exactly the size asked for, between 8 and 1024 pixels.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <param name="minimumSide">Side of the square image in pixels.</param>
    public RgbImage Load(int index, int minimumSide)
    {
        var side = Math.Clamp(minimumSide, MinSide, MaxSide);
        var random = new CounterRandom(seed, RandomPurpose.BuiltinData, training ? 0 : 1, index);
        var image = RgbImage.Rent(side, side);
        Scene.Draw(LabelOf(index), ref random).Render(image.Pixels, side, ref random);
        return image;
    }
}
