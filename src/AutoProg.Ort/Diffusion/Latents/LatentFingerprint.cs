using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
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

        Append(hash, resolution);
        Append(hash, LatentCacheHeader.Version);
        Append(hash, dataset.Count);
        Append(hash, dataset.ClassNames.Count);
        foreach (var name in dataset.ClassNames)
        {
            Append(hash, name);
        }

        for (var i = 0; i < dataset.Count; i++)
        {
            Append(hash, dataset.Describe(i));
            Append(hash, dataset.LabelOf(i));
        }

        var samples = Math.Min(SampledImages, dataset.Count);
        for (var i = 0; i < samples; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            AppendPixels(hash, dataset, (int)((long)i * dataset.Count / samples), resolution);
        }

        return hash.GetHashAndReset();
    }

    private static void AppendPixels(IncrementalHash hash, IImageDataset dataset, int index, int resolution)
    {
        try
        {
            using var image = dataset.Load(index, resolution);
            Append(hash, image.Width);
            Append(hash, image.Height);
            hash.AppendData(image.Pixels);
        }
        catch (ImageUnreadableException)
        {
            // That it cannot be read is what is known of it; encoding replaces it by the next one.
            Append(hash, -1);
        }
    }

    private static void Append(IncrementalHash hash, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Append(hash, bytes.Length);
        hash.AppendData(bytes);
    }

    private static void Append(IncrementalHash hash, int number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        hash.AppendData(bytes);
    }
}
