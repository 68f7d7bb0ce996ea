using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Training;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>Reads a run's stages and decisions back.</summary>
[Verb("schedule", HelpText = "Show the growth schedule of a run: every candidate with what was measured of it, and who won.")]
[Example("schedule runs/baseline")]
[Example("schedule runs/baseline --json")]
internal sealed record ScheduleVerb : OutputOptions, IVerb
{
    [Value(0, MetaName = "run", Required = true, HelpText = "Folder of a run.")]
    public string Folder { get; init; } = "";

    /// <inheritdoc />
    public int Run(VerbContext context)
    {
        using var run = RunDirectory.Open(Folder);
        var events = EventLog.Read(run.EventsFile).ToList();
        var schedule = new RunSchedule(
            run.Path,
            [.. events.Where(static e => e.Kind == "stage").Select(static e => e.Read<StageReport>())],
            [.. events.Where(static e => e.Kind == "decision").Select(static e => e.Read<SearchDecision>())]);
        context.Report(schedule, console => ScheduleTables.Write(console, schedule));
        return ExitCodes.Done;
    }
}

/// <summary>What a run has grown to, and why.</summary>
/// <param name="Run">Folder.</param>
/// <param name="Stages">Stages as they began; a searched one first with its supernet, then with its winner.</param>
/// <param name="Decisions">Searches with all candidates.</param>
internal sealed record RunSchedule(string Run, IReadOnlyList<StageReport> Stages, IReadOnlyList<SearchDecision> Decisions);
