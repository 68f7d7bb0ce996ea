namespace AutoProg.Cli.Tests.Verbs;

public sealed class ScheduleVerbTests
{
    private static readonly string Run = Path.Combine(AppContext.BaseDirectory, "Fixtures", "run");

    [Fact]
    public void Every_candidate_of_every_decision_is_shown()
    {
        var answer = Autoprog.Run("schedule", Run);

        Assert.Equal((0, ""), (answer.Code, answer.Messages));
        Approval.Verify("schedule", answer.Results);
    }

    [Fact]
    public void Json_holds_what_the_run_has_logged()
    {
        var decision = Assert.Single(Autoprog.Run("schedule", Run, "--json").Json.GetProperty("decisions").EnumerateArray());

        Assert.Equal(0.25, decision.GetProperty("balancing_factor").GetDouble());
        Assert.Equal(4, decision.GetProperty("candidates").GetArrayLength());
        Assert.Equal(8, decision.GetProperty("winner").GetProperty("resolution").GetInt32());
    }

    [Fact]
    public void A_folder_that_is_no_run_exits_with_3()
    {
        var answer = Autoprog.Run("schedule", AppContext.BaseDirectory);

        Assert.Equal(3, answer.Code);
        Assert.EndsWith(": holds no recipe.yaml and so is no run.\n", answer.Messages);
    }
}
