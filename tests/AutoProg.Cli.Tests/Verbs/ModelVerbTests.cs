namespace AutoProg.Cli.Tests.Verbs;

/// <summary>A run that the tests of evaluation and export share.</summary>
public sealed class TrainedRun : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public TrainedRun() => Assert.Equal(0, Autoprog.Run("train", Autoprog.TinyRecipe, "--output", folder.Path, "--experiment", "a", "--policy", "original", "--quiet").Code);

    public string Path => folder["a"];

    public string this[string name] => folder[name];

    public void Dispose() => folder.Dispose();
}

public sealed class ModelVerbTests(TrainedRun run) : IClassFixture<TrainedRun>
{
    [Fact]
    public void Evaluation_gives_the_accuracy_that_the_run_has_reported()
    {
        var reported = Autoprog.Run("train", "--resume", run.Path, "--json", "--quiet").Json.GetProperty("final");

        var answer = Autoprog.Run("evaluate", run.Path, "--json");

        Assert.Equal(0, answer.Code);
        var result = Assert.Single(answer.Json.GetProperty("results").EnumerateArray());
        Assert.Equal(reported.GetProperty("weights").GetString(), result.GetProperty("weights").GetString());
        Assert.Equal(reported.GetProperty("top1").GetDouble(), result.GetProperty("top1").GetDouble());
        Assert.Equal(16, result.GetProperty("count").GetInt32());
    }

    [Fact]
    public void All_weights_are_evaluated_at_any_resolution()
    {
        var answer = Autoprog.Run("evaluate", run.Path, "--weights", "all", "--img-size", "8", "--batch-size", "4");

        Assert.Equal(0, answer.Code);
        Assert.Matches(@"(?m)^ online +8 ", answer.Results);
        Assert.Matches(@"(?m)^ ema-0\.998 +8 ", answer.Results);
    }

    [Theory]
    [InlineData("--weights", "nix", "There are no weights 'nix'; use best, all, online, ema-0.998.")]
    [InlineData("--img-size", "13", "Resolution 13 is not a positive multiple of patch size 4.")]
    public void What_the_model_does_not_have_is_wrong_usage(string option, string value, string message)
    {
        var answer = Autoprog.Run("evaluate", run.Path, option, value);

        Assert.Equal((2, $"error: {message}\nautoprog evaluate --help shows what there is.\n"), (answer.Code, answer.Messages));
    }

    [Theory]
    [InlineData("evaluate")]
    [InlineData("export")]
    public void A_model_that_is_not_there_exits_with_3(string verb)
    {
        var answer = Autoprog.Run(verb, run["none"]);

        Assert.Equal((3, $"error: {run["none"]}: there is no such run, checkpoint or file of weights.\n"), (answer.Code, answer.Messages));
    }

    [Fact]
    public void Exported_weights_evaluate_like_the_run()
    {
        var export = Autoprog.Run("export", run.Path, "--format", "safetensors", "--output", run["weights.safetensors"], "--json");
        Assert.Equal((0, run["weights.safetensors"]), (export.Code, export.Json.GetProperty("path").GetString()));

        var (fromFile, fromRun) = (Autoprog.Run("evaluate", run["weights.safetensors"], "--recipe", Autoprog.TinyRecipe, "--json"), Autoprog.Run("evaluate", run.Path, "--json"));

        Assert.Equal(Loss(fromRun), Loss(fromFile), 1e-12);

        static double Loss(Answer answer) => answer.Json.GetProperty("results")[0].GetProperty("loss").GetDouble();
    }

    [Fact]
    public void An_exported_graph_says_what_it_takes()
    {
        var answer = Autoprog.Run("export", run.Path, "--output", run["model.onnx"], "--batch-size", "2", "--quiet");

        Assert.Equal((0, ""), (answer.Code, answer.Messages));
        Assert.Matches(@"(?m)^format +onnx *$", answer.Results);
        Assert.Matches(@"(?m)^batch size +2 *$", answer.Results);
        Assert.True(new FileInfo(run["model.onnx"]).Length > 0);
    }

    [Theory]
    [InlineData("--format", "ort-training")]
    [InlineData("--format=ort-training", "--quiet")]
    public void A_folder_for_on_device_training_is_exported(string format, string more)
    {
        var answer = Autoprog.Run("export", run.Path, format, more, "--output", run["phone"]);

        Assert.Equal(0, answer.Code);
        Assert.Matches(@"(?m)^format +ort-training *$", answer.Results);
        Assert.Matches(@"(?m)^batch size +16 *$", answer.Results);
        Assert.Equal(["checkpoint", "eval_model.onnx", "optimizer_model.onnx", "training_model.onnx"], Directory.GetFiles(run["phone"]).Select(static file => Path.GetFileName(file)).Order());
    }

    [Fact]
    public void A_checkpoint_of_on_device_training_evaluates_like_the_run_and_starts_another()
    {
        Assert.Equal(0, Autoprog.Run("export", run.Path, "--format", "ort-training", "--output", run["device"], "--quiet").Code);
        var checkpoint = Path.Combine(run["device"], "checkpoint");

        var (fromFile, fromRun) = (Autoprog.Run("evaluate", checkpoint, "--recipe", Autoprog.TinyRecipe, "--json"), Autoprog.Run("evaluate", run.Path, "--json"));

        Assert.Equal(Loss(fromRun), Loss(fromFile), 1e-12);
        var next = Autoprog.Run("train", Autoprog.TinyRecipe, "--policy", "original", "--initial-checkpoint", checkpoint, "--output", run["next"], "--max-train-steps", "1");
        Assert.Equal(0, next.Code);
        Assert.Contains($"Initial weights from {checkpoint}; freshly drawn instead: none", next.Messages, StringComparison.Ordinal);

        static double Loss(Answer answer) => answer.Json.GetProperty("results")[0].GetProperty("loss").GetDouble();
    }
}
