using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace AutoProg.Cli;

/// <summary>
/// The engine's log on standard error, one message per line. Errors are left out: what ends a verb is reported once, where it becomes an exit code.
/// </summary>
/// <param name="console">Standard error.</param>
/// <param name="least">What is less important is left out.</param>
internal sealed class ConsoleLog(IAnsiConsole console, LogLevel least) : ILogger
{
    /// <inheritdoc />
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc />
    public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel < LogLevel.Error;

    /// <inheritdoc />
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        var message = formatter(state, exception);
        if (logLevel == LogLevel.Warning)
        {
            console.WriteLine($"warning: {message}", new Style(Color.Yellow));
        }
        else
        {
            console.WriteLine(message);
        }
    }
}
