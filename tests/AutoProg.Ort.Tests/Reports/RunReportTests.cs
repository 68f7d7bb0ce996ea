using System.Text.Json;
using System.Text.RegularExpressions;
using AutoProg.Ort.Files;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Reports;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Tests.Training;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Reports;

public sealed partial class RunReportTests : InTemporaryFolder
{
    private static readonly StoppedClock Clock = new();

    [Fact]
    public void A_comparison_shows_policies_curves_searches_environment_and_images()
    {
        var recipe = TinyRecipes.Of(GrowthPolicyKind.AutoprogOne);
        PolicyComparison.Run(
            new ComparisonPlan(recipe, [new PolicyVariant(GrowthPolicyKind.Original), new PolicyVariant(GrowthPolicyKind.AutoprogOne)], [1, 2]),
            new TrainerOptions { Output = Folder, Experiment = "both" });
        var report = RunReport.Write([At("both")], clock: Clock);
        var page = File.ReadAllText(At("both", "report.html"));

        Assert.Equal(new WrittenReport(At("both", "report.html"), 4, 4), report);
        Assert.Contains("<title>tiny: 4 runs</title>", page);
        Assert.Contains("autoprog report, 2026-08-01 12:30 UTC", page);
        Assert.Equal(3 * 2, Regex.Count(page, "<figure class=\"search\">"));
        Assert.Equal(3 * 2, Regex.Count(page, "class=\"c1 dot winner\""));
        Assert.Contains("<title>r8 l2: loss ", page);

        // Five panels; every run has a riser and its stages in two of them, steps and epochs of the training loss, and two curves of evaluations.
        var stages = Directory.GetDirectories(At("both"), "*-seed*").Sum(static run => EventLog.Read(Path.Combine(run, "events.jsonl")).Count(static e => e.Kind == "stage"));
        var overRuntime = page[page.IndexOf("<figure class=\"runtime\">", StringComparison.Ordinal)..page.IndexOf("<figure class=\"search\">", StringComparison.Ordinal)];
        Assert.Equal((2 * (4 + stages)) + (4 * 4), Regex.Count(overRuntime, "<polyline points=\"[0-9]"));
        Assert.Equal(2 * 2 * 3, Regex.Count(overRuntime, "stroke-dasharray=\"2 5\""));

        var summary = JsonSerializer.Deserialize<RunSummary>(File.ReadAllText(At("both", "original-seed1", "summary.json")), RunJson.Document)!;
        Assert.Contains(summary.Environment!.Packages["SkiaSharp"], page);
        Assert.Contains($"<code title=\"{summary.Data!.Training.Sha256}\">", page);
        Assert.Contains($"<dd>1 of {summary.Environment.Cores}</dd>", page);
        Assert.Contains("policy: autoprog-one", page);
        AssertNeedsNothing(page);
    }

    [Fact]
    public void The_summary_of_a_run_tells_what_its_figures_belong_to()
    {
        var summary = JsonSerializer.Deserialize<RunSummary>(File.ReadAllText(Path.Combine(TinyRuns.Train(Folder), "summary.json")), RunJson.Document)!;

        Assert.Equal((1, 7), (summary.Threads, summary.Seed));
        Assert.Equal(RunEnvironment.Capture().OnnxRuntime, summary.Environment!.OnnxRuntime);
        Assert.All(["Google.Protobuf", "MathNet.Numerics", "Microsoft.ML.OnnxRuntime", "SkiaSharp", "YamlDotNet"], (string package) => Assert.Matches(@"^\d+\.\d+\.\d+", summary.Environment.Packages[package]));
        Assert.Equal(("builtin/train", 32), (summary.Data!.Training.Name, summary.Data.Training.Images));
        Assert.Equal(("builtin/val", 20), (summary.Data.Evaluation.Name, summary.Data.Evaluation.Images));
    }

    [Fact]
    public void An_unfinished_run_shows_what_there_is_and_counts_in_no_mean()
    {
        using var stop = new CancellationTokenSource();
        var options = new TrainerOptions { Output = Folder, Experiment = "half", Progress = new AtOnce<TrainingProgress>(p => { if (p.Step == 10) { stop.Cancel(); } }) };
        Assert.ThrowsAny<OperationCanceledException>(() => new ProgressiveTrainer(TinyRecipes.Of(GrowthPolicyKind.Prog), options).Run(stop.Token));
        var report = RunReport.Write([At("half")]);
        var page = File.ReadAllText(report.Page);

        Assert.Equal((1, 0), (report.Runs, report.Finished));
        Assert.Contains("<td>unfinished, 10 steps</td>", page);
        Assert.Contains(">1 (1 unfinished)<", page);
        Assert.Contains("top-1 ", page);
    }

    [Fact]
    public void A_run_that_has_done_nothing_yet_can_be_shown()
    {
        WriteRun("new", "");
        File.Delete(At("new", "events.jsonl"));

        Assert.Contains("<td>unfinished, 0 steps</td>", File.ReadAllText(RunReport.Write([At("new")]).Page));
    }

    [Fact]
    public void Speedup_is_told_where_the_complete_model_was_trained_beside_it()
    {
        TinyRuns.Train(At("a"), TinyRuns.Recipe with { Growth = new GrowthRecipe { Policy = GrowthPolicyKind.Original } }, "original-seed7");
        TinyRuns.Train(At("a"), name: "prog-seed7");
        TinyRuns.Train(At("b"), name: "prog-seed7");
        var page = File.ReadAllText(RunReport.Write([At("a"), At("b", "prog-seed7")], At("page.html")).Page);

        Assert.Matches(@"a/prog</td>\s*<td class=""number"">1</td>\s*<td class=""number"">[0-9.]+</td>\s*<td class=""number"">[+-]?[0-9.]+ %</td>", page);
        Assert.Matches(@"b/prog</td>\s*<td class=""number"">1</td>\s*<td class=""number"">[0-9.]+</td>\s*<td class=""number"">–</td>", page);
    }

    [Fact]
    public void A_run_that_went_back_by_itself_counts_as_resumed_only_where_somebody_resumed_it()
    {
        WriteRun("back", Start);
        using (var events = EventLog.Open(At("back", "events.jsonl"), Clock, keep: 1))
        {
            events.Append("rollback", 4, new { });
            events.Append("resumed", 4, Start);
            events.Append("resumed", 6, Start);
        }

        Assert.Contains("<td>unfinished, 6 steps, resumed 1 time</td>", File.ReadAllText(RunReport.Write([At("back")]).Page));
    }

    [Fact]
    public void A_run_that_goes_on_after_its_end_is_unfinished()
    {
        var run = TinyRuns.Train(Folder);
        using (var events = EventLog.Open(Path.Combine(run, "events.jsonl"), Clock, keep: long.MaxValue))
        {
            events.Append("resumed", 1_000_000, Start);
        }

        var report = RunReport.Write([run]);

        Assert.Equal((1, 0), (report.Runs, report.Finished));
        Assert.Contains("<td>unfinished, 1,000,000 steps, resumed 1 time</td>", File.ReadAllText(report.Page));
    }

    [Fact]
    public void Runs_that_cannot_be_compared_are_said_to_differ()
    {
        WriteRun("one", Start with { Threads = 1, Device = "cpu" });
        WriteRun("two", Start with { Threads = 2, Device = "cpu" });
        var page = File.ReadAllText(RunReport.Write([At("one"), At("two")], At("page.html")).Page);

        Assert.Contains("<p class=\"warning\">These runs differ in the number of threads: 1; 2.</p>", page);
        Assert.DoesNotContain("differ in the device", page);
    }

    [Fact]
    public void What_files_of_strangers_hold_is_text_and_stays_short()
    {
        var evil = "<script>alert(1)</script>\u0001\ud800\"'&" + new string('x', 100_000);
        WriteRun("evil", Start with { Name = evil, Policy = evil, Device = evil });
        File.AppendAllText(At("evil", "recipe.yaml"), $"# {evil.Replace("\ud800", "", StringComparison.Ordinal)}{new string('y', 1 << 20)}");
        var page = File.ReadAllText(RunReport.Write([At("evil")]).Page);

        Assert.DoesNotContain("<script", page);
        Assert.Contains("&lt;script&gt;alert(1)&lt;/script&gt;\uFFFD\uFFFD", page);
        Assert.InRange(page.Length, 1000, 200_000);
        AssertNeedsNothing(page);
    }

    [Fact]
    public void A_very_long_log_makes_no_long_page()
    {
        var steps = Enumerable.Range(1, 60_000).Select(i => $$"""{"step":{{i}},"event":"step","time":"2026-08-01T12:00:00+00:00","epoch":0,"batch":{{i}},"loss":{{(i % 7) + 1e29}},"rate":1,"network":{"resolution":8,"depth":1},"seconds":1,"runtime":{{i}}}""");
        WriteRun("long", Start);
        File.AppendAllLines(At("long", "events.jsonl"), steps);

        Assert.InRange(new FileInfo(RunReport.Write([At("long")]).Page).Length, 1000, 100_000);
    }

    [Theory]
    [InlineData("""{"step":3,"event":"decision","time":"2026-08-01T12:00:00+00:00","stage":"first"}""", "event 'decision' at step 3 is not as runs write it")]
    [InlineData("""{"step":4,"event":"step","time":"2026-08-01T12:00:00+00:00","loss":[]}""", "event 'step' at step 4 is not as runs write it")]
    public void An_event_that_no_run_writes_is_named(string line, string problem)
    {
        WriteRun("odd", line + "\n");

        var error = Assert.Throws<FileFormatException>(() => RunReport.Write([At("odd")]));
        Assert.StartsWith($"{At("odd", "events.jsonl")}: {problem}", error.Message);
    }

    [Fact]
    public void Holes_in_lists_and_numbers_beyond_all_bounds_are_left_out()
    {
        WriteRun("holes", """
            {"step":1,"event":"stage","time":"2026-08-01T12:00:00+00:00","stage":0,"first_epoch":0,"network":{"resolution":2147483647,"depth":-5},"micro_batch":1,"predicted_peak_bytes":1}
            {"step":1,"event":"decision","time":"2026-08-01T12:00:00+00:00","stage":0,"epoch":0,"from":null,"winner":{"resolution":8,"depth":1},"exponent":1,"scale":1,"balancing_factor":1e308,"candidates":[null,{"sub_network":{"resolution":8,"depth":1},"loss":1e308,"losses":[],"step_time":-1e308,"score":1e308,"exclusion":null}]}
            {"step":2,"event":"epoch","time":"2026-08-01T12:00:00+00:00","epoch":0,"train_loss":"NaN","searched":false,"times":{"train":"Infinity"}}
            {"step":2,"event":"evaluation","time":"2026-08-01T12:00:00+00:00","epoch":0,"results":[null]}

            """);

        Assert.DoesNotContain("<circle", File.ReadAllText(RunReport.Write([At("holes")]).Page));
    }

    [Fact]
    public void A_folder_that_is_neither_run_nor_comparison_and_too_many_runs_are_refused()
    {
        var error = Assert.Throws<DirectoryNotFoundException>(() => RunReport.Write([Folder]));
        Assert.Equal($"{Folder}: is neither the folder of a run nor that of a comparison; there is no recipe.yaml in it or one level below.", error.Message);

        foreach (var i in Enumerable.Range(0, 101))
        {
            WriteRun($"many/run{i}", "");
        }

        var tooMany = Assert.Throws<ArgumentException>(() => RunReport.Write([At("many")]));
        Assert.StartsWith("A report shows 1 to 100 runs, and was given 101.", tooMany.Message);
    }

    private static RunStart Start { get; } = new("strange", "prog", 1, "cpu");

    private void WriteRun(string name, RunStart start)
    {
        WriteRun(name, "");
        using var events = EventLog.Open(At(name, "events.jsonl"), Clock, keep: 0);
        events.Append("started", 0, start);
    }

    private void WriteRun(string name, string events)
    {
        Directory.CreateDirectory(At(name));
        File.WriteAllText(At(name, "recipe.yaml"), "model: { name: deit_micro }\n");
        File.WriteAllText(At(name, "events.jsonl"), events);
    }

    /// <summary>No script, and nothing that a browser would fetch.</summary>
    private static void AssertNeedsNothing(string page)
    {
        Assert.Contains("content=\"default-src 'none'; style-src 'unsafe-inline'\"", page);
        Assert.Empty(Fetched().Matches(page.Replace("xmlns=\"http://www.w3.org/2000/svg\"", "", StringComparison.Ordinal)));
    }

    [GeneratedRegex(@"<(script|link|img|iframe|object|embed)\b|https?:|\b(src|href)=|url\(|@import", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Fetched();
}
