namespace AutoProg.Cli.Tests.Verbs;

public sealed class ParityVerbTests : IDisposable
{
    private static readonly string Fixtures = Path.Combine(AppContext.BaseDirectory, "Fixtures");
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Matching_fixtures_pass()
    {
        var answer = Autoprog.Run("parity", Path.Combine(Fixtures, "growth"), Path.Combine(Fixtures, "schedule"));

        Assert.Equal((0, ""), (answer.Code, answer.Messages));
        Assert.Matches(@"(?m)^ growth +\S+ +\d\.\de-\d\d +pass", answer.Results);
        Assert.Matches(@"(?m)^ schedule +- +0\.0e\+00 +pass", answer.Results);
    }

    [Fact]
    public void A_fixture_that_differs_fails_and_is_named()
    {
        var text = File.ReadAllText(Path.Combine(Fixtures, "schedule", "schedule.json"));
        const string Right = "\"make_divisible\":[[0.3,1,1]";
        Assert.Contains(Right, text);
        Directory.CreateDirectory(folder["changed"]);
        File.WriteAllText(Path.Combine(folder["changed"], "schedule.json"), text.Replace(Right, "\"make_divisible\":[[0.3,1,2]"));

        var answer = Autoprog.Run("parity", folder["changed"], Path.Combine(Fixtures, "growth"), "--json");

        Assert.Equal(1, answer.Code);
        var verdicts = answer.Json.GetProperty("fixtures").EnumerateArray().ToList();
        Assert.Equal(["changed", "growth"], verdicts.Select(v => v.GetProperty("name").GetString()));
        Assert.Equal([false, true], verdicts.Select(v => v.GetProperty("passed").GetBoolean()));
        Assert.Equal("make_divisible[0]", verdicts[0].GetProperty("worst_tensor").GetString());
        Assert.True(verdicts[0].GetProperty("worst_error").GetDouble() > 0);
    }

    [Fact]
    public void A_folder_that_is_not_there_exits_with_3()
    {
        var answer = Autoprog.Run("parity", folder["none"], "--json");

        Assert.Equal((3, "", $"error: {folder["none"]}: no such folder; expected a folder of fixtures.\n"), (answer.Code, answer.Results, answer.Messages));
    }
}
