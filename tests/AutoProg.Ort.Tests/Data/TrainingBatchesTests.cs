using AutoProg.Ort.Data;
using AutoProg.Ort.Recipes;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Tests.Data;

public class TrainingBatchesTests
{
    private static readonly AugmentationRecipe Plain = new()
    {
        Scale = [1, 1],
        Ratio = [1, 1],
        Hflip = 0,
        ColorJitter = 0,
        Aa = null,
        Reprob = 0,
        Mixup = 0,
        Cutmix = 0,
        Smoothing = 0,
    };

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 4)]
    [InlineData(5, 2)]
    public void Content_does_not_depend_on_workers_and_prefetching(int workers, int prefetch)
    {
        var expected = Read(Source(new PatternImages(101), 1, 3), Epoch());
        Assert.Equal(6, expected.Count);
        Assert.Equal(expected, Read(Source(new PatternImages(101), workers, prefetch), Epoch()));
    }

    [Fact]
    public void Content_depends_on_seed_and_epoch()
    {
        var source = Source(new PatternImages(101));
        var first = Read(source, Epoch());
        Assert.Equal(first, Read(source, Epoch()));
        Assert.Empty(first.Intersect(Read(source, Epoch() with { Epoch = 1 })));
        Assert.Empty(first.Intersect(Read(source, Epoch() with { Seed = 2 })));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(6)]
    public void Resuming_inside_an_epoch_yields_the_same_bytes(int first)
    {
        var source = Source(new PatternImages(101));
        Assert.Equal(Read(source, Epoch()).Skip(first), Read(source, Epoch() with { FirstBatch = first }));
    }

    [Fact]
    public void Corrupt_images_do_not_make_content_depend_on_workers()
    {
        var corrupt = Enumerable.Range(0, 101).Where(index => index % 7 < 2).ToHashSet();
        var expected = Read(Source(new PatternImages(101) { Corrupt = corrupt }, 1), Epoch());
        for (var repetition = 0; repetition < 5; repetition++)
        {
            Assert.Equal(expected, Read(Source(new PatternImages(101) { Corrupt = corrupt }, 4), Epoch()));
        }
    }

    [Fact]
    public void Each_image_appears_once_and_an_incomplete_batch_is_dropped()
    {
        var seen = new List<int>();
        var images = new PatternImages(101, classes: 101);
        using var stream = Source(images).TrainingBatches(Epoch() with { Augmentation = Plain });
        Assert.Equal((6, 6), (stream.BatchCount, stream.Remaining));
        while (stream.TryNext(out var batch))
        {
            Assert.Equal((16, 16), (batch.Size, batch.Count));
            seen.AddRange(batch.Labels.ToArray());
            Assert.All(batch.Labels.ToArray().Index(), pair => Assert.Equal(1, batch.Targets.Span[(pair.Index * 101) + pair.Item]));
        }

        Assert.Equal(0, stream.Remaining);
        Assert.Equal(96, seen.Distinct().Count());
        Assert.NotEqual(seen.Order(), seen);
    }

    [Fact]
    public void Repeated_augmentation_shows_each_image_several_times_in_an_epoch_of_the_same_length()
    {
        var augmentation = new AugmentationRecipe { RepeatedAug = 3, Mixup = 0, Cutmix = 0 };
        using var stream = Source(new PatternImages(96, classes: 96)).TrainingBatches(Epoch() with { Augmentation = augmentation });
        var (labels, rows) = (new List<int>(), new List<string>());
        while (stream.TryNext(out var batch))
        {
            labels.AddRange(batch.Labels.ToArray());
            rows.AddRange(Enumerable.Range(0, 16).Select(row => Convert.ToHexString(Bytes(batch.Images.Span.Slice(row * 3 * 16 * 16, 3 * 16 * 16)))));
        }

        Assert.Equal(96, labels.Count);
        Assert.Equal(32, labels.Distinct().Count());
        Assert.All(labels.CountBy(label => label), pair => Assert.Equal(3, pair.Value));
        Assert.Equal(96, rows.Distinct().Count());
    }

    [Fact]
    public void Every_batch_has_the_resolution_asked_for()
    {
        using var stream = Source(new PatternImages(101)).TrainingBatches(Epoch() with { ResolutionOf = batch => batch % 2 == 0 ? 32 : 16 });
        for (var index = 0; stream.TryNext(out var batch); index++)
        {
            Assert.Equal((index, index % 2 == 0 ? 32 : 16), (batch.Index, batch.Resolution));
            Assert.Equal(16 * 3 * batch.Resolution * batch.Resolution, batch.Images.Length);
        }

        var mixed = Read(Source(new PatternImages(101)), Epoch() with { ResolutionOf = batch => batch % 2 == 0 ? 32 : 16 });
        var same = Read(Source(new PatternImages(101)), Epoch() with { ResolutionOf = _ => 16 });
        Assert.Equal([same[1], same[3], same[5]], [mixed[1], mixed[3], mixed[5]]);
    }

    [Fact]
    public void Without_augmentation_the_normalised_image_comes_through()
    {
        var images = new PatternImages(20, side: 16, classes: 20);
        var recipe = new DataRecipe { Mean = [0, 0, 0], Std = [1, 1, 1] };
        using var stream = new ImageSource(images, recipe, NullLogger.Instance).TrainingBatches(Epoch() with { Augmentation = Plain });
        Assert.True(stream.TryNext(out var batch));
        using var image = images.Load(batch.Labels.Span[5], 16);
        for (var i = 0; i < 256; i++)
        {
            Assert.Equal(image.Pixels[(3 * i) + 1] / 255f, batch.Images.Span[(((5 * 3) + 1) * 256) + i]);
        }
    }

    [Fact]
    public void A_resolution_that_is_no_size_reaches_the_reader()
    {
        using var stream = Source(new PatternImages(101)).TrainingBatches(Epoch() with { ResolutionOf = batch => batch == 2 ? 0 : 16 });
        var error = Assert.Throws<InvalidOperationException>(() =>
        {
            while (stream.TryNext(out _))
            {
            }
        });
        Assert.Equal("ResolutionOf(2) is 0; expected a number of pixels above 0.", error.Message);
    }

    [Fact]
    public void Soft_targets_of_a_mixed_batch_add_up_to_one()
    {
        using var stream = Source(new PatternImages(101)).TrainingBatches(Epoch());
        while (stream.TryNext(out var batch))
        {
            Assert.All(batch.Targets.ToArray().Chunk(batch.Classes), row => Assert.Equal(1, row.Sum(), 1e-6));
        }
    }

    [Fact]
    public void Fewer_images_than_a_batch_are_refused()
    {
        var error = Assert.Throws<DataException>(() => Source(new PatternImages(15)).TrainingBatches(Epoch()));
        Assert.Equal("'pattern' has 15 images, fewer than one batch of 16; lower training.batch_size.", error.Message);
    }

    [Fact]
    public void Wrong_settings_are_refused_before_a_worker_starts()
    {
        var source = Source(new PatternImages(101));
        Assert.Throws<FormatException>(() => source.TrainingBatches(Epoch() with { Augmentation = new AugmentationRecipe { Aa = "rand-z" } }));
        var error = Assert.Throws<ArgumentException>(() => source.TrainingBatches(Epoch() with { Augmentation = new AugmentationRecipe { Scale = [0.5, 0.2] } }));
        Assert.StartsWith("augmentation.scale = [0.5, 0.2]; expected a lower and an upper bound above 0 and at most 1, in that order.", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => source.TrainingBatches(Epoch() with { FirstBatch = 7 }));
    }

    private static TrainingEpoch Epoch() => new() { Seed = 1, Epoch = 0, BatchSize = 16, ResolutionOf = _ => 16, Augmentation = new AugmentationRecipe() };

    private static ImageSource Source(IImageDataset images, int workers = 2, int prefetch = 2) =>
        new(images, new DataRecipe { Workers = workers, Prefetch = prefetch, MaxCorruptFraction = 0.5 }, NullLogger.Instance);

    /// <summary>Everything that each batch holds, as text.</summary>
    private static List<string> Read(ImageSource source, TrainingEpoch epoch)
    {
        using var stream = source.TrainingBatches(epoch);
        var batches = new List<string>();
        while (stream.TryNext(out var batch))
        {
            batches.Add($"{batch.Resolution} {string.Join(' ', batch.Labels.ToArray())} {Convert.ToHexString(Bytes(batch.Targets.Span))} {Convert.ToHexString(Bytes(batch.Images.Span))}");
        }

        return batches;
    }

    private static ReadOnlySpan<byte> Bytes(ReadOnlySpan<float> values) => System.Runtime.InteropServices.MemoryMarshal.AsBytes(values);
}
