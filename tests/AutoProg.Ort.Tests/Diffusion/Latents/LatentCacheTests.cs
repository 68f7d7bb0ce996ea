using AutoProg.Ort.Data;
using AutoProg.Ort.Data.Formats;
using AutoProg.Ort.Diffusion.Latents;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Tests.Data;
using AutoProg.Ort.Tests.Runs;

namespace AutoProg.Ort.Tests.Diffusion.Latents;

public sealed class LatentCacheTests : IDisposable
{
    private const int Side = 24;
    private const int Images = 7;

    private readonly TemporaryFolder folder = new();
    private readonly Warnings warnings = new();
    private readonly VaeSession vae;
    private int loads;

    public LatentCacheTests() => vae = TestVae.Open(folder);

    public void Dispose()
    {
        vae.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void The_moments_of_every_image_and_of_its_mirror_image_are_kept()
    {
        using var cache = LatentCache.OpenOrBuild(Request(), Side);

        Assert.Equal((Images, Side, new LatentShape(3, 6, 6)), (cache.Count, cache.Resolution, cache.Shape));
        for (var i = 0; i < Images; i++)
        {
            var means = TestVae.Means(Pixels(i), Side);
            Assert.Equal(means, cache.Mean(i, flipped: false).ToArray(), Close);
            Assert.Equal(means.Select(static mean => -0.5f * mean), cache.LogVariance(i, flipped: false).ToArray(), Close);

            // The average of 4 x 4 pixels of a mirror image is the mirror image of the averages.
            float[] mirrored = [.. means.Chunk(6).SelectMany(static row => row.Reverse())];
            Assert.Equal(mirrored, cache.Mean(i, flipped: true).ToArray(), Close);
            Assert.Equal(mirrored.Select(static mean => -0.5f * mean), cache.LogVariance(i, flipped: true).ToArray(), Close);
            Assert.Equal(i % 5, cache.LabelOf(i));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => cache.Mean(Images, flipped: false));
    }

    [Fact]
    public void A_whole_file_is_taken_and_every_other_one_is_made_anew()
    {
        string path;
        byte[] whole;
        using (var cache = LatentCache.OpenOrBuild(Request(), Side))
        {
            path = cache.Path;
            whole = File.ReadAllBytes(path);
        }

        var encoding = loads;
        Assert.True(Reads(path) < encoding, "a whole file was not taken");
        Assert.Empty(warnings.Messages);

        Damaged(whole[..^1], $"it has {whole.Length - 1} bytes instead of {whole.Length}");
        Damaged([.. whole, 0], $"it has {whole.Length + 1} bytes instead of {whole.Length}");
        Damaged([], "it does not begin as a cache of latents");
        Damaged(whole[..100], "it does not begin as a cache of latents");
        Damaged("P5"u8.ToArray(), "it does not begin as a cache of latents");
        Damaged(Changed(17), "its header is damaged");
        Damaged(Changed(50), "its header is damaged");
        Damaged(Changed(200), "its data are damaged");
        Damaged(Changed(whole.Length - 1), "its data are damaged");
        Damaged(new LatentCacheHeader(new byte[32], Images, Side, new LatentShape(3, 6, 6), 0).ToArray(), "it belongs to another encoder, data set or resolution");
        Damaged(new LatentCacheHeader(new byte[32], 0, Side, new LatentShape(3, 6, 6), 0).ToArray(), "it says that it has 0 latents of 3x6x6");
        Damaged(new LatentCacheHeader(new byte[32], 1, Side, new LatentShape(3, 1 << 14, 1 << 14), 0).ToArray(), "it says that it has 1 latents of 3x16384x16384");
        Assert.Equal(["latents-24-" + Path.GetFileName(path)[11..]], Directory.EnumerateFiles(Path.GetDirectoryName(path)!).Select(static file => Path.GetFileName(file)));

        byte[] Changed(int at)
        {
            byte[] bytes = [.. whole];
            bytes[at] ^= 1;
            return bytes;
        }

        void Damaged(byte[] content, string problem)
        {
            File.WriteAllBytes(path, content);
            warnings.Messages.Clear();
            Assert.Equal(encoding, Reads(path));
            Assert.Equal([$"{path} is not usable and is made anew: {problem}"], warnings.Messages);
            Assert.Equal(whole, File.ReadAllBytes(path));
        }
    }

    [Fact]
    public void The_file_depends_on_encoder_data_and_resolution()
    {
        var paths = new List<string>
        {
            PathOf(Request(), Side),
            PathOf(Request(), 16),
            PathOf(Request() with { Dataset = new PatternImages(Images + 1, Side) }, Side),
            PathOf(Request() with { Dataset = new PatternImages(Images, Side, classes: 3) }, Side),
            PathOf(Request() with { Dataset = new BuiltinShapes(Images, 1, training: true) }, Side),
            PathOf(Request() with { Dataset = new BuiltinShapes(Images, 2, training: true) }, Side),
        };
        using (var other = new TemporaryFolder())
        using (var otherVae = TestVae.Open(other, twoResults: true))
        {
            paths.Add(PathOf(Request() with { Vae = otherVae }, Side));
        }

        Assert.Equal(paths.Count, paths.Distinct().Count());
        Assert.Equal(paths[0], PathOf(Request(), Side));
    }

    [Fact]
    public void An_image_that_cannot_be_read_is_replaced_with_its_label()
    {
        var request = Request() with { Dataset = new PatternImages(Images, Side) { Corrupt = [2] }, Loading = new DataRecipe { MaxCorruptFraction = 0.5, Workers = 1, Prefetch = 1 } };
        using var cache = LatentCache.OpenOrBuild(request, Side);

        Assert.Equal(cache.Mean(3, flipped: true).ToArray(), cache.Mean(2, flipped: true).ToArray());
        Assert.Equal(3, cache.LabelOf(2));
    }

    [Fact]
    public void What_was_broken_off_leaves_nothing_behind()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        var request = Request() with { Folder = Path.Combine(folder.Path, "broken") };

        Assert.ThrowsAny<OperationCanceledException>(() => LatentCache.OpenOrBuild(request, Side, stop.Token));
        Assert.Throws<DataException>(() => LatentCache.OpenOrBuild(request with { Dataset = new PatternImages(Images, Side) { Corrupt = [1, 2, 3] } }, Side));

        Assert.Empty(Directory.EnumerateFiles(request.Folder));
    }

    [Fact]
    public void Latents_are_drawn_anew_at_each_use_by_the_random_numbers_given()
    {
        using var latents = LatentDataset.Open(Request(), [Side, 16, Side]);
        var cache = latents.At(Side);
        var (first, again, other) = (Draw(0), Draw(0), Draw(1));

        Assert.Equal(first, again);
        Assert.NotEqual(first, other);
        Assert.Equal(new LatentShape(3, 4, 4), latents.At(16).Shape);
        Assert.Equal((Images, 5, 0.5), (latents.Count, latents.ClassNames.Count, latents.ScaleFactor));
        Assert.StartsWith("'pattern' has no latents at 32 pixels, only at 16, 24; open it at that resolution.", Assert.Throws<ArgumentException>(() => latents.At(32)).Message, StringComparison.Ordinal);

        // Over many draws: the mirror image as often as asked for, and the mean and the deviation of the posterior, scaled.
        var (flips, sum, squares, count) = (0, 0.0, 0.0, 2000);
        for (var draw = 0; draw < count; draw++)
        {
            var random = new CounterRandom(1, RandomPurpose.Augmentation, epoch: 1, index: draw);
            var z = new float[cache.Shape.Length];
            Assert.Equal(3, latents.Draw(3, Side, 0.25, ref random, z));
            var flipped = new CounterRandom(1, RandomPurpose.Augmentation, epoch: 1, index: draw).NextBool(0.25);
            flips += flipped ? 1 : 0;
            var deviation = (z[7] / 0.5) - cache.Mean(3, flipped)[7];
            var standard = deviation / Math.Exp(0.5 * cache.LogVariance(3, flipped)[7]);
            (sum, squares) = (sum + standard, squares + (standard * standard));
        }

        // Four standard errors.
        Assert.InRange(flips, 500 - 77, 500 + 77);
        Assert.InRange(sum / count, -0.09, 0.09);
        Assert.InRange(squares / count, 1 - 0.13, 1 + 0.13);

        float[] Draw(int index)
        {
            var random = new CounterRandom(1, RandomPurpose.Augmentation, index: index);
            var z = new float[cache.Shape.Length];
            latents.Draw(3, Side, 0.5, ref random, z);
            return z;
        }
    }

    [Fact]
    public void The_standard_deviation_is_that_of_drawn_latents()
    {
        using var cache = LatentCache.OpenOrBuild(Request(), Side);
        var means = Enumerable.Range(0, Images).SelectMany(i => cache.Mean(i, flipped: false).ToArray()).Select(static mean => (double)mean).ToArray();
        var variance = Enumerable.Range(0, Images).SelectMany(i => cache.LogVariance(i, flipped: false).ToArray()).Average(static v => Math.Exp(v));
        var expected = Math.Sqrt(means.Average(mean => Math.Pow(mean - means.Average(), 2)) + variance);

        Assert.Equal(expected, cache.StandardDeviation(), 1e-9);
    }

    private static bool Close(float expected, float actual) => Math.Abs(expected - actual) <= 1e-6f;

    /// <summary>An image of the data set on the scale -1 to 1, [3, 24, 24].</summary>
    private static float[] Pixels(int index)
    {
        using var image = new PatternImages(Images, Side).Load(index, Side);
        var planes = new float[3 * Side * Side];
        for (var i = 0; i < planes.Length; i++)
        {
            planes[(i % 3 * Side * Side) + (i / 3)] = (image.Pixels[i] / 127.5f) - 1;
        }

        return planes;
    }

    private static string PathOf(LatentCacheRequest request, int resolution)
    {
        using var cache = LatentCache.OpenOrBuild(request, resolution);
        return cache.Path;
    }

    private LatentCacheRequest Request() => new()
    {
        Folder = Path.Combine(folder.Path, "cache"),
        Dataset = new PatternImages(Images, Side) { OnLoad = _ => Interlocked.Increment(ref loads) },
        Vae = vae,
        BatchSize = 3,
        Loading = new DataRecipe { Workers = 1, Prefetch = 1 },
        Logger = warnings,
    };

    /// <summary>How many images opening a cache loads.</summary>
    private int Reads(string expectedPath)
    {
        loads = 0;
        Assert.Equal(expectedPath, PathOf(Request(), Side));
        return loads;
    }
}
