using System.Security.Cryptography;
using AutoProg.Ort.Data;

namespace AutoProg.Ort.Diffusion.Latents;

/// <summary>
/// What a cache of latents depends on, as one SHA-256: the encoder's file, the resolution, and the data set. Of a data set it takes the classes, the origin and label of
/// every image, and the pixels of up to 256 images spread over it: reading all of them would cost what the cache saves. Whoever edits pixels in place and keeps all
/// names must delete the cache.
/// </summary>
internal static class LatentFingerprint
{
    private const int SampledImages = 256;

    /// <summary>Of everything.</summary>
    /// <exception cref="IOException">The encoder cannot be read.</exception>
    public static byte[] Of(string encoder, IImageDataset dataset, int resolution, CancellationToken cancellationToken = default)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using (var file = File.OpenRead(encoder))
        {
            hash.AppendData(SHA256.HashData(file));
        }

        hash.Append(resolution);
        hash.Append(LatentCacheHeader.Version);
        hash.AppendShape(dataset);
        for (var i = 0; i < dataset.Count; i++)
        {
            hash.Append(dataset.Describe(i));
            hash.Append(dataset.LabelOf(i));
        }

        hash.AppendPixels(dataset, SampledImages, resolution, cancellationToken);
        return hash.GetHashAndReset();
    }
}
