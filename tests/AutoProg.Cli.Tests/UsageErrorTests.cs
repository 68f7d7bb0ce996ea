namespace AutoProg.Cli.Tests;

public sealed class UsageErrorTests
{
    /// <summary>One call for each kind of error message; the approved file shows them all.</summary>
    private static readonly string[][] Calls =
    [
        [],
        ["trian", "recipe.yaml"],
        ["nonsense"],
        ["train"],
        ["train", "recipe.yaml", "--epoch", "3"],
        ["train", "recipe.yaml", "--zzzzzzzz"],
        ["train", "recipe.yaml", "-x"],
        ["train", "recipe.yaml", "surplus"],
        ["train", "recipe.yaml", "--lr"],
        ["train", "recipe.yaml", "--lr", "--dry-run"],
        ["train", "recipe.yaml", "--set"],
        ["train", "recipe.yaml", "--seed", "1", "--seed", "2"],
        ["train", "recipe.yaml", "--auto-grow", "--no-auto-grow"],
        ["train", "recipe.yaml", "--policy", "prog", "--auto-grow"],
        ["train", "recipe.yaml", "--resume", "--overwrite"],
        ["train", "recipe.yaml", "--resume", "--experiment", "a"],
        ["train", "recipe.yaml", "--resume", "--auto-resume"],
        ["train", "recipe.yaml", "--auto-resume"],
        ["train", "recipe.yaml", "--auto-resume", "--experiment", "a", "--overwrite"],
        ["train", "no-such-recipe.yaml"],
        ["train", "TINY", "--seed", "abc", "--epochs", "0", "--set", "trainig.batch_size=2", "--set", "seed"],
        ["train", "TINY", "--model", "deit_mikro"],
        ["train", "TINY", "--policy", "original", "--num-stages", "3"],
        ["train", "TINY", "--aa", "rand-m9-mstd0.5-inc1", "--color_jitter", "0.4"],
        ["train", "TINY", "--set", "growth.resolution_divisor=3"],
        ["export", "run", "--format", "pickle"],
        ["export", "run", "--format", "o-nnx"],
        ["export", "run", "--format=OrtTraining"],
        ["export", "run", "--batch-size", "many"],
        ["bench"],
        ["bench", "--model", "deit_micro", "--steps", "0"],
        ["compare"],
        ["compare", "TINY", "--policies", "original,pro"],
        ["compare", "TINY", "--seeds", "1,1"],
        ["graphs", "make", "TINY"],
        ["graphs", "list"],
        ["parity"],
        ["schedule"],
    ];

    [Fact]
    public void Every_kind_of_wrong_usage_is_named_with_its_cure_and_exits_with_2()
    {
        var answers = Calls.Select(static call => (Call: string.Join(' ', call), Answer: Autoprog.Run([.. call.Select(static a => a == "TINY" ? Autoprog.TinyRecipe : a)]))).ToList();

        Assert.All(answers, static a => Assert.Equal((2, ""), (a.Answer.Code, a.Answer.Results)));
        Approval.Verify("usage-errors", string.Join('\n', answers.Select(static a => $"$ autoprog {a.Call}\n{a.Answer.Messages.Replace(Autoprog.TinyRecipe, "TINY")}")));
    }

    [Fact]
    public void Names_of_other_tools_and_underscores_are_understood()
    {
        Assert.Equal(
            ["train", "r.yaml", "--img-size=64", "--batch-size", "8", "--log-interval", "5", "--resume", "latest"],
            Spellings.Normalize(["train", "r.yaml", "--image_size=64", "--global_batch_size", "8", "--log-every", "5", "--resume"]));
    }

    [Fact]
    public void Assignments_swallow_nothing_that_follows_them()
    {
        Assert.Equal(["train", "r.yaml", "--json", "--set", "a.b=1", "c=2"], Spellings.Normalize(["train", "--set", "a.b=1", "r.yaml", "--set=c=2", "--json"]));
    }

    [Fact]
    public void Resume_takes_a_run_that_follows_it()
    {
        Assert.Equal(["train", "--resume", "runs/a"], Spellings.Normalize(["train", "--resume", "runs/a"]));
        Assert.Equal(["train", "--resume", "latest", "--json"], Spellings.Normalize(["train", "--resume", "--json"]));
    }
}
