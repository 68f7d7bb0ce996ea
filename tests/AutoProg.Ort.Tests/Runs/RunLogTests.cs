using AutoProg.Ort.Runs;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Tests.Runs;

public sealed class RunLogTests : InTemporaryFolder
{
    private readonly StoppedClock clock = new();

    [Fact]
    public void Lines_carry_time_and_level_and_a_resumed_run_appends()
    {
        using (var log = new RunLog(At("log.txt"), clock))
        {
            var logger = log.CreateLogger("trainer");
            logger.LogDebug("hidden");
            logger.LogInformation("Stage {Stage}/{Stages}", 2, 4);
        }

        clock.Now += TimeSpan.FromSeconds(1);
        using (var log = new RunLog(At("log.txt"), clock))
        {
            log.CreateLogger("trainer").LogWarning("two\nlines");
        }

        Assert.Equal("2026-08-01 12:30:45 info  Stage 2/4\n2026-08-01 12:30:46 warn  two\n    lines\n", File.ReadAllText(At("log.txt")));
    }

    [Fact]
    public void An_exception_is_written_in_full()
    {
        using (var log = new RunLog(At("log.txt"), clock))
        {
            log.CreateLogger("trainer").LogError(new InvalidOperationException("cause"), "failed");
        }

        Assert.StartsWith("2026-08-01 12:30:45 error failed\n    System.InvalidOperationException: cause", File.ReadAllText(At("log.txt")));
    }

    [Fact]
    public void Logging_after_the_end_is_harmless()
    {
        var log = new RunLog(At("log.txt"), clock);
        var logger = log.CreateLogger("worker");
        log.Dispose();

        logger.LogInformation("late");
        log.Dispose();

        Assert.Equal("", File.ReadAllText(At("log.txt")));
    }

    [LinuxFact]
    public void What_cannot_be_written_is_told_and_not_told_again_at_the_end()
    {
        var log = new RunLog("/dev/full", clock);
        Assert.Throws<IOException>(() => log.CreateLogger("trainer").LogInformation("lost"));

        Assert.Null(Record.Exception(log.Dispose));
    }

    /// <summary>A test of a device that Linux alone has.</summary>
    private sealed class LinuxFactAttribute : FactAttribute
    {
        public LinuxFactAttribute() => Skip = OperatingSystem.IsLinux() ? null : "There is no /dev/full on this system.";
    }
}
