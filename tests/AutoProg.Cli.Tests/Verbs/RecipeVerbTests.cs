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
}
