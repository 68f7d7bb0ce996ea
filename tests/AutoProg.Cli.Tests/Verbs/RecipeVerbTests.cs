namespace AutoProg.Cli.Tests.Verbs;

public sealed class RecipeVerbTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_comparison_runs_every_policy_and_writes_its_reports()
    {
        var answer = Autoprog.Run("compare", Autoprog.TinyRecipe, "--policies", "original,prog", "--output", folder.Path, "--experiment", "c", "--json", "--quiet");

        Assert.Equal((0, ""), (answer.Code, answer.Messages));
        Assert.Equal(["original", "prog"], answer.Json.GetProperty("policies").EnumerateArray().Select(p => p.GetProperty("policy").GetString()));
        Assert.True(File.Exists(Path.Combine(folder["c"], "compare.json")));
        Assert.True(File.Exists(Path.Combine(folder["c"], "compare.md")));
    }

    [Fact]
    public void A_benchmark_measures_every_sub_network_in_the_documented_form()
    {
        var answer = Autoprog.Run("bench", Autoprog.TinyRecipe, "--steps", "1", "--warmup-steps", "1", "--json");

        Assert.Equal(0, answer.Code);
        var networks = answer.Json.GetProperty("subnetworks").EnumerateArray().ToList();
        Assert.Equal([(8, 1), (8, 2), (16, 1), (16, 2)], networks.Select(n => (n.GetProperty("resolution").GetInt32(), n.GetProperty("depth").GetInt32())));
        Assert.All(networks, n => Assert.Equal(
            ["resolution", "depth", "learnable", "step_ms", "forward_backward_ms", "update_ms", "data_ms", "peak_memory_mb", "gflops"], n.EnumerateObject().Select(p => p.Name)));
        Assert.Matches(@"(?m)^r16 l2: \d+\.\d ms per step\.$", answer.Messages);
    }

    [Fact]
    public void A_benchmark_of_a_model_needs_no_recipe()
    {
        var answer = Autoprog.Run("bench", "--model", "deit_micro", "--img-size", "16", "--batch-size", "4", "--set", "model.depth=2", "--steps", "1", "--warmup-steps", "1", "--quiet");

        Assert.Equal((0, ""), (answer.Code, answer.Messages));
        Assert.Matches(@"(?m)^ r16 l2 +all ", answer.Results);
        Assert.Equal(2, Autoprog.Run("bench", "--model", "deit_mikro").Code);
    }

    [Fact]
    public void A_benchmark_of_layers_tells_what_their_gradients_cost()
    {
        string[] layers = ["bench", "--conv", "2x4x9x9,6x4x3x3,s2,p1", "2x4x5x5,4x1x3x3,g4", "--steps", "1", "--warmup-steps", "1", "--threads", "1"];
        var answer = Autoprog.Run([.. layers, "--json"]);

        Assert.Equal((0, ""), (answer.Code, answer.Messages));
        var measured = answer.Json.GetProperty("layers").EnumerateArray().ToList();
        Assert.Equal(["2x4x9x9,6x4x3x3,s2,p1", "2x4x5x5,4x1x3x3,g4"], measured.Select(l => l.GetProperty("layer").GetString()));
        Assert.All(measured, l => Assert.Equal(["layer", "forward_ms", "dx_ms", "dw_ms", "ratio"], l.EnumerateObject().Select(p => p.Name)));
        Assert.Matches(@"(?m)^ 2x4x5x5,4x1x3x3,g4 ", Autoprog.Run(layers).Results);
    }

    [Theory]
    [InlineData("error: '8x3x4' is no convolution; expected image and kernel", "--conv", "8x3x4")]
    [InlineData("error: --conv measures layers alone; leave recipe, --model, --official and --profile out", "--conv", "1x1x1x1,1x1x1x1", "--model", "deit_micro")]
    [InlineData("error: --conv measures layers alone; leave recipe, --model, --official and --profile out", "--conv", "1x1x1x1,1x1x1x1", "--profile")]
    [InlineData("error: --profile tells the operators of this engine's step; leave --official out", "--model", "deit_micro", "--official", "--profile")]
    public void A_benchmark_says_what_it_cannot_measure(string message, params string[] arguments)
    {
        var answer = Autoprog.Run(["bench", .. arguments]);

        Assert.Equal(2, answer.Code);
        Assert.StartsWith(message, answer.Messages, StringComparison.Ordinal);
    }

    [Fact]
    public void Graphs_are_missing_until_they_are_built()
    {
        string[] list = ["graphs", "list", Autoprog.TinyRecipe, "--graphs-dir", folder["g"]];
        Assert.Matches(@"(?m)^ r8 l1 .* missing ", Autoprog.Run(list).Results);

        Assert.Equal(0, Autoprog.Run("graphs", "build", Autoprog.TinyRecipe, "--graphs-dir", folder["g"], "--quiet").Code);

        Assert.DoesNotContain("missing", Autoprog.Run(list).Results);
        var nowhere = Autoprog.Run("graphs", "list", Autoprog.TinyRecipe);
        Assert.Equal(2, nowhere.Code);
        Assert.StartsWith($"error: {Autoprog.TinyRecipe}: runtime.graphs_dir: expected the folder to keep graphs in", nowhere.Messages);
    }

    [Fact]
    public void Folders_for_on_device_training_are_built_for_every_sub_network()
    {
        var answer = Autoprog.Run("graphs", "build", Autoprog.TinyRecipe, "--graphs-dir", folder["g"], "--official", "--json", "--quiet");

        Assert.Equal(0, answer.Code);
        var folders = answer.Json.GetProperty("artifacts").EnumerateArray().Select(static a => a.GetProperty("folder").GetString()!).ToList();
        Assert.Equal(["deit_micro-r8-l1-b16", "deit_micro-r8-l2-b16", "deit_micro-r16-l1-b16", "deit_micro-r16-l2-b16"], folders.Select(static path => Path.GetFileName(path)));
        Assert.All(folders, static path => Assert.Equal(4, Directory.GetFiles(path).Length));
        Assert.StartsWith(
            "error: --official goes with 'build' only",
            Autoprog.Run("graphs", "list", Autoprog.TinyRecipe, "--graphs-dir", folder["g"], "--official").Messages);
    }

    [Fact]
    public void Without_the_training_flavour_the_official_benchmark_says_how_to_get_it()
    {
        var answer = Autoprog.Run("bench", Autoprog.TinyRecipe, "--official");

        Assert.Equal(2, answer.Code);
        Assert.Matches(
            @"^error: This ONNX Runtime \([\d.]+, flavour Cpu\) has no training of its own; build with -p:OrtFlavor=Training, which takes the package Microsoft\.ML\.OnnxRuntime\.Training 1\.19\.2, the last one that has it\.\n$",
            answer.Messages);
    }
}
