using System.Diagnostics;
using System.IO.Hashing;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using AutoProg.Ort.Data;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Runs;

namespace AutoProg.Ort.Diffusion.Latents;

/// <summary>Encodes a data set into a file of <see cref="LatentCache"/>.</summary>
internal static class LatentEncoding
{
    private const int ImageChannels = 3;

    // Images are scaled to -1..1: (value / 255 - 1/2) / (1/2).
    private static readonly double[] Half = [0.5, 0.5, 0.5];

    /// <summary>Encodes everything, and gives the file its name when it is whole.</summary>
    public static void Write(LatentCacheRequest request, int resolution, byte[] key, string path, CancellationToken cancellationToken)
    {
        var temporary = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, $"{WholeFile.TemporaryPrefix}{Environment.ProcessId}-{Path.GetFileName(path)}");
        var clock = Stopwatch.StartNew();
        request.Logger.EncodingBegun(request.Dataset.Count, request.Dataset.Name, resolution, path);
        try
        {
            using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16))
            {
                Write(request, resolution, key, file, cancellationToken);
                RunDisk.Instance.FlushFile(file);
            }

            RunDisk.Instance.ReplaceFile(temporary, path);
        }
        finally
        {
            File.Delete(temporary);
        }

        request.Logger.EncodingFinished(request.Dataset.Count, clock.Elapsed.TotalSeconds);
    }

    private static void Write(LatentCacheRequest request, int resolution, byte[] key, FileStream file, CancellationToken cancellationToken)
    {
        var source = new ImageSource(request.Dataset, request.Loading with { Mean = Half, Std = Half }, request.Logger);
        var labels = new int[request.Dataset.Count];
        var checksum = new XxHash3();
        LatentShape? shape = null;
        file.Write(new byte[LatentCacheHeader.Bytes]);
        using var batches = source.EvaluationBatches(request.BatchSize, resolution, cropPct: 1);
        for (var first = 0; batches.TryNext(out var batch, cancellationToken); first += batch.Count)
        {
            var images = batch.Images[..(batch.Count * ImageChannels * resolution * resolution)];
            var plain = Encode(request, images.Span, batch.Count, resolution, first);
            Mirror(images.Span, resolution);
            var mirrored = Encode(request, images.Span, batch.Count, resolution, first);
            shape ??= plain.Shape;
            for (var i = 0; i < batch.Count; i++)
            {
                foreach (var part in (float[][])[plain.Mean, plain.LogVariance, mirrored.Mean, mirrored.LogVariance])
                {
                    Append(file, checksum, MemoryMarshal.AsBytes(part.AsSpan(i * plain.Shape.Length, plain.Shape.Length)));
                }
            }

            batch.Labels.Span[..batch.Count].CopyTo(labels.AsSpan(first));
        }

        Append(file, checksum, MemoryMarshal.AsBytes(labels.AsSpan()));
        file.Position = 0;
        file.Write(new LatentCacheHeader(key, labels.Length, resolution, shape!.Value, checksum.GetCurrentHashAsUInt64()).ToArray());
    }

    private static LatentMoments Encode(LatentCacheRequest request, ReadOnlySpan<float> images, int count, int resolution, int first)
    {
        var moments = request.Vae.Encode(images, count, resolution);

        // A sum is finite exactly if every element is, up to overflow, which no encoder should come near either.
        return float.IsFinite(TensorPrimitives.Sum<float>(moments.Mean)) && float.IsFinite(TensorPrimitives.Sum<float>(moments.LogVariance))
            ? moments
            : throw new DataException($"'{request.Vae.Files.Encoder}' gives numbers that are not finite for an image among '{request.Dataset.Describe(first)}' and the {count - 1} behind it.");
    }

    private static void Mirror(Span<float> images, int resolution)
    {
        for (var row = 0; row < images.Length; row += resolution)
        {
            images.Slice(row, resolution).Reverse();
        }
    }

    private static void Append(FileStream file, XxHash3 checksum, ReadOnlySpan<byte> bytes)
    {
        file.Write(bytes);
        checksum.Append(bytes);
    }
}
