using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Runs;

/// <summary>Writes what is logged to <c>log.txt</c>: <c>2026-08-01 12:00:00 warn  message</c>. A resumed run appends. Thread-safe.</summary>
internal sealed class RunLog : ILoggerProvider
{
    private readonly FileStream file;
    private readonly StreamWriter writer;
    private readonly TimeProvider clock;
    private readonly LogLevel least;
    private readonly Lock gate = new();
    private bool disposed;
    private bool failed;

    /// <summary>Opens the file for appending, creating it where it is missing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="clock">Stamps lines with local time.</param>
    /// <param name="least">What is less important is left out.</param>
    public RunLog(string path, TimeProvider clock, LogLevel least = LogLevel.Information)
    {
        file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0);
        writer = new StreamWriter(file, new UTF8Encoding(false)) { NewLine = "\n" };
        this.clock = clock;
        this.least = least;
    }

    /// <inheritdoc />
    public ILogger CreateLogger(string categoryName) => new Channel(this);

    /// <inheritdoc />
    public void Dispose()
    {
        lock (gate)
        {
            disposed = true;
            if (failed)
            {
                // The writer would try once more, and fail as it has been told.
                file.Dispose();
                return;
            }

            writer.Dispose();
        }
    }

    private void Write(LogLevel level, string message, Exception? exception)
    {
        var text = exception is null ? message : $"{message}\n{exception}";
        lock (gate)
        {
            // Whoever still logs after the end of the run (a worker that is winding down) is not worth an exception.
            if (disposed)
            {
                return;
            }

            failed = true;
            writer.WriteLine($"{clock.GetLocalNow().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)}{Label(level)}{text.ReplaceLineEndings("\n    ")}");
            writer.Flush();
            failed = false;
        }
    }

    private static string Label(LogLevel level) => level switch
    {
        LogLevel.Trace => " trace ",
        LogLevel.Debug => " debug ",
        LogLevel.Information => " info  ",
        LogLevel.Warning => " warn  ",
        LogLevel.Error => " error ",
        _ => " fatal ",
    };

    private sealed class Channel(RunLog log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None && logLevel >= log.least;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                log.Write(logLevel, formatter(state, exception), exception);
            }
        }
    }
}
