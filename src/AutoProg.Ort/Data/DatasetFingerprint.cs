using System.Security.Cryptography;

namespace AutoProg.Ort.Data;

/// <summary>
/// Which images a figure belongs to. Equal fingerprints mean the same classes and the same labels, and, image by image, what <see cref="IImageDataset.TryIdentify"/>
/// tells of it: generated images by generator, seed and number; CIFAR and IDX records by their bytes; files in class folders by name and length, every so many-th
/// by its content. Of data sets that tell nothing, the pixels of up to 64 images. Folders do not count: a copy on another machine has the same fingerprint.
/// </summary>
/// <param name="Name">Of the data set, e.g. <c>cifar10/train</c>.</param>
/// <param name="Images">Number of images.</param>
/// <param name="Classes">Number of classes.</param>
/// <param name="Sha256">SHA-256 in hexadecimal digits.</param>
public sealed record DatasetFingerprint(string Name, int Images, int Classes, string Sha256)
{
    private const int SampledImages = 64;
    private const int SampledSide = 32;

    /// <summary>Of a data set. Reads its labels, and what little it tells of its images.</summary>
    /// <param name="dataset">The images.</param>
    /// <param name="cancellationToken">Looked at between images.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static DatasetFingerprint Of(IImageDataset dataset, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(dataset);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendShape(dataset);
        var identified = true;
        for (var i = 0; i < dataset.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.Append(dataset.LabelOf(i));
            identified = identified && dataset.TryIdentify(i, hash);
        }

        if (!identified)
        {
            hash.AppendPixels(dataset, SampledImages, SampledSide, cancellationToken);
        }

        return new DatasetFingerprint(dataset.Name, dataset.Count, dataset.ClassNames.Count, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }
}
