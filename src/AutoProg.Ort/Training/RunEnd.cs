using AutoProg.Ort.Runs;

namespace AutoProg.Ort.Training;

/// <summary>Whether a run has come to its end: the summary of one that has gone on since tells of an earlier end, and is none.</summary>
internal sealed class RunEnd
{
    private bool goneOn;

    /// <summary>Updates that the events tell of.</summary>
    public long Steps { get; private set; }

    /// <summary>The summary of a run that is at its end; null of any other.</summary>
    /// <exception cref="Files.FileFormatException">The file is no summary.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static RunSummary? SummaryOf(RunDirectory run)
    {
        var end = new RunEnd();
        foreach (var happened in File.Exists(run.EventsFile) ? EventLog.Read(run.EventsFile) : [])
        {
            end.Take(happened);
        }

        return end.Summary(run);
    }

    /// <summary>Hears of an event, in their order.</summary>
    public void Take(RunEvent happened)
    {
        Steps = Math.Max(Steps, happened.Step);
        goneOn = happened.Kind switch
        {
            "resumed" => true,
            "finished" => false,
            _ => goneOn,
        };
    }

    /// <summary>The same, from the events heard of.</summary>
    public RunSummary? Summary(RunDirectory run) => !goneOn && RunSummary.TryRead(run.SummaryFile) is { } summary && Steps <= summary.Steps ? summary : null;
}
