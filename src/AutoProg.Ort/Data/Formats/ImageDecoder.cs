using System.Buffers;
using SkiaSharp;

namespace AutoProg.Ort.Data.Formats;

/// <summary>
/// Image files to RGB. As torchvision's loader: colour profiles and EXIF orientation are ignored, transparency is dropped, not blended.
/// </summary>
internal static class ImageDecoder
{
    /// <summary>Extensions that a folder is searched for, in lower case.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".jpg", ".jpeg", ".png", ".bmp", ".webp"];

    /// <summary>Decodes a file. JPEGs are decoded at the smallest scale n/8 that leaves the shorter side at least <paramref name="minimumSide"/> pixels.</summary>
    /// <exception cref="ImageUnreadableException">The file is missing, damaged, cut off, or larger than <see cref="RgbImage.MaxPixels"/>.</exception>
    public static RgbImage Decode(string path, int minimumSide)
    {
        using var codec = SKCodec.Create(path, out var opened);
        return Decode(codec ?? throw new ImageUnreadableException(File.Exists(path) ? $"not an image in a supported format ({opened})" : "the file is missing"), minimumSide);
    }

    /// <summary>Decodes the content of a file.</summary>
    /// <exception cref="ImageUnreadableException">It is damaged, cut off, or larger than <see cref="RgbImage.MaxPixels"/>.</exception>
    public static RgbImage Decode(ReadOnlySpan<byte> file, int minimumSide)
    {
        using var data = SKData.CreateCopy(file);
        using var codec = SKCodec.Create(data);
        return Decode(codec ?? throw new ImageUnreadableException("not an image in a supported format"), minimumSide);
    }

    private static RgbImage Decode(SKCodec codec, int minimumSide)
    {
        var full = codec.Info;
        if ((long)full.Width * full.Height > RgbImage.MaxPixels || full.Width < 1 || full.Height < 1)
        {
            throw new ImageUnreadableException($"{full.Width} x {full.Height} pixels, more than the {RgbImage.MaxPixels / 1_000_000} million that are accepted");
        }

        var size = codec.EncodedFormat == SKEncodedImageFormat.Jpeg ? ReducedSize(codec, minimumSide) : full.Size;
        return DecodePixels(codec, size);
    }

    private static SKSizeI ReducedSize(SKCodec codec, int minimumSide)
    {
        var full = codec.Info.Size;
        for (var eighths = 1; eighths < 8; eighths++)
        {
            // Rounded up by libjpeg, so the product below is never more than what is decoded.
            if (Math.Min(full.Width, full.Height) * (long)eighths / 8 >= minimumSide)
            {
                var size = codec.GetScaledDimensions(eighths / 8f);
                if (Math.Min(size.Width, size.Height) >= minimumSide)
                {
                    return size;
                }
            }
        }

        return full;
    }

    private static unsafe RgbImage DecodePixels(SKCodec codec, SKSizeI size)
    {
        var info = new SKImageInfo(size.Width, size.Height, SKColorType.Rgba8888, codec.Info.IsOpaque ? SKAlphaType.Opaque : SKAlphaType.Unpremul);
        var rgba = ArrayPool<byte>.Shared.Rent(info.BytesSize);
        try
        {
            SKCodecResult result;
            fixed (byte* pixels = rgba)
            {
                result = codec.GetPixels(info, (nint)pixels);
            }

            if (result != SKCodecResult.Success)
            {
                throw new ImageUnreadableException(result == SKCodecResult.IncompleteInput ? "the file is cut off" : $"the decoder says {result}");
            }

            var image = RgbImage.Rent(size.Width, size.Height);
            DropAlpha(rgba.AsSpan(0, info.BytesSize), image.Pixels);
            return image;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rgba);
        }
    }

    private static void DropAlpha(ReadOnlySpan<byte> rgba, Span<byte> rgb)
    {
        for (int from = 0, to = 0; to + 2 < rgb.Length; from += 4, to += 3)
        {
            rgb[to] = rgba[from];
            rgb[to + 1] = rgba[from + 1];
            rgb[to + 2] = rgba[from + 2];
        }
    }
}
