namespace AutoProg.Cli.Tests.Verbs;

public sealed class DifferentiateVerbTests : IDisposable
{
    private static readonly string Model = Path.Combine(AppContext.BaseDirectory, "Fixtures", "foreign", "vit_micro.onnx");

    private readonly TemporaryFolder folder = new();

    [Fact]
    public void Graph_manifest_and_weights_are_written()
    {
        var answer = Autoprog.Run("differentiate", Model, "--loss", "cross-entropy", "--batch", "2", "--output", folder["out"]);

        Assert.Equal((0, ""), (answer.Code, answer.Messages));
        Assert.Matches(@"(?m)^ input +Float +\[2, 3, 32, 32\]", answer.Results);
        Assert.Matches(@"(?m)^ labels +Int64 +\[2\]", answer.Results);
        Assert.Contains("running statistics follow the batches.", answer.Results, StringComparison.Ordinal);
        Assert.Equal(["training.json", "training.onnx", "weights.safetensors"], Directory.EnumerateFiles(folder["out"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Patterns_and_shapes_are_taken()
    {
        var answer = Autoprog.Run(
            "differentiate", Model, "--loss", "soft-target", "--trainable", "heads.*,encoder.ln.*", "--freeze", "*.bias", "--input", "input=4x3x32x32", "--output", folder["out"], "--json");

        Assert.Equal(0, answer.Code);
        Assert.Equal(["encoder.ln.weight", "heads.head.weight"], answer.Json.GetProperty("trainable").EnumerateArray().Select(static t => t.GetString()).Order());
    }

    [Theory]
    [InlineData("--loss", "hinge", "--loss is 'hinge'; expected cross-entropy, soft-target, per-pixel-cross-entropy or mse")]
    [InlineData("--batch", "0", "--batch is at least 1")]
    [InlineData("--input", "input=2x-3", "--input is 'input=2x-3'; expected NAME=SHAPE, e.g. input=8x3x224x224")]
    [InlineData("--trainable", "nix.*", "Pattern 'nix.*' names no Float tensor")]
    [InlineData("--result", "nix", "has no output 'nix'; it has output")]
    public void What_the_model_does_not_have_is_wrong_usage(string option, string value, string message)
    {
        string[] loss = option == "--loss" ? [] : ["--loss", "cross-entropy"];
        var answer = Autoprog.Run(["differentiate", Model, .. loss, option, value, "--output", folder["out"]]);

        Assert.Equal(2, answer.Code);
        Assert.Contains(message, answer.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public void An_input_has_one_shape()
    {
        var answer = Autoprog.Run("differentiate", Model, "--loss", "mse", "--output", folder["out"], "--input", "input=4x3x32x32", "input=2x3x32x32");

        Assert.Equal(2, answer.Code);
        Assert.StartsWith("error: --input names 'input' twice; give one shape per input", answer.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_file_exits_with_3()
    {
        File.WriteAllBytes(folder["half.onnx"], File.ReadAllBytes(Model)[..100_000]);
        var answer = Autoprog.Run("differentiate", folder["half.onnx"], "--loss", "mse", "--output", folder["out"]);

        Assert.Equal(3, answer.Code);
        Assert.StartsWith($"error: {folder["half.onnx"]}: is no ONNX model, or is damaged", answer.Messages, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();
}
