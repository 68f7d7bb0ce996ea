using Xunit.Sdk;

namespace AutoProg.Cli.Tests;

public sealed class ApprovalTests
{
    [Fact]
    public void Text_that_nobody_has_approved_is_refused()
    {
        var error = Assert.Throws<XunitException>(() => Approval.Verify("never-approved", "a\nb"));

        Assert.Contains("Approved/never-approved.txt differs", error.Message);
        Assert.EndsWith("   1 + a\n   2 + b\n", error.Message);
    }

    [Fact]
    public void One_changed_letter_is_refused()
    {
        var help = Autoprog.Run("schedule", "--help").Results;
        Approval.Verify("help-schedule", help);

        Assert.Throws<XunitException>(() => Approval.Verify("help-schedule", help.Replace("growth", "growht")));
    }

    [Fact]
    public void A_difference_shows_only_the_lines_that_differ() =>
        Assert.Equal("   2 - b\n   2 + x\n   3 + y\n", Approval.Difference(["a", "b", "c"], ["a", "x", "y", "c"]));
}
