using System.Security.Cryptography;

namespace AutoProg.Ort.Data;

/// <summary>
/// Labelled images with a fixed order. Implement it to train on images that no built-in format covers.
/// Everything is called from several threads at once.
/// </summary>
public interface IImageDataset
{
    /// <summary>For log lines and error messages, e.g. <c>cifar10/train</c>.</summary>
    string Name { get; }

    /// <summary>Number of images, at least 1.</summary>
    int Count { get; }

    /// <summary>Names of the classes; a label is an index into this list.</summary>
    IReadOnlyList<string> ClassNames { get; }

    /// <summary>Class of an image, 0 to the number of classes - 1.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    int LabelOf(int index);

    /// <summary>Where an image comes from, for log lines: a path, or a file and a record number.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    string Describe(int index);

    /// <summary>Reads an image. The result must be a function of the arguments alone.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <param name="minimumSide">
    /// A hint in pixels: nobody needs the shorter side to be longer than this, so a large image may be decoded at a reduced scale
    /// as long as its shorter side keeps at least that many pixels. A smaller image stays as it is.
    /// </param>
    /// <returns>The image; the caller disposes it.</returns>
    /// <exception cref="ImageUnreadableException">The image is corrupt; the loader replaces it by the next one.</exception>
    RgbImage Load(int index, int minimumSide);

    /// <summary>
    /// Adds to a hash what tells this image from any other without decoding it, and does not depend on where the images are kept; see <see cref="DatasetFingerprint"/>.
    /// </summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <param name="hash">Takes bytes.</param>
    /// <returns>False if nothing is known of an image without decoding it; nothing was added then.</returns>
    bool TryIdentify(int index, IncrementalHash hash) => false;
}
