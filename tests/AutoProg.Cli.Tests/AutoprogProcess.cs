using System.Diagnostics;

namespace AutoProg.Cli.Tests;

/// <summary>Calls the program in a process of its own.</summary>
internal static class AutoprogProcess
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Starts it with both streams redirected.</summary>
    public static Process Start(params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? Environment.ProcessPath : "dotnet")
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        foreach (var argument in arguments.Prepend(Path.Combine(AppContext.BaseDirectory, "autoprog.dll")))
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }

    /// <summary>Runs it to its end, which comes within minutes.</summary>
    public static Task<Answer> RunAsync(params IEnumerable<string> arguments) => RunAsync(Patience, arguments);

    /// <summary>Runs it to its end.</summary>
    /// <param name="patience">After which it is killed, and the test fails.</param>
    /// <param name="arguments">Verb and options.</param>
    public static async Task<Answer> RunAsync(TimeSpan patience, IEnumerable<string> arguments)
    {
        string[] call = [.. arguments];
        using var process = Start(call);
        var (results, messages) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var limit = new CancellationTokenSource(patience);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"'autoprog {string.Join(' ', call)}' has not ended within {patience}. It said:\n{await messages}");
        }

        return new Answer(process.ExitCode, await results, await messages);
    }
}
