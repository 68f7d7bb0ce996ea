using System.Security.Cryptography;
using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Ort.Data;
using AutoProg.Ort.Files;
using AutoProg.Ort.Metrics;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Runs;

namespace AutoProg.Ort.Tests.Metrics;

public sealed class FeatureExtractorTests : InTemporaryFolder
{
    private static readonly Dictionary<string, string> Told = new(StringComparer.Ordinal) { ["mean"] = "[0.5,0.25,0]", ["std"] = "[0.5,0.25,1]", ["resolution"] = "4" };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Images_are_resized_and_normalised_as_the_file_says(bool anyBatch)
    {
        var path = Model("m.onnx", Told, anyBatch);
        using var device = Device.Open("cpu", 1);
        using var extractor = FeatureExtractor.Open(device, path);
        Assert.Equal(("image", "features", 3, 4, anyBatch ? 32 : 2), (extractor.Input, extractor.Output, extractor.Dimension, extractor.Resolution, extractor.BatchSize));
        Assert.Equal((path, Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path)))), (extractor.Path, extractor.Sha256));

        // The features are the channels' means of what the network sees: (value / 255 - mean) / std.
        using RgbImage grey = Plain(8, 8, 51, 51, 51), wide = Plain(9, 5, 255, 0, 102);
        var features = extractor.Extract([grey, wide]);
        Assert.Equal([(0.2 - 0.5) / 0.5, (0.2 - 0.25) / 0.25, 0.2, 1, -1, 0.4], features.Select(static v => (double)v), Close);
        Assert.Equal(features[..3], extractor.Extract([grey]));
    }

    [Fact]
    public void Any_number_of_images_is_added_batch_by_batch()
    {
        using var device = Device.Open("cpu", 1);
        using var extractor = FeatureExtractor.Open(device, Model("m.onnx", Told, anyBatch: false));
        var accumulator = new FeatureAccumulator(extractor.Dimension);
        extractor.AddTo(accumulator, Enumerable.Range(0, 5).Select(static i => Plain(4, 4, (byte)(51 * i), 0, 0)));
        var statistics = accumulator.ToStatistics();
        Assert.Equal(5, accumulator.Count);
        Assert.Equal([(0.4 - 0.5) / 0.5, -1, 0], statistics.Mean.ToArray(), Close);
        Assert.Equal(0.1 / 0.25, statistics.Covariance[0], 1e-6);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => extractor.AddTo(accumulator, [Plain(4, 4, 0, 0, 0)], cancelled.Token));
    }

    [Fact]
    public void A_whole_image_is_squeezed_and_otherwise_its_middle_is_taken()
    {
        using var device = Device.Open("cpu", 1);
        var path = Model("m.onnx", Told, anyBatch: true);
        FeatureOptions plain = new() { Mean = [0, 0, 0], Std = [1, 1, 1] };
        using FeatureExtractor middle = FeatureExtractor.Open(device, path, plain), whole = FeatureExtractor.Open(device, path, plain with { WholeImages = true });

        // The left quarter of an image twice as wide as high is white: none of it lies in the middle square.
        using RgbImage image = new(8, 4, [.. Enumerable.Range(0, 8 * 4).SelectMany(static i => Enumerable.Repeat(i % 8 < 2 ? byte.MaxValue : (byte)0, 3))]);
        Assert.All(middle.Extract([image]), static share => Assert.Equal(0, share));
        Assert.All(whole.Extract([image]), static share => Assert.InRange(share, 0.2f, 0.3f));
    }

    [Fact]
    public void Options_say_what_the_file_does_not()
    {
        using var device = Device.Open("cpu", 1);
        var path = Model("m.onnx", [], anyBatch: true);
        using var extractor = FeatureExtractor.Open(device, path, new() { Mean = [0, 0, 0], Std = [1, 1, 1], Output = "map", BatchSize = 3 });
        Assert.Equal(("map", 3 * 4 * 4, 3), (extractor.Output, extractor.Dimension, extractor.BatchSize));
        using var image = Plain(4, 4, 255, 0, 51);
        Assert.Equal([1, 0, 0.2], extractor.Extract([image]).Chunk(16).Select(static channel => (double)channel.Average()), Close);
    }

    [Fact]
    public void Without_an_output_called_features_the_last_one_of_rank_2_is_taken()
    {
        using var device = Device.Open("cpu", 1);
        using var extractor = FeatureExtractor.Open(device, Model("m.onnx", Told, anyBatch: true, features: "pooled"));
        Assert.Equal("pooled", extractor.Output);
    }

    [Fact]
    public void What_cannot_give_features_is_refused_with_the_cure()
    {
        using var device = Device.Open("cpu", 1);
        File.WriteAllText(At("text.onnx"), "no model");
        Refused(At("text.onnx"), null, "ONNX Runtime does not load it");
        var plain = Model("plain.onnx", [], anyBatch: true);
        Refused(plain, null, "its metadata has no 'mean'; set mean and std, for instance 0.5,0.5,0.5 each");
        Refused(plain, new() { Mean = [0], Std = [1] }, "its images cannot be normalised");
        var told = Model("told.onnx", Told, anyBatch: true);
        var absent = Assert.Throws<ArgumentException>(() => FeatureExtractor.Open(device, told, new() { Output = "absent" }));
        Assert.StartsWith($"{told} has no output 'absent'; it gives 'logits' (Single[", absent.Message, StringComparison.Ordinal);
        Refused(told, new() { Resolution = 5 }, "its images have 4 pixels per side, and 5 were asked for");
        Refused(told, new() { BatchSize = 0 }, "0 images per run, expected 1 to 4096");
        Refused(told, new() { CropPct = 0 }, "a crop of 0 was asked for, expected above 0 to 1");
        Refused(told, new() { CropPct = double.NaN }, "a crop of NaN was asked for, expected above 0 to 1");
        Refused(Model("odd.onnx", new(Told) { ["std"] = "none" }, anyBatch: true), null, "its metadata 'std' is no list of numbers");
        Refused(Model("two.onnx", Told, anyBatch: true, channels: 2), null, "it takes 'image' (Single[?, 2, 4, 4]); expected one float input [N, 3, H, W]");

        void Refused(string path, FeatureOptions? options, string finding)
        {
            var error = Assert.Throws<FileFormatException>(() => FeatureExtractor.Open(device, path, options));
            Assert.StartsWith($"{path}: ", error.Message, StringComparison.Ordinal);
            Assert.Contains(finding, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_output_whose_first_axis_is_not_the_batch_is_refused()
    {
        var b = new GraphBuilder();
        b.Output("turned", b.Transpose(b.Input("image", ElementType.Float, [2, 3, 4, 4]), 1, 0, 2, 3));
        File.WriteAllBytes(At("turned.onnx"), OnnxWriter.WriteWithWeights(b.Build(), "m", static weight => throw new KeyNotFoundException(weight), Told));
        using var device = Device.Open("cpu", 1);
        var error = Assert.Throws<FileFormatException>(() => FeatureExtractor.Open(device, At("turned.onnx")));
        Assert.EndsWith("output 'turned' is [3, 2, 4, 4] for 2 images, expected [2, ...]; name another output", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_images_than_a_run_takes_are_refused()
    {
        using var device = Device.Open("cpu", 1);
        using var extractor = FeatureExtractor.Open(device, Model("m.onnx", Told, anyBatch: false));
        using var image = Plain(4, 4, 0, 0, 0);
        Assert.StartsWith("3 images were given, expected 1 to 2.", Assert.Throws<ArgumentException>(() => extractor.Extract([image, image, image])).Message, StringComparison.Ordinal);
    }

    private static bool Close(double one, double other) => Math.Abs(one - other) < 1e-5;

    /// <summary>Gives the channels' largest values as logits, the image itself as a map, and the channels' means as features.</summary>
    private string Model(string name, Dictionary<string, string> metadata, bool anyBatch, string features = "features", int channels = 3)
    {
        Graph Build(int batch)
        {
            var b = new GraphBuilder();
            var image = b.Input("image", ElementType.Float, [batch, channels, 4, 4]);
            b.Output("logits", b.ReduceMax(image, [2, 3]));
            b.Output("map", b.Scale(image, 1.0));
            b.Output(features, b.ReduceMean(image, [2, 3]));
            return b.Build();
        }

        var any = anyBatch ? DynamicBatch.Of(Build) : null;
        File.WriteAllBytes(At(name), OnnxWriter.WriteWithWeights(any?.Graph ?? Build(2), "m", static weight => throw new KeyNotFoundException(weight), metadata, any?.BatchAxes));
        return At(name);
    }

    private static RgbImage Plain(int width, int height, byte red, byte green, byte blue) =>
        new(width, height, [.. Enumerable.Range(0, width * height).SelectMany(_ => new[] { red, green, blue })]);
}
