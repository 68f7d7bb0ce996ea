using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using AutoProg.Ort.Data;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Recipes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Diffusion.Latents;

/// <summary>What is encoded, and where the result is kept.</summary>
internal sealed record LatentCacheRequest
{
    /// <summary>Folder of the cache files; created if it is missing.</summary>
    public required string Folder { get; init; }

    /// <summary>The images. The shorter side is resized to the resolution, then the middle is cut out.</summary>
    public required IImageDataset Dataset { get; init; }

    /// <summary>The encoder; loaded only if there is something to encode.</summary>
    public required VaeSession Vae { get; init; }

    /// <summary>Images per run of the encoder, mirror images not counted; at least 1.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>Workers, prefetching and the share of images that may be corrupt; nothing else of it is looked at.</summary>
    public DataRecipe Loading { get; init; } = new();

    /// <summary>Is told of encoding, and why a file was not usable.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
}

/// <summary>
/// The latents of a data set at one resolution, in a memory-mapped file: mean and log-variance of every image and of its mirror image, so that latents can be drawn, and
/// images flipped, anew at each use as the authors of DiT do. float32, as half precision would add an error of the size of small standard deviations. The memory is
/// the page cache's. Reading is thread-safe; spans are valid until the cache is disposed of.
/// </summary>
internal sealed unsafe class LatentCache : IDisposable
{
    // A share of the memory's bandwidth, not of its size.
    private const int ChecksumChunkBytes = 1 << 24;

    private readonly MemoryMappedFile mapping;
    private readonly MemoryMappedViewAccessor view;
    private readonly LatentCacheHeader header;
    private readonly byte* start;
    private bool disposed;

    private LatentCache(string path, LatentCacheHeader header, MemoryMappedFile mapping)
    {
        Path = path;
        this.header = header;
        this.mapping = mapping;
        view = mapping.CreateViewAccessor(0, header.FileBytes, MemoryMappedFileAccess.Read);
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        start += view.PointerOffset;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Images.</summary>
    public int Count => header.Count;

    /// <summary>Pixels per side of the images.</summary>
    public int Resolution => header.Resolution;

    /// <summary>Size of one latent.</summary>
    public LatentShape Shape => header.Shape;

    /// <summary>
    /// Takes the file that was made of the same encoder, data set and resolution, or encodes the data set and writes it. A file that is damaged, cut short or
    /// something else is replaced. Writing goes to a temporary name; what is there under the final name is complete.
    /// </summary>
    /// <param name="request">What is encoded, and where the result is kept.</param>
    /// <param name="resolution">Pixels per side.</param>
    /// <param name="cancellationToken">Ends the encoding; the next call begins it anew.</param>
    /// <exception cref="DataException">Too many images are corrupt, or the encoder gives numbers that are not finite.</exception>
    /// <exception cref="Files.FileFormatException">The encoder is no such model, or does not take the resolution.</exception>
    /// <exception cref="IOException">A file cannot be read or written.</exception>
    public static LatentCache OpenOrBuild(LatentCacheRequest request, int resolution, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(resolution);
        var key = LatentFingerprint.Of(request.Vae.Files.Encoder, request.Dataset, resolution, cancellationToken);
        var path = System.IO.Path.Combine(request.Folder, $"latents-{resolution}-{Convert.ToHexStringLower(key)[..16]}.bin");
        if (File.Exists(path))
        {
            var (found, problem) = TryOpen(path, key);
            if (found is not null)
            {
                return found;
            }

            request.Logger.LatentsMadeAnew(path, problem);
        }

        Directory.CreateDirectory(request.Folder);
        LatentEncoding.Write(request, resolution, key, path, cancellationToken);
        var (built, failure) = TryOpen(path, key);
        return built ?? throw new IOException($"{path}: what was written is not what is read back: {failure}. The disk may be failing.");
    }

    /// <summary>Opens a file if it is whole and has the key; else tells what is wrong.</summary>
    internal static (LatentCache? Cache, string? Problem) TryOpen(string path, ReadOnlySpan<byte> key)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        var bytes = new byte[LatentCacheHeader.Bytes];
        var (header, problem) = LatentCacheHeader.Read(bytes.AsSpan(0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)));
        if (header is null)
        {
            return (null, problem);
        }

        if (!header.Key.AsSpan().SequenceEqual(key))
        {
            return (null, "it belongs to another encoder, data set or resolution");
        }

        if (file.Length != header.FileBytes)
        {
            return (null, $"it has {file.Length} bytes instead of {header.FileBytes}");
        }

        var cache = new LatentCache(path, header, MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read));
        if (cache.Checksum() == header.DataChecksum)
        {
            return (cache, null);
        }

        cache.Dispose();
        return (null, "its data are damaged");
    }

    /// <summary>Mean of a posterior, [C, h, w], where it lies.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <param name="flipped">Of the mirror image.</param>
    public ReadOnlySpan<float> Mean(int index, bool flipped) => Part(index, flipped ? 2 : 0);

    /// <summary>Log-variance of a posterior, [C, h, w], where it lies.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <param name="flipped">Of the mirror image.</param>
    public ReadOnlySpan<float> LogVariance(int index, bool flipped) => Part(index, flipped ? 3 : 1);

    /// <summary>Class of an image; of one that could not be read, the class of the one that took its place.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    public int LabelOf(int index)
    {
        Check(index);
        return ((int*)(start + LatentCacheHeader.Bytes + header.LatentBytes))[index];
    }

    /// <summary>Standard deviation of drawn latents over the whole cache, before any scale; one over it is the scale that brings them to unit size.</summary>
    public double StandardDeviation()
    {
        var (sum, squares) = (0.0, 0.0);
        for (var i = 0; i < Count; i++)
        {
            var mean = Mean(i, flipped: false);
            var logVariance = LogVariance(i, flipped: false);
            for (var j = 0; j < mean.Length; j++)
            {
                sum += mean[j];
                squares += ((double)mean[j] * mean[j]) + Math.Exp(logVariance[j]);
            }
        }

        var elements = (double)Count * Shape.Length;
        return Math.Sqrt(Math.Max(0, (squares / elements) - (sum / elements * (sum / elements))));
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (disposed)
        {
            return;
        }

        disposed = true;
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        mapping.Dispose();
    }

    private ReadOnlySpan<float> Part(int index, int part)
    {
        Check(index);
        return new ReadOnlySpan<float>((float*)(start + LatentCacheHeader.Bytes) + (index * header.RecordLength) + (part * (long)Shape.Length), Shape.Length);
    }

    private void Check(int index)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
    }

    private ulong Checksum()
    {
        var hash = new XxHash3();
        for (long at = LatentCacheHeader.Bytes; at < header.FileBytes; at += ChecksumChunkBytes)
        {
            hash.Append(new ReadOnlySpan<byte>(start + at, (int)Math.Min(ChecksumChunkBytes, header.FileBytes - at)));
        }

        return hash.GetCurrentHashAsUInt64();
    }
}
