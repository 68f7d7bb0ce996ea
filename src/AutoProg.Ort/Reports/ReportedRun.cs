using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Reports;

/// <summary>A run as reports show it, finished or not. Times are seconds of runtime: training and search, without evaluation and waiting for data.</summary>
internal sealed record ReportedRun
{
    /// <summary>Absolute path.</summary>
    public required string Folder { get; init; }

    /// <summary>The variant of the policy in a comparison, e.g. <c>autoprog-zero+sid</c>; elsewhere the folder's name. Runs that differ in nothing but the seed share it.</summary>
    public required string Variant { get; init; }

    /// <summary>What began, or went on last.</summary>
    public required RunStart Start { get; init; }

    /// <summary>How often the run was resumed.</summary>
    public required int Resumptions { get; init; }

    /// <summary>What came out of it; null before the end.</summary>
    public required RunSummary? Summary { get; init; }

    public required long Steps { get; init; }

    public required RunTimes Times { get; init; }

    /// <summary>The last evaluation; null before the first.</summary>
    public required EvaluationResult? Final { get; init; }

    public required IReadOnlyList<ReportedStage> Stages { get; init; }

    public required IReadOnlyList<SearchDecision> Decisions { get; init; }

    /// <summary>Losses of the log's steps.</summary>
    public required IReadOnlyList<(double Runtime, double Loss)> Losses { get; init; }

    /// <summary>Epochs, with the runtime at their end.</summary>
    public required IReadOnlyList<(double Runtime, EpochMetrics Metrics)> Epochs { get; init; }

    /// <summary>The effective recipe, as it is written.</summary>
    public required string Recipe { get; init; }

    public long Seed => Start.Seed;

    public RunEnvironment? Environment => Summary?.Environment ?? Start.Environment;

    public RunData? Data => Summary?.Data ?? Start.Data;

    /// <summary>Of a comparison: the folder above.</summary>
    public string Parent => Path.GetDirectoryName(Folder) ?? "";

    public string FolderName => Path.GetFileName(Folder);
}

/// <summary>A network and the time in which it was trained.</summary>
/// <param name="From">Runtime at its beginning.</param>
/// <param name="To">Runtime at its end.</param>
/// <param name="Network">The network; during a search the supernet.</param>
/// <param name="IsSearch">Whether candidates were trained in turn.</param>
internal sealed record ReportedStage(double From, double To, SubNetwork Network, bool IsSearch);
