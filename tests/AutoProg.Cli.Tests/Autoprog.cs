using System.Text.Json;

namespace AutoProg.Cli.Tests;

/// <summary>Calls the program inside this process.</summary>
internal static class Autoprog
{
    /// <summary>A run that takes about a second: 32 images of 16 pixels, 2 blocks, 2 stages.</summary>
    public static string TinyRecipe { get; } = Path.Combine(AppContext.BaseDirectory, "Fixtures", "tiny.yaml");

    public static Answer Run(params string[] arguments) => Run(new NeverStops(), arguments);

    public static Answer Run(IStop stop, params string[] arguments)
    {
        using var results = new StringWriter { NewLine = "\n" };
        using var messages = new StringWriter { NewLine = "\n" };
        var code = Invocation.Run(arguments, new Streams(results, messages), stop);
        return new Answer(code, results.ToString(), messages.ToString());
    }

    /// <summary>Nobody presses Ctrl-C.</summary>
    private sealed class NeverStops : IStop
    {
        public CancellationToken Token => CancellationToken.None;

        public int ExitCode => throw new InvalidOperationException("Nothing was stopped.");
    }
}

/// <summary>What a call left behind.</summary>
internal sealed record Answer(int Code, string Results, string Messages)
{
    /// <summary>The results as the JSON document that they should be.</summary>
    public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Results);
}

/// <summary>A folder that is deleted with the test.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("autoprog-cli-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
