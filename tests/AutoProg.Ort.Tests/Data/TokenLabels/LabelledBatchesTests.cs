using System.Runtime.InteropServices;
using AutoProg.Ort.Data;
using AutoProg.Ort.Data.TokenLabels;
using AutoProg.Ort.Files;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Tests.Runs;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Tests.Data.TokenLabels;

public sealed class LabelledBatchesTests : InTemporaryFolder
{
    private const int Images = 8;

    [Fact]
    public void Rows_have_the_maps_of_the_images_that_they_show()
    {
        // Image i is of class i, and its map says 7 - i. Number 3 is corrupt: the next one takes its place, map included.
        var images = new PatternImages(Images, classes: Images) { Corrupt = { 3 } };
        WriteMaps();
        using var maps = LabelMapFile.Open(At("labels.safetensors"), images);
        var source = new ImageSource(images, new DataRecipe { MaxCorruptFraction = 1 }, NullLogger.Instance, new LabelMaps(maps, PixelsPerToken: 8));
        using var batches = source.TrainingBatches(new TrainingEpoch
        {
            Seed = 1,
            Epoch = 0,
            BatchSize = 4,
            ResolutionOf = static _ => 16,
            Augmentation = new AugmentationRecipe { Mixup = 0, Cutmix = 0, Smoothing = 0.2 },
        });
        var shown = new List<int>();
        while (batches.TryNext(out var batch))
        {
            for (var row = 0; row < batch.Count; row++)
            {
                var label = batch.Labels.Span[row];
                shown.Add(label);
                var tokens = new float[4 * Images];
                Assert.Equal(4, batch.TokenTargets[row].Count);
                batch.TokenTargets[row].Write(tokens, Images, smoothing: 0);
                Assert.All(tokens.Chunk(Images), token => Assert.Equal(1f, token[Images - 1 - label], 5));
                var target = batch.Targets.Slice(row * Images, Images).ToArray();
                Assert.Equal(0.8f + (0.2f / Images), target[Images - 1 - label], 5);
                Assert.Equal(1f, target.Sum(), 5);
            }
        }

        Assert.Equal([0, 1, 2, 4, 4, 5, 6, 7], shown.Order());
    }

    private void WriteMaps()
    {
        ushort[] classes = [.. Enumerable.Range(0, Images * 4).Select(static i => (ushort)(Images - 1 - (i / 4)))];
        Half[] scores = [.. Enumerable.Repeat((Half)0.5f, Images * 4)];
        int[] labels = [.. Enumerable.Range(0, Images)];
        using var stream = File.Create(At("labels.safetensors"));
        SafetensorsWriter.WriteHeader(
            stream,
            [
                new(LabelMapFile.ClassesTensor, TensorType.U16, [Images, 1, 2, 2]),
                new(LabelMapFile.ScoresTensor, TensorType.F16, [Images, 1, 2, 2]),
                new(LabelMapFile.LabelsTensor, TensorType.I32, [Images]),
            ],
            metadata: null);
        stream.Write(MemoryMarshal.AsBytes(classes.AsSpan()));
        stream.Write(MemoryMarshal.AsBytes(scores.AsSpan()));
        stream.Write(MemoryMarshal.AsBytes(labels.AsSpan()));
    }
}
