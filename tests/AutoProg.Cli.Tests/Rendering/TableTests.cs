using AutoProg.Ort.Progressive;
using AutoProg.Ort.Training;
using Spectre.Console;

namespace AutoProg.Cli.Tests.Rendering;

public sealed class TableTests
{
    private static readonly SearchDecision Decision = new(0, 2, null, new(128, 6), -0.3, 1.5, 0.3, [new(new(128, 6), 4.5, [4.6, 4.4], 0.25, 2.969, null), new(new(128, 9), 4.3, [4.3, 4.3], 0.4, 3.267, null)]);

    private static readonly RunSummary Summary = new()
    {
        Name = "example",
        Policy = "autoprog-one",
        Model = "deit_small",
        Device = "cpu (CPUExecutionProvider)",
        Seed = 42,
        Parameters = 22_050_664,
        Steps = 1000,
        Epochs = 8,
        Stages = [new(0, 0, new(128, 9), 64, 900L << 20, 1000L << 20, 2, 40.5), new(0, 2, new(128, 6), 64, 600L << 20, null, 2, 30.25), new(1, 4, new(224, 12), 32, 1500L << 20, 1600L << 20, 4, 200)],
        Decisions = [Decision],
        Final = new("ema-0.998", 224, 1.25, 71.5, 90.25, 2000),
        Best = new("ema-0.998", 224, 1.2, 72.125, 90.5, 2000),
        BestEpoch = 6,
        Times = new RunTimes { Train = 220, Search = 45, Bookkeeping = 5.75, Evaluation = 12, DataWait = 1.5 },
        CorruptImages = 1,
        Folder = "/runs/example",
    };

    [Fact]
    public void A_summary_shows_stages_decisions_times_accuracy_and_folder() =>
        Approval.Verify("summary", Rendered(console => SummaryTables.Write(console, Summary)));

    [Fact]
    public void A_comparison_shows_policies_side_by_side() => Approval.Verify("comparison", Rendered(console => ComparisonTables.Write(console, new ComparisonReport
    {
        Name = "example",
        Policies = [new("original", 2, 400, 0, new(71.5, 0.25), new(1.25, 0.01), null, ["online"], 1000), new("autoprog-one", 2, 250.5, 59.7, new(71.25, null), new(1.26, null), null, ["ema-0.998", "online"], 1000)],
        Runs = [],
        Folder = "/runs/example",
    })));

    [Fact]
    public void A_benchmark_shows_where_the_time_of_a_step_goes() => Approval.Verify("bench", Rendered(console => BenchTables.Write(console, new BenchmarkReport(
    [
        new SubNetworkTiming
        {
            Resolution = 224, Depth = 12, Learnable = "all", StepMs = 1234.5, ForwardBackwardMs = 1200, UpdateMs = 34.5, DataMs = 80.25, PeakMemoryMb = 1234.5, Gflops = 95.5, BatchSize = 8, MicroBatch = 8,
            Operators = [new("Gemm", 900, 0.75), new("Softmax", 12.5, 0.01)], NamedNodes = [new("*fold/*", 48.25, 0.042)], MatrixShare = 0.85,
        },
    ]))));

    [Fact]
    public void Tables_fit_into_80_columns()
    {
        var text = Rendered(console => SummaryTables.Write(console, Summary with { Folder = "r" }));

        Assert.All(text.Split('\n').TakeWhile(static line => !line.StartsWith("policy", StringComparison.Ordinal)), static line => Assert.InRange(line.Length, 0, 80));
    }

    [Fact]
    public void A_step_is_described_on_one_line()
    {
        var step = new TrainingProgress(2, 90, 5, 10, 25, 0, 4, new(128, 6), 4.56789, 1e-3, IsSearching: true);

        Assert.Equal("epoch 3/90  stage 1/4 searching r128 l6  loss 4.568  812 img/s  ETA 1:02:03", TrainingBar.Describe(step, 812.4, new TimeSpan(1, 2, 3)));
        Assert.Equal("epoch 3/90  stage 1/4 r128 l6  loss 4.568", TrainingBar.Describe(step with { IsSearching = false }, null, null));
    }

    private static string Rendered(Action<IAnsiConsole> write)
    {
        using var text = new StringWriter { NewLine = "\n" };
        write(new Streams(text, TextWriter.Null).ResultConsole());
        return text.ToString();
    }
}
