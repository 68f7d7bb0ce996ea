using System.Globalization;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace AutoProg.Cli.Tests;

/// <summary>20,000 steps of a nano model that searches and grows every 500 steps, in a process of its own: neither steps nor stages leave anything behind.</summary>
public sealed partial class HealthTests(ITestOutputHelper output) : IDisposable
{
    private const int Steps = 20_000;
    private const int StepsPerEpoch = 250;
    private const int Stages = 40;

    // By then the model has its full depth, and allocators have seen every size they will be asked for.
    private const int WarmUp = Steps / 2;
    private const double MostKilobytesPerStep = 1;

    // Tens of thousands of steps, on a machine that may be busy.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task Memory_does_not_grow_with_steps_and_stages()
    {
        var answer = await AutoprogProcess.RunAsync(Patience, ["train", Path.Combine(AppContext.BaseDirectory, "Fixtures", "nano.yaml"), "--output", folder.Path, "--experiment", "a"]);

        Assert.True(answer.Code == 0, answer.Messages);
        var readings = Reading().Matches(answer.Messages).Select(static m => (Epoch: Number(m, "epoch"), Batch: Number(m, "batch"), Stage: Number(m, "stage"), Megabytes: Number(m, "memory"))).ToList();
        Assert.Equal((Steps / StepsPerEpoch) - 1, readings[^1].Epoch);
        Assert.Equal(Enumerable.Range(1, Stages), readings.Select(static r => (int)r.Stage).Distinct());
        var late = readings.Select(static r => (Step: (r.Epoch * StepsPerEpoch) + r.Batch, r.Megabytes)).Where(static r => r.Step > WarmUp).ToList();
        var slope = Slope(late) * 1024;
        output.WriteLine($"{late[0].Megabytes} MiB at step {late[0].Step}, {late[^1].Megabytes} MiB at step {late[^1].Step}: {slope:F2} KB per step.");
        Assert.All(late, static r => Assert.True(r.Megabytes > 0, $"no memory at step {r.Step}"));

        // Memory that is given back is no leak.
        Assert.InRange(slope, double.NegativeInfinity, MostKilobytesPerStep);
    }

    /// <summary>Of the line with the least squared distance.</summary>
    private static double Slope(IReadOnlyCollection<(double X, double Y)> points)
    {
        var (x, y) = (points.Average(static p => p.X), points.Average(static p => p.Y));
        return points.Sum(p => (p.X - x) * (p.Y - y)) / points.Sum(p => (p.X - x) * (p.X - x));
    }

    private static double Number(Match match, string group) => double.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Train: (?<epoch>\d+) \[ *(?<batch>\d+)/.*Stage: (?<stage>\d+)/.*Memory: (?<memory>\d+) MiB", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Reading();
}
