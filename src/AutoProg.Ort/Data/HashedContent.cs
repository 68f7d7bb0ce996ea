using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace AutoProg.Ort.Data;

/// <summary>What fingerprints are made of, in a form in which different contents never give the same bytes.</summary>
internal static class HashedContent
{
    public static void Append(this IncrementalHash hash, long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, number);
        hash.AppendData(bytes);
    }

    /// <summary>The length comes first, so that the ends of two texts cannot be moved.</summary>
    public static void Append(this IncrementalHash hash, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        hash.Append(bytes.Length);
        hash.AppendData(bytes);
    }

    /// <summary>Classes by name, and the number of images.</summary>
    public static void AppendShape(this IncrementalHash hash, IImageDataset dataset)
    {
        hash.Append(dataset.Count);
        hash.Append(dataset.ClassNames.Count);
        foreach (var name in dataset.ClassNames)
        {
            hash.Append(name);
        }
    }

    /// <summary>The pixels of up to <paramref name="most"/> images, spread evenly over the data set.</summary>
    public static void AppendPixels(this IncrementalHash hash, IImageDataset dataset, int most, int minimumSide, CancellationToken cancellationToken)
    {
        var count = Math.Min(most, dataset.Count);
        for (var i = 0; i < count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendPixels(dataset, (int)((long)i * dataset.Count / count), minimumSide);
        }
    }

    private static void AppendPixels(this IncrementalHash hash, IImageDataset dataset, int index, int minimumSide)
    {
        try
        {
            using var image = dataset.Load(index, minimumSide);
            hash.Append(image.Width);
            hash.Append(image.Height);
            hash.AppendData(image.Pixels);
        }
        catch (ImageUnreadableException)
        {
            // That it cannot be read is what is known of it; whoever reads it takes the next one.
            hash.Append(-1);
        }
    }
}
