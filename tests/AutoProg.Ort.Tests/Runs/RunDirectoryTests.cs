using System.Text.Json;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;

namespace AutoProg.Ort.Tests.Runs;

public sealed class RunDirectoryTests : InTemporaryFolder
{
    private static readonly Recipe Recipe = new() { Model = new() { Name = "deit_micro" }, Data = new() };

    private readonly StoppedClock clock = new();

    [Fact]
    public void Runs_of_the_same_second_get_folders_of_their_own()
    {
        using var first = RunDirectory.Create(Request(), clock);
        using var second = RunDirectory.Create(Request(), clock);
        using var third = RunDirectory.Create(Request(), clock);

        Assert.Equal(At("runs", "20260801-123045-deit_small-224"), first.Path);
        Assert.Equal(At("runs", "20260801-123045-deit_small-224-2"), second.Path);
        Assert.Equal(At("runs", "20260801-123045-deit_small-224-3"), third.Path);
    }

    [Fact]
    public void A_model_name_never_leads_out_of_the_output_folder()
    {
        using var run = RunDirectory.Create(Request() with { Model = "../x y" }, clock);

        Assert.Equal(At("runs", "20260801-123045-.._x_y-224"), run.Path);
    }

    [Fact]
    public void An_experiment_is_overwritten_only_on_request_and_only_if_it_is_a_run()
    {
        var request = Request() with { Experiment = "exp-1" };
        using (var run = RunDirectory.Create(request, clock))
        {
            run.WriteRecipe(Recipe);
            File.WriteAllText(run.EventsFile, "old");
        }

        Assert.Equal(
            $"{At("runs", "exp-1")}: the experiment exists; choose another name, continue it with --resume, or delete it with --overwrite.",
            Assert.Throws<RunNameException>(() => RunDirectory.Create(request, clock)).Message);
        using (var run = RunDirectory.Create(request with { Overwrite = true }, clock))
        {
            Assert.False(File.Exists(run.EventsFile));
        }

        Directory.CreateDirectory(At("runs", "photos"));
        File.WriteAllText(At("runs", "photos", "cat.jpg"), "");
        Assert.Equal(
            $"{At("runs", "photos")}: holds no recipe.yaml and so is no run; it will not be overwritten. Choose another name.",
            Assert.Throws<RunNameException>(() => RunDirectory.Create(request with { Experiment = "photos", Overwrite = true }, clock)).Message);
        Assert.True(File.Exists(At("runs", "photos", "cat.jpg")));
    }

    [Fact]
    public void An_experiment_that_died_at_once_can_be_overwritten()
    {
        var request = Request() with { Experiment = "e", Overwrite = true };
        RunDirectory.Create(request, clock).Dispose();

        using var run = RunDirectory.Create(request, clock);

        Assert.Equal(At("runs", "e"), run.Path);
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("a/b")]
    [InlineData(".")]
    [InlineData("")]
    [InlineData("/elsewhere/x")]
    public void An_experiment_name_is_a_plain_folder_name(string name)
    {
        var error = Assert.Throws<RunNameException>(() => RunDirectory.Create(Request() with { Experiment = name }, clock));

        Assert.StartsWith($"Experiment name '{name}' is no plain folder name", error.Message);
    }

    [Fact]
    public void A_run_has_one_writer_at_a_time_and_any_number_of_readers()
    {
        var first = RunDirectory.Create(Request() with { Experiment = "e" }, clock);
        first.WriteRecipe(Recipe);

        Assert.Equal(
            $"{first.Path}: process {Environment.ProcessId} on {Environment.MachineName} is writing to this run; stop it first.",
            Assert.Throws<IOException>(() => RunDirectory.Resume(first.Path)).Message);
        Assert.Throws<IOException>(() => RunDirectory.Create(Request() with { Experiment = "e", Overwrite = true }, clock));
        RunDirectory.Open(first.Path).Dispose();

        first.Dispose();
        using var second = RunDirectory.Resume(first.Path);
        Assert.Equal(first.Path, second.Path);
    }

    [Fact]
    public void A_folder_without_a_recipe_is_no_run()
    {
        Assert.Equal($"{Folder}: holds no recipe.yaml and so is no run.", Assert.Throws<DirectoryNotFoundException>(() => RunDirectory.Resume(Folder)).Message);
        Assert.Throws<DirectoryNotFoundException>(() => RunDirectory.Open(At("nowhere")));
        Assert.Equal($"{At("nowhere")}: there is no run in this folder.", Assert.Throws<DirectoryNotFoundException>(() => RunDirectory.Newest(At("nowhere"))).Message);
    }

    [Fact]
    public void The_newest_run_is_the_one_in_which_something_happened_last()
    {
        foreach (var (name, age) in new[] { ("b-old", 3), ("a-new", 1), ("c-older", 5) })
        {
            using var run = RunDirectory.Create(Request() with { Experiment = name }, clock);
            run.WriteRecipe(Recipe);
            File.WriteAllText(run.EventsFile, "");
            File.SetLastWriteTimeUtc(run.EventsFile, clock.Now.UtcDateTime.AddHours(-age));
        }

        Directory.CreateDirectory(At("runs", "z-no-run"));

        Assert.Equal(At("runs", "a-new"), RunDirectory.Newest(At("runs")));
    }

    [Fact]
    public void Whatever_a_user_points_at_leads_to_the_run()
    {
        using var run = RunDirectory.Create(Request(), clock);
        run.WriteRecipe(Recipe);
        run.Checkpoints(1, new Warnings()).Save(1, [], 1);

        foreach (var path in new[] { run.Path, run.Path + "/", run.CheckpointsFolder, Path.Combine(run.CheckpointsFolder, "step-0000001"), Path.Combine(run.CheckpointsFolder, "last") })
        {
            Assert.Equal(run.Path, RunDirectory.Containing(path));
            Assert.Equal(1, CheckpointStore.Open(path, new Warnings()).Step);
        }

        Assert.Equal($"{Folder}: belongs to no run; there is no recipe.yaml beside it.", Assert.Throws<DirectoryNotFoundException>(() => RunDirectory.Containing(Folder)).Message);
    }

    [Fact]
    public void The_effective_recipe_repeats_the_run()
    {
        using var run = RunDirectory.Create(Request(), clock);
        run.WriteRecipe(Recipe with { Seed = 7 });

        Assert.Equivalent(Recipe with { Seed = 7 }, run.ReadRecipe(), strict: true);
        Assert.Equal(9, run.ReadRecipe([RecipeOverride.FromSet("seed=9")]).Seed);
    }

    [Fact]
    public void The_environment_tells_versions_and_hardware()
    {
        using var run = RunDirectory.Create(Request(), clock);

        run.WriteEnvironment(RunEnvironment.Capture());

        using var document = JsonDocument.Parse(File.ReadAllText(run.EnvironmentFile));
        foreach (var key in new[] { "product", "onnx_runtime", "ort_flavor", "dot_net", "operating_system", "architecture", "processor" })
        {
            Assert.NotEqual("", document.RootElement.GetProperty(key).GetString());
        }

        Assert.Contains("CPUExecutionProvider", document.RootElement.GetProperty("execution_providers").EnumerateArray().Select(item => item.GetString()));
        Assert.Equal(Environment.ProcessorCount, document.RootElement.GetProperty("cores").GetInt32());
        Assert.True(document.RootElement.GetProperty("memory_mb").GetInt64() > 0);
    }

    [Fact]
    public void The_summary_is_plain_json()
    {
        using var run = RunDirectory.Create(Request(), clock);

        run.WriteSummary(new { BestTop1 = 77.5, Loss = double.NaN, Policy = GrowthPolicyKind.AutoprogOne });

        Assert.Equal("{\n  \"best_top1\": 77.5,\n  \"loss\": \"NaN\",\n  \"policy\": \"autoprog_one\"\n}\n", File.ReadAllText(run.SummaryFile));
        Assert.Equal([".lock", ".lock-owner", "summary.json"], Directory.EnumerateFiles(run.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    private RunRequest Request() => new(At("runs"), "deit_small", 224);
}
