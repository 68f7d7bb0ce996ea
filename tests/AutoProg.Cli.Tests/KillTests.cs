using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace AutoProg.Cli.Tests;

/// <summary>
/// Kills training processes at random moments, every second time while a checkpoint is being written, and goes on with --resume until runs are complete.
/// AUTOPROG_KILLS sets how many processes die.
/// </summary>
public sealed class KillTests(ITestOutputHelper output) : IDisposable
{
    private const int Seed = 20260801;
    private static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable("AUTOPROG_KILLS") ?? "50", CultureInfo.InvariantCulture);

    // Measured step times would decide searches, and no two runs would be the same.
    private static readonly string[] Settings =
    [
        "--policy", "autoprog-one", "--set", "growth.search_time=flops", "--set", "ema.decays=[0.9]", "--epochs", "24", "--ckpt-every", "1", "--threads", "1", "--quiet",
    ];

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task However_often_a_run_is_killed_it_ends_as_if_it_had_not_been()
    {
        var clock = Stopwatch.StartNew();
        Assert.Equal(0, (await AutoprogProcess.RunAsync(NewRun("whole"))).Code);
        var whole = clock.Elapsed;
        var expected = Products("whole");
        var random = new Random(Seed);
        var (killed, whileSaving, runs) = (0, 0, 0);
        while (killed < Kills)
        {
            var name = $"run{runs++}";
            for (var isDone = false; !isDone;)
            {
                using var process = AutoprogProcess.Start(CanResume(folder[name]) ? ["train", "--resume", folder[name], "--threads", "1", "--quiet"] : NewRun(name));
                var messages = process.StandardError.ReadToEndAsync();
                if (killed < Kills)
                {
                    var saving = killed % 2 == 1 && await SavingBegins(process, folder[name]);
                    await Task.WhenAny(process.WaitForExitAsync(), Task.Delay((saving ? TimeSpan.FromMilliseconds(5) : whole / 2) * random.NextDouble()));
                    whileSaving += saving && IsSaving(folder[name]) ? 1 : 0;
                    process.Kill();
                }

                await process.WaitForExitAsync();
                isDone = process.ExitCode == 0;
                killed += isDone ? 0 : 1;
                Assert.True(await messages is "", $"{name}, after {killed} kills: {await messages}");
            }

            Assert.Equal(expected, Products(name));
        }

        output.WriteLine($"{killed} processes killed in {runs} runs, {whileSaving} of them with an unfinished checkpoint.");
        Assert.True(whileSaving >= Kills / 10, $"Only {whileSaving} of {Kills} processes died while they saved.");
    }

    private static bool CanResume(string run) => HasCheckpoints(run, "step-*");

    private static bool IsSaving(string run) => HasCheckpoints(run, ".tmp-*");

    private static bool HasCheckpoints(string run, string pattern) =>
        Directory.Exists(Path.Combine(run, "checkpoints")) && Directory.EnumerateFileSystemEntries(Path.Combine(run, "checkpoints"), pattern).Any();

    private static async Task<bool> SavingBegins(Process process, string run)
    {
        while (!process.HasExited)
        {
            if (IsSaving(run))
            {
                return true;
            }

            await Task.Yield();
        }

        return false;
    }

    private string[] NewRun(string name) => ["train", Autoprog.TinyRecipe, "--output", folder.Path, "--experiment", name, "--overwrite", .. Settings];

    /// <summary>Everything that must not depend on interruptions, in hexadecimal: tensors of the last checkpoint, the exported model, and what was learned in every epoch.</summary>
    private List<string> Products(string name)
    {
        var checkpoints = Path.Combine(folder[name], "checkpoints");
        var last = Path.Combine(checkpoints, File.ReadAllText(Path.Combine(checkpoints, "last")).Trim());
        var metrics = File.ReadLines(Path.Combine(folder[name], "metrics.csv")).Select(static row => string.Join(',', row.Split(',')[..8]));
        return
        [
            Path.GetFileName(last),
            .. Directory.EnumerateFiles(last, "*.safetensors").Append(Path.Combine(folder[name], "export", "model.safetensors"))
                .Order(StringComparer.Ordinal).Select(static file => $"{Path.GetFileName(file)} {Convert.ToHexString(File.ReadAllBytes(file))}"),
            .. metrics,
        ];
    }
}
