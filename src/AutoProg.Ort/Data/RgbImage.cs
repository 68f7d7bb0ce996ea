using System.Buffers;

namespace AutoProg.Ort.Data;

/// <summary>
/// An 8-bit RGB image, interleaved row by row: element (y * Width + x) * 3 + channel. Whoever calls <see cref="IImageDataset.Load"/> owns the
/// result and disposes it. Disposing returns rented memory to a pool and does nothing to an image that was made around an array,
/// so a data set in memory may hand out the same instance again and again.
/// </summary>
public sealed class RgbImage : IDisposable
{
    /// <summary>Largest number of pixels of one image: 100 million.</summary>
    public const long MaxPixels = 100_000_000;

    private readonly bool rented;
    private byte[]? bytes;

    /// <summary>Wraps pixels without copying them.</summary>
    /// <param name="width">Width in pixels.</param>
    /// <param name="height">Height in pixels.</param>
    /// <param name="pixels">Width * height * 3 bytes.</param>
    /// <exception cref="ArgumentException">The number of bytes does not match the size.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A side is not positive, or there are more than <see cref="MaxPixels"/> pixels.</exception>
    public RgbImage(int width, int height, byte[] pixels)
        : this(width, height, pixels, rented: false)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        if (pixels.Length != width * height * 3)
        {
            throw new ArgumentException($"An RGB image of {width} x {height} pixels has {width * height * 3} bytes, not {pixels.Length}.", nameof(pixels));
        }
    }

    private RgbImage(int width, int height, byte[] bytes, bool rented)
    {
        CheckSize(width, height);
        Width = width;
        Height = height;
        this.bytes = bytes;
        this.rented = rented;
    }

    /// <summary>Width in pixels.</summary>
    public int Width { get; }

    /// <summary>Height in pixels.</summary>
    public int Height { get; }

    /// <summary>Width * Height * 3 bytes.</summary>
    /// <exception cref="ObjectDisposedException">The memory went back to the pool.</exception>
    public Span<byte> Pixels => (bytes ?? throw new ObjectDisposedException(nameof(RgbImage))).AsSpan(0, Width * Height * 3);

    /// <summary>An image with memory from a pool; its pixels are arbitrary until written.</summary>
    /// <param name="width">Width in pixels.</param>
    /// <param name="height">Height in pixels.</param>
    /// <exception cref="ArgumentOutOfRangeException">A side is not positive, or there are more than <see cref="MaxPixels"/> pixels.</exception>
    public static RgbImage Rent(int width, int height)
    {
        CheckSize(width, height);
        return new RgbImage(width, height, ArrayPool<byte>.Shared.Rent(width * height * 3), rented: true);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (rented && Interlocked.Exchange(ref bytes, null) is { } returned)
        {
            ArrayPool<byte>.Shared.Return(returned);
        }
    }

    private static void CheckSize(int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)width * height, MaxPixels, nameof(width));
    }
}
