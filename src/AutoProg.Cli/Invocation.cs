using AutoProg.Ort.Runs;
using CommandLine;
using Spectre.Console;

namespace AutoProg.Cli;

/// <summary>Arguments in, exit code out: the whole program but for the process around it.</summary>
internal static class Invocation
{
    /// <summary>Every verb, in the order of help.</summary>
    public static IReadOnlyList<Type> Verbs { get; } =
    [
        typeof(TrainVerb),
        typeof(EvaluateVerb),
        typeof(CompareVerb),
        typeof(ScheduleVerb),
        typeof(ReportVerb),
        typeof(SearchVerb),
        typeof(LabelVerb),
        typeof(SampleVerb),
        typeof(ExportVerb),
        typeof(DifferentiateVerb),
        typeof(GraphsVerb),
        typeof(ParityVerb),
        typeof(BenchVerb),
        typeof(DoctorVerb),
    ];

    /// <summary>Runs one call.</summary>
    /// <param name="arguments">As the shell hands them over.</param>
    /// <param name="streams">Where results and messages go.</param>
    /// <param name="stop">When to end early.</param>
    /// <returns>See <see cref="ExitCodes"/>.</returns>
    public static int Run(IReadOnlyList<string> arguments, Streams streams, IStop stop)
    {
        var spelled = Spellings.Normalize(arguments);
        using var parser = new Parser(static settings =>
        {
            settings.HelpWriter = null;
            settings.AutoHelp = true;
            settings.AutoVersion = true;
            settings.CaseInsensitiveEnumValues = true;
        });
        OutputOptions? running = null;
        var verb = Verbs.FirstOrDefault(type => spelled.Length > 0 && HelpPages.NameOf(type) == spelled[0]);
        try
        {
            return parser.ParseArguments(spelled, [.. Verbs]) switch
            {
                Parsed<object> { Value: OutputOptions options } => Run(running = options, spelled, streams, stop),
                NotParsed<object> failed => Answer([.. failed.Errors], verb, streams),
                _ => throw new InvalidOperationException("The parser gave no result."),
            };
        }
        catch (OperationCanceledException cancelled) when (stop.Token.IsCancellationRequested)
        {
            streams.MessageConsole().WriteLine(running?.Farewell(cancelled) ?? OutputOptions.Stopped, new Style(Color.Yellow));
            return stop.ExitCode;
        }
        catch (Exception error)
        {
            // Whatever ends a verb ends the process with a code and a message, and nothing else.
            return Fail(error, verb, streams);
        }
    }

    private static int Run(OutputOptions options, string[] arguments, Streams streams, IStop stop)
    {
        UsageErrors.RefuseMissingValues(arguments, options.GetType());
        if (options.Surplus.FirstOrDefault() is { } surplus)
        {
            throw new UsageException($"'{surplus}' is one argument too many");
        }

        return ((IVerb)options).Run(new VerbContext(streams, options, stop.Token));
    }

    private static int Answer(IReadOnlyList<Error> errors, Type? verb, Streams streams)
    {
        if (errors.Any(static error => error.Tag == ErrorType.VersionRequestedError))
        {
            streams.Results.WriteLine(Version());
            return ExitCodes.Done;
        }

        var asked = errors.OfType<HelpVerbRequestedError>().Select(static help => help.Type).FirstOrDefault() ?? verb;
        if (errors.Any(static error => error.Tag is ErrorType.HelpRequestedError or ErrorType.HelpVerbRequestedError))
        {
            streams.Results.Write(asked is null ? HelpPages.Overview(Verbs) : HelpPages.Of(asked));
            return ExitCodes.Done;
        }

        throw new UsageException(string.Join('\n', UsageErrors.Describe(errors, verb, Verbs)));
    }

    private static int Fail(Exception error, Type? verb, Streams streams)
    {
        var console = streams.MessageConsole();
        // What nobody expects is a defect: its origin helps whoever mends it.
        var lines = ExitCodes.IsExpected(error) ? error.Message.Split('\n') : [$"unexpected {error}"];
        foreach (var line in lines)
        {
            console.WriteLine($"error: {line.TrimEnd('\r')}", new Style(Color.Red));
        }

        if (error is UsageException)
        {
            console.WriteLine($"autoprog {(verb is null ? "" : HelpPages.NameOf(verb) + " ")}--help shows what there is.");
        }

        return ExitCodes.Of(error);
    }

    private static string Version()
    {
        var environment = RunEnvironment.Capture();
        return $"autoprog {environment.Product}\nONNX Runtime {environment.OnnxRuntime} ({environment.OrtFlavor})\nproviders: {string.Join(", ", environment.ExecutionProviders)}";
    }
}
