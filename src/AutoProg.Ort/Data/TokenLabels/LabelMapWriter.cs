using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using AutoProg.Ort.Files;
using AutoProg.Ort.Metrics;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Runs;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Data.TokenLabels;

/// <summary>Writes the label maps of a data set (<see cref="LabelMapFile"/>) as a teacher sees it, a network that gives logits for every place of an image.</summary>
/// <param name="teacher">Gives [K, g, g] or [g g, K] per image.</param>
/// <param name="top">Classes to keep per place, at least 1.</param>
internal sealed class LabelMapWriter(FeatureExtractor teacher, int top)
{
    /// <summary>Numbers per image that a teacher may give: 1000 classes at 64 x 64 places.</summary>
    public const int MostLogits = 1 << 22;

    /// <summary>Writes a file; it is there when it is complete.</summary>
    /// <param name="path">Replaced if it exists.</param>
    /// <param name="images">The data set.</param>
    /// <param name="maxCorruptFraction">Share of images that may be unreadable; each gets the map of the one that takes its place.</param>
    /// <param name="log">Hears of unreadable images and of progress.</param>
    /// <param name="cancellationToken">Looked at between batches.</param>
    /// <returns>Places per side of a map.</returns>
    /// <exception cref="FileFormatException">The teacher does not give logits of the data's classes for a square of places, or they are not finite.</exception>
    /// <exception cref="DataException">Too many images are corrupt, or they are of more classes than a map can number.</exception>
    public int Write(string path, IImageDataset images, double maxCorruptFraction, ILogger log, CancellationToken cancellationToken)
    {
        if (images.ClassNames.Count > LabelMapFile.MostClasses)
        {
            throw new DataException($"'{images.Name}' has {images.ClassNames.Count} classes; label maps number at most {LabelMapFile.MostClasses}. Choose some with data.classes.");
        }

        var (side, classesFirst) = Layout(images.ClassNames.Count);
        var kept = Math.Min(top, images.ClassNames.Count);
        var temporary = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, WholeFile.TemporaryPrefix + Path.GetFileName(path));
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
            {
                var offsets = SafetensorsWriter.WriteHeader(
                    stream,
                    [
                        new(LabelMapFile.ClassesTensor, TensorType.U16, [images.Count, kept, side, side]),
                        new(LabelMapFile.ScoresTensor, TensorType.F16, [images.Count, kept, side, side]),
                        new(LabelMapFile.LabelsTensor, TensorType.I32, [images.Count]),
                    ],
                    new Dictionary<string, string>(StringComparer.Ordinal) { ["teacher_sha256"] = teacher.Sha256, [LabelMapFile.ImagesNote] = DatasetFingerprint.Of(images, cancellationToken).Sha256 });
                WriteMaps(stream, offsets, images, new CorruptImages(images, maxCorruptFraction, log), (side, kept, classesFirst), log, cancellationToken);
                int[] labels = [.. Enumerable.Range(0, images.Count).Select(images.LabelOf)];
                stream.Position = offsets[2];
                stream.Write(MemoryMarshal.AsBytes(labels.AsSpan()));
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
            return side;
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private void WriteMaps(
        FileStream stream, IReadOnlyList<long> offsets, IImageDataset images, CorruptImages readable, (int Side, int Kept, bool ClassesFirst) map, ILogger log, CancellationToken cancellationToken)
    {
        var length = map.Kept * map.Side * map.Side;
        var (classes, scores) = (new ushort[length], new Half[length]);
        foreach (var batch in Enumerable.Range(0, images.Count).Chunk(teacher.BatchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var loaded = batch.Select(index => readable.Load(index, teacher.Resolution, out _)).ToList();
            var logits = teacher.Extract(loaded);
            loaded.ForEach(static image => image.Dispose());
            for (var i = 0; i < batch.Length; i++)
            {
                Keep(batch[i], logits.AsSpan(i * teacher.Dimension, teacher.Dimension), map, classes, scores);
                stream.Position = offsets[0] + ((long)batch[i] * length * sizeof(ushort));
                stream.Write(MemoryMarshal.AsBytes(classes.AsSpan()));
                stream.Position = offsets[1] + ((long)batch[i] * length * sizeof(ushort));
                stream.Write(MemoryMarshal.AsBytes(scores.AsSpan()));
            }

            if (batch[0] / 10_000 != (batch[^1] + 1) / 10_000)
            {
                log.ImagesLabelled(batch[^1] + 1, images.Count);
            }
        }
    }

    /// <summary>The most probable classes of each place, by the softmax over all classes.</summary>
    private void Keep(int image, ReadOnlySpan<float> logits, (int Side, int Kept, bool ClassesFirst) map, Span<ushort> classes, Span<Half> scores)
    {
        var places = map.Side * map.Side;
        var ofPlace = new float[logits.Length / places];
        for (var place = 0; place < places; place++)
        {
            for (var c = 0; c < ofPlace.Length; c++)
            {
                ofPlace[c] = map.ClassesFirst ? logits[(c * places) + place] : logits[(place * ofPlace.Length) + c];
            }

            var largest = TensorPrimitives.Max<float>(ofPlace);
            if (!float.IsFinite(largest))
            {
                throw new FileFormatException(teacher.Path, $"output '{teacher.Output}' gives {largest} at place {place} of image {image}; expected finite logits");
            }

            // SoftMax does not do this by itself, and exp(89) is infinite.
            TensorPrimitives.Subtract<float>(ofPlace, largest, ofPlace);
            TensorPrimitives.SoftMax<float>(ofPlace, ofPlace);
            var best = Enumerable.Range(0, ofPlace.Length).OrderByDescending(c => ofPlace[c]).Take(map.Kept);
            foreach (var (rank, c) in best.Index())
            {
                (classes[(rank * places) + place], scores[(rank * places) + place]) = ((ushort)c, (Half)ofPlace[c]);
            }
        }
    }

    private (int Side, bool ClassesFirst) Layout(int classes)
    {
        var shape = teacher.FeatureShape;
        return shape switch
        {
            [var k, var h, var w] when k == classes && h == w && h > 0 => ((int)h, true),
            [var n, var k] when k == classes && n > 0 && Math.Sqrt(n) % 1 == 0 => ((int)Math.Sqrt(n), false),
            _ => throw new FileFormatException(teacher.Path, $"output '{teacher.Output}' gives [{string.Join(", ", shape)}] per image; expected logits of the {classes} classes of the data for a square of places: [{classes}, g, g], or [g g, {classes}]"),
        };
    }
}
