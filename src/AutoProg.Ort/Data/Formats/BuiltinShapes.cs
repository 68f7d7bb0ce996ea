using System.Security.Cryptography;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Data.Formats;

/// <summary>
/// Generated images for which a fresh machine needs no files. A large textured object and a small one of another shape with the other texture lie, at
/// random places, sizes, tilts and colours, before a shaded background with clutter and noise. The class is (shape of the large object, direction of its
/// texture): five outlines times rows or columns. The texture's wavelength is about an eighth of the image, rendered as through a lens whose contrast
/// falls linearly to nothing at two pixels per wave: at 16 pixels little of it is left. Low resolution tells the shape better than the texture.
/// Plain ones have nothing but a bright shape before a dark background, and five classes: what a small image generator can learn in minutes.
/// Classes are balanced: the label is the index modulo their number.
/// </summary>
public sealed class BuiltinShapes : IImageDataset
{
    // Counts up when the images of a seed change.
    private const int GeneratorVersion = 1;
    private const int MinSide = 8;
    private const int MaxSide = 1024;

    private static readonly string[] PlainNames = [.. Enum.GetNames<SceneShape>().Select(static shape => shape.ToLowerInvariant())];

    private static readonly string[] Names = [.. PlainNames.SelectMany(static shape => new[] { $"{shape}-rows", $"{shape}-columns" })];

    private readonly long seed;
    private readonly bool training;
    private readonly bool plain;

    /// <summary>A split of the data set; images are generated when they are asked for.</summary>
    /// <param name="count">Number of images, at least 1.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="training">The training images, or the evaluation images; they share none.</param>
    /// <param name="plain">Whether there are only a shape and a background.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is not positive.</exception>
    public BuiltinShapes(int count, long seed, bool training, bool plain = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Count = count;
        this.seed = seed;
        this.training = training;
        this.plain = plain;
    }

    /// <inheritdoc />
    public string Name => $"builtin{(plain ? "-plain" : "")}/{(training ? "train" : "val")}";

    /// <inheritdoc />
    public int Count { get; }

    /// <inheritdoc />
    public IReadOnlyList<string> ClassNames => plain ? PlainNames : Names;

    /// <inheritdoc />
    public int LabelOf(int index) => index % ClassNames.Count;

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
        if (plain)
        {
            Scene.DrawPlain((SceneShape)LabelOf(index), ref random).Render(image.Pixels, side);
        }
        else
        {
            Scene.Draw(LabelOf(index), ref random).Render(image.Pixels, side, ref random);
        }

        return image;
    }

    /// <summary>Generator, seed, split and number: an image is a function of these.</summary>
    /// <inheritdoc />
    public bool TryIdentify(int index, IncrementalHash hash)
    {
        ArgumentNullException.ThrowIfNull(hash);
        hash.Append(GeneratorVersion);
        hash.Append(seed);
        hash.Append(training ? 0 : 1);
        hash.Append(index);
        return true;
    }
}
