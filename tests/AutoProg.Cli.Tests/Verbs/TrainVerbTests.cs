namespace AutoProg.Cli.Tests.Verbs;

public sealed class TrainVerbTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_dry_run_shows_model_data_schedule_and_memory_and_leaves_no_folder()
    {
        var answer = Train("--dry-run", "--threads", "1");

        Assert.Equal((0, ""), (answer.Code, answer.Messages));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
        Approval.Verify("train-dry-run", answer.Results);
    }

    [Fact]
    public void A_dry_run_plans_every_stage_and_bounds_what_later_searches_can_reach()
    {
        var answer = Train("--dry-run", "--json", "--epochs", "9", "--num-stages", "3", "--img-size", "32", "--set", "model.depth=6");

        var stages = answer.Json.GetProperty("stages").EnumerateArray().ToList();
        Assert.Equal([0, 3, 6], stages.Select(s => s.GetProperty("first_epoch").GetInt32()));
        Assert.Equal([9, 0, 0], stages.Select(s => s.GetProperty("candidates").GetArrayLength()));
        Assert.Equal([16, 16, 32], stages.Select(s => s.GetProperty("smallest").GetProperty("resolution").GetInt32()));
        Assert.Equal([32, 32, 32], stages.Select(s => s.GetProperty("largest").GetProperty("resolution").GetInt32()));
        Assert.All(stages, s => Assert.True(s.GetProperty("predicted_peak_bytes").GetInt64() > 0));
    }

    [Fact]
    public void Json_is_the_whole_of_standard_output_and_holds_the_summary()
    {
        var answer = Train("--json", "--experiment", "a", "--seed", "7");

        Assert.Equal(0, answer.Code);
        Assert.Equal("autoprog-one", answer.Json.GetProperty("policy").GetString());
        Assert.Equal(7, answer.Json.GetProperty("seed").GetInt64());
        Assert.Equal(12, answer.Json.GetProperty("steps").GetInt64());
        Assert.Equal(folder["a"], answer.Json.GetProperty("folder").GetString());
        var stages = answer.Json.GetProperty("stages").EnumerateArray().ToList();
        Assert.Equal([1, 2, 3], stages.Select(s => s.GetProperty("epochs").GetInt32()));
        Assert.All(stages, s => Assert.True(s.GetProperty("seconds").GetDouble() > 0));
        Assert.Contains("\nTrain: 0 [   1/2 ( 50%)]  Loss: ", answer.Messages);
        Assert.DoesNotContain('\u001b', answer.Messages);
    }

    [Fact]
    public void Quiet_says_nothing_but_the_result()
    {
        var answer = Train("--quiet", "--policy", "prog");

        Assert.Equal((0, ""), (answer.Code, answer.Messages));
        Assert.Contains("top-1", answer.Results);
        Assert.DoesNotContain("Decisions", answer.Results);
    }

    [Fact]
    public void An_experiment_is_overwritten_only_when_asked_for()
    {
        string[] once = ["--experiment", "a", "--quiet", "--policy", "original", "--max-train-steps", "1"];
        Assert.Equal(0, Train(once).Code);

        var again = Train(once);
        Assert.Equal(2, again.Code);
        Assert.Equal($"error: {folder["a"]}: the experiment exists; choose another name, continue it with --resume, or delete it with --overwrite.\n", again.Messages);
        Assert.Equal(0, Train([.. once, "--overwrite"]).Code);
    }

    [Fact]
    public void A_run_that_was_cut_short_goes_on_where_it_stopped()
    {
        Assert.Equal(0, Train("--experiment", "a", "--quiet", "--policy", "original", "--max-train-steps", "3").Code);

        var resumed = Autoprog.Run("train", "--resume", folder["a"], "--max-train-steps", "5", "--json");
        Assert.Equal(0, resumed.Code);
        Assert.Equal(5, resumed.Json.GetProperty("steps").GetInt64());
        Assert.Contains("Resumed after step 3", resumed.Messages);

        var latest = Train("--resume", "--set", "training.max_train_steps=6", "--json", "--quiet");
        Assert.Equal((0, 6), (latest.Code, latest.Json.GetProperty("steps").GetInt64()));
    }

    [Fact]
    public void Resume_without_anything_there_is_an_error_and_never_a_fresh_start()
    {
        var nothing = Train("--resume");
        Assert.Equal((3, $"error: {folder.Path}: there is no run in this folder.\n"), (nothing.Code, nothing.Messages));

        var wrong = Autoprog.Run("train", "--resume", folder["none"]);
        Assert.Equal((3, $"error: {folder["none"]}: holds no recipe.yaml and so is no run.\n"), (wrong.Code, wrong.Messages));

        Directory.CreateDirectory(folder["empty"]);
        File.Copy(Autoprog.TinyRecipe, Path.Combine(folder["empty"], "recipe.yaml"));
        var empty = Autoprog.Run("train", "--resume", folder["empty"], "--quiet");
        Assert.Equal(3, empty.Code);
        Assert.Contains("there is no checkpoint to resume from", empty.Messages);
    }

    [Fact]
    public void The_latest_run_is_not_resumed_for_another_recipe()
    {
        Assert.Equal(0, Train("--experiment", "a", "--quiet", "--policy", "original", "--max-train-steps", "1", "--set", "name=other").Code);

        var answer = Train("--resume");

        Assert.Equal(3, answer.Code);
        Assert.Equal($"error: {folder["a"]}: is a run of 'other', not of 'tiny' ({Autoprog.TinyRecipe}). Name the run: --resume <run>.\n", answer.Messages);
    }

    [Fact]
    public void Auto_resume_starts_a_run_and_goes_on_with_it()
    {
        string[] call = ["--auto-resume", "--experiment", "a", "--policy", "original", "--json"];
        Assert.Equal(2, Train([.. call, "--max-train-steps", "2"]).Json.GetProperty("steps").GetInt64());

        var second = Train([.. call, "--max-train-steps", "4"]);

        Assert.Equal(4, second.Json.GetProperty("steps").GetInt64());
        Assert.Contains("Resumed after step 2", second.Messages);
    }

    [Fact]
    public void Auto_resume_replaces_a_folder_that_never_came_to_a_checkpoint()
    {
        Directory.CreateDirectory(folder["a"]);
        File.Copy(Autoprog.TinyRecipe, Path.Combine(folder["a"], "recipe.yaml"));

        var answer = Train("--auto-resume", "--experiment", "a", "--policy", "original", "--json", "--quiet", "--max-train-steps", "1");

        Assert.Equal((0, 1), (answer.Code, answer.Json.GetProperty("steps").GetInt64()));
    }

    [Fact]
    public void On_a_terminal_the_results_are_the_same()
    {
        using var results = new StringWriter { NewLine = "\n" };
        using var messages = new StringWriter { NewLine = "\n" };
        using var stop = StopSignals.Listen();

        var code = Invocation.Run(
            ["train", Autoprog.TinyRecipe, "--output", folder.Path, "--policy", "original", "--max-train-steps", "2", "--json"],
            new Streams(results, messages, MessagesAreTerminal: true, NoColor: true),
            stop);

        Assert.Equal(0, code);
        Assert.Equal(2, new Answer(code, results.ToString(), "").Json.GetProperty("steps").GetInt64());
    }

    private Answer Train(params string[] more) => Autoprog.Run(["train", Autoprog.TinyRecipe, "--output", folder.Path, .. more]);
}
