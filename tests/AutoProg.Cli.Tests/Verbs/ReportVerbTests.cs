namespace AutoProg.Cli.Tests.Verbs;

public sealed class ReportVerbTests : IDisposable
{
    private static readonly string Run = Path.Combine(AppContext.BaseDirectory, "Fixtures", "run");

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_page_is_written_where_it_is_asked_for()
    {
        var answer = Autoprog.Run("report", Run, "--output", folder["sub/page.html"]);

        Assert.Equal((0, ""), (answer.Code, answer.Messages));
        Assert.Equal($"runs  1, 1 of them unfinished\npage  {folder["sub/page.html"]}\n", string.Join('\n', answer.Results.Split('\n').Select(static line => line.TrimEnd())));
        Assert.StartsWith("<!DOCTYPE html>", File.ReadAllText(folder["sub/page.html"]));
    }

    [Fact]
    public void Json_tells_how_many_runs_there_are()
    {
        var result = Autoprog.Run("report", Run, Run, "--output", folder["page.html"], "--json").Json;

        Assert.Equal((folder["page.html"], 1, 0), (result.GetProperty("page").GetString(), result.GetProperty("runs").GetInt32(), result.GetProperty("finished").GetInt32()));
    }

    [Fact]
    public void A_folder_that_is_no_run_exits_with_3()
    {
        var answer = Autoprog.Run("report", folder.Path);

        Assert.Equal(3, answer.Code);
        Assert.Contains("is neither the folder of a run nor that of a comparison", answer.Messages);
    }
}
