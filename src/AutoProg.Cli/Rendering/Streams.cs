using System.Text;
using Spectre.Console;

namespace AutoProg.Cli;

/// <summary>Where results and messages go; the process's own streams, or a test's.</summary>
/// <param name="Results">Standard output.</param>
/// <param name="Messages">Standard error.</param>
/// <param name="ResultsAreTerminal">Whether somebody looks at the results as they come.</param>
/// <param name="MessagesAreTerminal">Whether somebody looks at the messages as they come.</param>
/// <param name="NoColor">Whether colours are unwanted (https://no-color.org).</param>
internal sealed record Streams(TextWriter Results, TextWriter Messages, bool ResultsAreTerminal = false, bool MessagesAreTerminal = false, bool NoColor = false)
{
    /// <summary>Wide enough that no line is broken where nobody sees the edge of a screen.</summary>
    private const int WidthOfFiles = 8192;

    /// <summary>The process's streams, in UTF-8.</summary>
    public static Streams OfProcess()
    {
        var (results, messages) = (Utf8(Console.OpenStandardOutput()), Utf8(Console.OpenStandardError()));
        return new Streams(
            Console.IsOutputRedirected ? results : Console.Out,
            Console.IsErrorRedirected ? messages : Console.Error,
            !Console.IsOutputRedirected,
            !Console.IsErrorRedirected,
            !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")));
    }

    /// <summary>Renders results.</summary>
    public IAnsiConsole ResultConsole() => Create(Results, ResultsAreTerminal);

    /// <summary>Renders messages and progress.</summary>
    public IAnsiConsole MessageConsole() => Create(Messages, MessagesAreTerminal);

    private static StreamWriter Utf8(Stream stream) => new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true, NewLine = "\n" };

    private IAnsiConsole Create(TextWriter writer, bool isTerminal)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = isTerminal && !NoColor ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = isTerminal ? InteractionSupport.Detect : InteractionSupport.No,
        });
        if (!isTerminal)
        {
            console.Profile.Width = WidthOfFiles;
        }

        return console;
    }
}
