using AutoProg.Ort.Data;
using AutoProg.Ort.Recipes;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Tests.Data;

public class SearchAndEvaluationBatchesTests
{
    [Fact]
    public void Search_batches_are_the_same_at_every_reading()
    {
        var source = Source();
        var first = Read(source.SearchBatches(Reading()));
        Assert.Equal([8, 8, 4], first.Select(batch => batch.Count));
        Assert.Equal(first.Select(batch => batch.Pixels), Read(source.SearchBatches(Reading())).Select(batch => batch.Pixels));
        Assert.NotEqual(first[0].Pixels, Read(source.SearchBatches(Reading() with { Search = 1 }))[0].Pixels);
    }

    [Fact]
    public void Search_targets_are_smoothed_and_never_mixed()
    {
        var batches = Read(Source().SearchBatches(Reading()));
        Assert.All(batches, batch => Assert.All(Enumerable.Range(0, batch.Count), row =>
        {
            var target = batch.Targets[(row * 5)..((row + 1) * 5)];
            Assert.Equal(0.92f, target[batch.Labels[row]]);
            Assert.Equal(4, target.Count(value => value == 0.02f));
        }));
    }

    [Fact]
    public void Evaluation_covers_all_images_in_order_and_pads_the_last_batch()
    {
        var batches = Read(Source().EvaluationBatches(8, 16, 0.875));
        Assert.Equal([8, 8, 4], batches.Select(batch => batch.Count));
        Assert.Equal(Enumerable.Range(0, 20).Select(index => index % 5), batches.SelectMany(batch => batch.Labels.Take(batch.Count)));
        var last = batches[2];
        Assert.Equal([-1, -1, -1, -1], last.Labels[4..]);
        Assert.All(last.Targets[(4 * 5)..], value => Assert.Equal(0, value));
        Assert.Equal(new string('0', 4 * 3 * 16 * 16 * 8), last.Pixels[^(4 * 3 * 16 * 16 * 8)..]);
        Assert.Equal(1, last.Targets[last.Labels[0]]);
    }

    [Fact]
    public void Evaluation_is_repeatable()
    {
        var source = Source();
        Assert.Equal(Read(source.EvaluationBatches(8, 16, 0.875)).Select(batch => batch.Pixels), Read(source.EvaluationBatches(8, 16, 0.875)).Select(batch => batch.Pixels));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1.01)]
    public void An_impossible_crop_is_refused(double cropPct) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Source().EvaluationBatches(8, 16, cropPct));

    private static ImageSource Source() => new(new PatternImages(20), new DataRecipe { Workers = 2, Prefetch = 1 }, NullLogger.Instance);

    private static SearchReading Reading() => new() { Seed = 1, Search = 0, BatchSize = 8, Resolution = 16, Augmentation = new AugmentationRecipe() };

    private static List<(int Count, string Pixels, int[] Labels, float[] Targets)> Read(BatchStream stream)
    {
        using (stream)
        {
            var batches = new List<(int, string, int[], float[])>();
            while (stream.TryNext(out var batch))
            {
                var pixels = Convert.ToHexString(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(batch.Images.Span));
                batches.Add((batch.Count, pixels, batch.Labels.ToArray(), batch.Targets.ToArray()));
            }

            return batches;
        }
    }
}
