using System.Runtime.InteropServices;

namespace AutoProg.Cli.Tests;

/// <summary>Real signals need a real process.</summary>
public sealed partial class SignalTests : IDisposable
{
    private const int Interrupt = 2;
    private const int Terminate = 15;
    private const string Reason = "Windows has no such signals.";
    private const int OwnerMayReadAndWrite = 0x180;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [UnixTheory]
    [InlineData(Interrupt, 130)]
    [InlineData(Terminate, 143)]
    public async Task One_signal_finishes_the_step_and_saves_so_that_the_run_can_go_on(int signal, int code)
    {
        using var process = AutoprogProcess.Start("train", Autoprog.TinyRecipe, "--policy", "original", "--epochs", "100000", "--output", folder.Path, "--experiment", "a", "--threads", "1");
        while (process.StandardError.ReadLine() is { } line && !line.StartsWith("Train: 0", StringComparison.Ordinal))
        {
        }

        _ = Kill(process.Id, signal);

        // A process that ignores the signal must not hold up the tests.
        var reading = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill();
            Assert.Fail($"{signal} did not end the run.");
        }

        var rest = await reading;
        Assert.Equal(code, process.ExitCode);
        Assert.EndsWith($"stopped; what was trained is saved and goes on with: autoprog train --resume {folder["a"]}\n", rest);

        var saved = Directory.EnumerateDirectories(Path.Combine(folder["a"], "checkpoints"), "step-*").Select(static path => long.Parse(Path.GetFileName(path)[5..12])).Max();
        Assert.True(saved > 0);
        var resumed = Autoprog.Run("train", "--resume", folder["a"], "--max-train-steps", $"{saved + 2}", "--json");
        Assert.Equal((0, saved + 2), (resumed.Code, resumed.Json.GetProperty("steps").GetInt64()));
        Assert.Contains($"Resumed after step {saved},", resumed.Messages);
    }

    [UnixFact]
    public void The_second_signal_ends_the_process_at_once()
    {
        // A recipe that never comes keeps the process from reacting to the first signal.
        Assert.Equal(0, MakeFifo(folder["recipe.yaml"], OwnerMayReadAndWrite));
        using var process = AutoprogProcess.Start("train", folder["recipe.yaml"]);
        using var silent = new FileStream(folder["recipe.yaml"], FileMode.Open, FileAccess.Write);
        _ = Kill(process.Id, Interrupt);
        Assert.False(process.WaitForExit(TimeSpan.FromSeconds(1)));

        _ = Kill(process.Id, Interrupt);

        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(20)));
        Assert.Equal(130, process.ExitCode);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeFifo(string path, int mode);

    /// <summary>Says so where there are no signals.</summary>
    private sealed class UnixFactAttribute : FactAttribute
    {
        public UnixFactAttribute() => Skip = OperatingSystem.IsWindows() ? Reason : null;
    }

    /// <inheritdoc cref="UnixFactAttribute"/>
    private sealed class UnixTheoryAttribute : TheoryAttribute
    {
        public UnixTheoryAttribute() => Skip = OperatingSystem.IsWindows() ? Reason : null;
    }
}
