using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using AutoProg.Ort.Training;
using Microsoft.Extensions.Logging;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace AutoProg.Cli;

/// <summary>What a verb has at its disposal while it runs.</summary>
internal sealed class VerbContext
{
    /// <summary>As the files of a run spell JSON.</summary>
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        WriteIndented = true,
        NewLine = "\n",
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    private readonly Streams streams;
    private readonly OutputOptions output;
    private readonly IAnsiConsole messages;

    /// <summary>Of one call.</summary>
    public VerbContext(Streams streams, OutputOptions output, CancellationToken cancellationToken)
    {
        this.streams = streams;
        this.output = output;
        messages = streams.MessageConsole();
        Log = new ConsoleLog(messages, output.Quiet ? LogLevel.Warning : LogLevel.Information);
        CancellationToken = cancellationToken;
    }

    /// <summary>Messages for people.</summary>
    public ILogger Log { get; }

    /// <summary>Cancelled when the user or the system wants an end.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>Hands out the result: to programs as one JSON document, to people as they read it.</summary>
    /// <param name="document">Plain data.</param>
    /// <param name="render">Writes it for people.</param>
    public void Report<T>(T document, Action<IAnsiConsole> render)
    {
        if (output.Json)
        {
            streams.Results.WriteLine(JsonSerializer.Serialize(document, Json));
        }
        else
        {
            render(streams.ResultConsole());
        }
    }

    /// <summary>Calls the engine with what was typed; an argument that it refuses is wrong usage.</summary>
    /// <exception cref="UsageException">It refuses one.</exception>
    public static T Ask<T>(Func<T> call)
    {
        try
        {
            return call();
        }
        catch (ArgumentException error)
        {
            // What .NET appends, the parameter's name and value, means nothing to whoever types options.
            var end = error.Message.IndexOf($" (Parameter '{error.ParamName}')", StringComparison.Ordinal);
            throw new UsageException(end < 0 ? error.Message : error.Message[..end]);
        }
    }

    /// <summary>Shows something to people that is no result.</summary>
    public void Inform(IRenderable what)
    {
        if (!output.Quiet)
        {
            messages.Write(what);
        }
    }

    /// <summary>Runs something long, with a bar where somebody watches, and the log's lines alone where nobody does.</summary>
    /// <param name="batchSize">Images per step.</param>
    /// <param name="work">Reports its steps.</param>
    public T Watch<T>(int batchSize, Func<IProgress<TrainingProgress>?, T> work) =>
        output.Quiet || !streams.MessagesAreTerminal ? work(null) : TrainingBar.Show(messages, batchSize, work);
}
