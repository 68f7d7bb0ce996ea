using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;

namespace AutoProg.Cli.Tests.Verbs;

public sealed class LabelVerbTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void Images_are_labelled_place_by_place_and_a_network_of_tokens_is_trained_by_that()
    {
        string[] labels = ["label", Autoprog.TinyRecipe, "--teacher", Teacher(classes: 10), "--output", folder["labels.safetensors"]];
        var answer = Autoprog.Run([.. labels, "--top", "3", "--json", "--quiet"]);

        Assert.Equal((0, ""), (answer.Code, answer.Messages));
        Assert.Equal((folder["labels.safetensors"], 32, 4), (answer.Json.GetProperty("file").GetString(), answer.Json.GetProperty("images").GetInt32(), answer.Json.GetProperty("grid").GetInt32()));
        Assert.Equal($"{folder["labels.safetensors"]}: 32 images, 4 x 4 places.\n", Autoprog.Run(labels).Results);

        string[] settings = ["model.name=volo_micro", "model.num_heads=2", "model.depth=4", "growth.policy=original", "augmentation.mixup=0", "augmentation.cutmix=0", $"data.token_labels={folder["labels.safetensors"]}"];
        var trained = Autoprog.Run(["train", Autoprog.TinyRecipe, .. settings.SelectMany(static setting => new[] { "--set", setting }), "--epochs", "1", "--output", folder.Path, "--quiet"]);
        Assert.Equal((0, ""), (trained.Code, trained.Messages));
    }

    [Theory]
    [InlineData(2, "--top is at least 1", "--top", "0")]
    [InlineData(2, "--resolution is at least 1", "--resolution", "0")]
    [InlineData(2, "has no output 'nix'; it gives 'places'", "--teacher-output", "nix")]
    [InlineData(2, "model.depht", "--set", "model.depht=3")]
    public void What_cannot_be_labelled_is_told_and_nothing_is_written(int code, string message, params string[] arguments)
    {
        var answer = Autoprog.Run(["label", Autoprog.TinyRecipe, "--teacher", Teacher(classes: 10), "--output", folder["labels.safetensors"], .. arguments]);

        Assert.Equal(code, answer.Code);
        Assert.Contains(message, answer.Messages, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["labels.safetensors"]));
    }

    [Fact]
    public void A_teacher_that_is_damaged_or_of_other_classes_exits_with_3()
    {
        File.WriteAllBytes(folder["damaged.onnx"], [1, 2, 3]);
        foreach (var teacher in new[] { folder["damaged.onnx"], Teacher(classes: 7), folder["none.onnx"] })
        {
            var answer = Autoprog.Run("label", Autoprog.TinyRecipe, "--teacher", teacher, "--output", folder["labels.safetensors"]);

            Assert.Equal(3, answer.Code);
            Assert.Contains(teacher, answer.Messages, StringComparison.Ordinal);
            Assert.False(File.Exists(folder["labels.safetensors"]));
        }
    }

    public void Dispose() => folder.Dispose();

    /// <summary>A convolution over patches: logits for 4 x 4 places of an image of 32 pixels.</summary>
    private string Teacher(int classes)
    {
        var b = new GraphBuilder();
        float[] weights = [.. Enumerable.Range(0, classes * 3 * 64).Select(static i => MathF.Sin(i * 1.7f) / 8)];
        var image = b.Input("image", ElementType.Float, [4, 3, 32, 32]);
        b.Output("places", b.Conv(image, b.Constant(Tensor.FromFloats([classes, 3, 8, 8], weights)), strides: [8, 8]));
        File.WriteAllBytes(folder[$"teacher-{classes}.onnx"], OnnxWriter.Write(b.Build(), "teacher"));
        return folder[$"teacher-{classes}.onnx"];
    }
}
