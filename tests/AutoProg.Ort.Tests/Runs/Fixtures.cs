using AutoProg.Ort.Runs;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Tests.Runs;

/// <summary>A folder that is gone after the test.</summary>
public abstract class InTemporaryFolder : IDisposable
{
    protected string Folder { get; } = Directory.CreateTempSubdirectory("autoprog-").FullName;

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    protected string At(params string[] parts) => Path.Combine([Folder, .. parts]);
}

/// <summary>Stands still until it is moved; local time is UTC.</summary>
internal sealed class StoppedClock : TimeProvider
{
    public DateTimeOffset Now { get; set; } = new(2026, 8, 1, 12, 30, 45, TimeSpan.Zero);

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => Now;
}

/// <summary>Remembers warnings.</summary>
internal sealed class Warnings : ILogger
{
    public List<string> Messages { get; } = [];

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel >= LogLevel.Warning)
        {
            Messages.Add(formatter(state, exception));
        }
    }
}

/// <summary>The power goes off before a chosen step, and nothing works after that; or, only full, that one step fails.</summary>
internal sealed class FailingDisk(int stepsToLive, bool onlyFull = false) : IRunDisk
{
    public sealed class PowerCut : Exception;

    public int Steps { get; private set; }

    public List<string> Trace { get; } = [];

    public void CreateFolder(string path) => Step($"mkdir {Path.GetFileName(path)}", () => RunDisk.Instance.CreateFolder(path));

    public FileStream CreateFile(string path)
    {
        FileStream? file = null;
        Step($"create {Path.GetFileName(path)}", () => file = RunDisk.Instance.CreateFile(path));
        return file!;
    }

    public void FlushFile(FileStream file) => Step(
        "flush",
        () => RunDisk.Instance.FlushFile(file),
        otherwise: () => file.SetLength(file.Length / 2)); // what was not flushed may be lost

    public void FlushFolder(string path) => Step($"flush {Path.GetFileName(path)}", () => RunDisk.Instance.FlushFolder(path));

    public void MoveFolder(string from, string to) => Step($"move {Path.GetFileName(from)} {Path.GetFileName(to)}", () => RunDisk.Instance.MoveFolder(from, to));

    public void ReplaceFile(string from, string to) => Step($"replace {Path.GetFileName(to)}", () => RunDisk.Instance.ReplaceFile(from, to));

    public void DeleteFolder(string path) => Step(
        $"delete {Path.GetFileName(path)}",
        () => RunDisk.Instance.DeleteFolder(path),
        otherwise: () => File.Delete(Directory.EnumerateFiles(path).Order(StringComparer.Ordinal).FirstOrDefault() ?? Path.Combine(path, "nothing"))); // half deleted

    private void Step(string what, Action action, Action? otherwise = null)
    {
        var alive = onlyFull ? Steps != stepsToLive : Steps < stepsToLive;
        Steps++;
        if (alive)
        {
            Trace.Add(what);
            action();
            return;
        }

        if (onlyFull)
        {
            throw new IOException("No space left on device.");
        }

        if (Steps == stepsToLive + 1)
        {
            otherwise?.Invoke();
        }

        throw new PowerCut();
    }
}
