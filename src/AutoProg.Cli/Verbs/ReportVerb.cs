using AutoProg.Ort.Reports;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>Shows runs as a page.</summary>
[Verb("report", HelpText = "Write one HTML page about runs: schedule, losses and accuracy over runtime, every search, figures, environment.")]
[Example("report runs/quickstart")]
[Example("report runs/baseline runs/autoprog-one --output both.html")]
internal sealed record ReportVerb : OutputOptions, IVerb
{
    [Value(0, MetaName = "run", Required = true, HelpText = "Folders of runs or of comparisons, finished or not.")]
    public IEnumerable<string> Paths { get; init; } = [];

    [Option("output", MetaValue = "FILE", HelpText = "The page; the default is report.html in the folder, or in the working directory where several are given.")]
    public string? Output { get; init; }

    /// <inheritdoc />
    public int Run(VerbContext context)
    {
        var report = VerbContext.Ask(() => RunReport.Write([.. Paths], Output, cancellationToken: context.CancellationToken));
        context.Report(report, console => console.Write(Tables.Facts(
            ("runs", report.Finished == report.Runs ? $"{report.Runs}" : $"{report.Runs}, {report.Runs - report.Finished} of them unfinished"),
            ("page", report.Page))));
        return ExitCodes.Done;
    }
}
