using System.Buffers.Binary;
using System.IO.Hashing;

namespace AutoProg.Ort.Diffusion.Latents;

/// <summary>
/// The first 128 bytes of a cache file, little-endian: magic (16), version, count, resolution, C, h, w (4 each), 8 unused, key (32), checksum of the data (8), checksum of
/// all this (8), zeros. The data follow: per image the mean and the log-variance of its latent, then those of its mirror image, all float32; then a label (int32) per image.
/// </summary>
/// <param name="Key">What the data depend on; see <see cref="LatentFingerprint"/>.</param>
/// <param name="Count">Images.</param>
/// <param name="Resolution">Pixels per side of the images.</param>
/// <param name="Shape">Size of one latent.</param>
/// <param name="DataChecksum">XxHash3 of everything behind the header.</param>
internal sealed record LatentCacheHeader(byte[] Key, int Count, int Resolution, LatentShape Shape, ulong DataChecksum)
{
    /// <summary>Of the layout and of how images become latents.</summary>
    public const int Version = 1;

    /// <summary>Bytes of the header.</summary>
    public const int Bytes = 128;

    private const int ChecksumOffset = 88;
    private const int LargestSide = 1 << 14;

    /// <summary>Floats per image: mean and log-variance, plain and mirrored.</summary>
    public long RecordLength => 4L * Shape.Length;

    /// <summary>Bytes of the latents.</summary>
    public long LatentBytes => Count * RecordLength * sizeof(float);

    /// <summary>Bytes of the whole file.</summary>
    public long FileBytes => Bytes + LatentBytes + ((long)Count * sizeof(int));

    private static ReadOnlySpan<byte> Magic => "AutoProg.Latents"u8;

    /// <summary>The header's bytes.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[Bytes];
        Magic.CopyTo(bytes);
        int[] numbers = [Version, Count, Resolution, Shape.Channels, Shape.Height, Shape.Width];
        for (var i = 0; i < numbers.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16 + (4 * i)), numbers[i]);
        }

        Key.CopyTo(bytes, 48);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(80), DataChecksum);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(ChecksumOffset), XxHash3.HashToUInt64(bytes.AsSpan(0, ChecksumOffset)));
        return bytes;
    }

    /// <summary>Reads a header.</summary>
    /// <returns>Null and what is wrong, or the header and null.</returns>
    public static (LatentCacheHeader? Header, string? Problem) Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < Bytes || !bytes.StartsWith(Magic))
        {
            return (null, "it does not begin as a cache of latents");
        }

        if (BinaryPrimitives.ReadUInt64LittleEndian(bytes[ChecksumOffset..]) != XxHash3.HashToUInt64(bytes[..ChecksumOffset]))
        {
            return (null, "its header is damaged");
        }

        int Number(ReadOnlySpan<byte> source, int index) => BinaryPrimitives.ReadInt32LittleEndian(source[(16 + (4 * index))..]);
        var version = Number(bytes, 0);
        var shape = new LatentShape(Number(bytes, 3), Number(bytes, 4), Number(bytes, 5));
        var header = new LatentCacheHeader(bytes.Slice(48, 32).ToArray(), Number(bytes, 1), Number(bytes, 2), shape, BinaryPrimitives.ReadUInt64LittleEndian(bytes[80..]));
        return version != Version ? (null, $"it is of version {version}, not {Version}")
            : header.Count < 1 || !IsSide(shape.Channels) || !IsSide(shape.Height) || !IsSide(shape.Width) || (long)shape.Channels * shape.Height * shape.Width > int.MaxValue / 16
                ? (null, $"it says that it has {header.Count} latents of {shape}")
            : (header, null);
    }

    private static bool IsSide(int size) => size is > 0 and <= LargestSide;
}
