using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Reports;

/// <summary>The runs of a report, in the order asked for, and what they come to.</summary>
internal sealed class ReportContent
{
    private const int MostRuns = 100;

    private ReportContent(IReadOnlyList<ReportedRun> runs)
    {
        Runs = runs;
        Groups = [.. runs.GroupBy(static run => (run.Parent, run.Variant)).Select((group, i) => new ReportedGroup(NameOf(group.First()), i, [.. group]) { Result = ResultOf(NameOf(group.First()), group) })];
    }

    public IReadOnlyList<ReportedRun> Runs { get; }

    /// <summary>Runs that differ in nothing but the seed.</summary>
    public IReadOnlyList<ReportedGroup> Groups { get; }

    public string Title => string.Join(", ", Runs.Select(static run => run.Start.Name).Distinct(StringComparer.Ordinal).Take(3));

    /// <summary>Why figures of some runs must not be compared; empty where nothing is known against it.</summary>
    public IReadOnlyList<string> Differences =>
    [
        .. Difference("the processor", static run => run.Environment?.Processor),
        .. Difference("the number of threads", static run => run.Start.Threads == 0 ? null : $"{run.Start.Threads}"),
        .. Difference("the device", static run => run.Start.Device),
        .. Difference("the version of the engine", static run => run.Environment?.Product),
        .. Difference("the version of ONNX Runtime", static run => run.Environment is { } e ? $"{e.OnnxRuntime} ({e.OrtFlavor})" : null),
        .. Runs.GroupBy(static run => run.Seed).SelectMany(seed => Difference($"the images of seed {seed.Key}", static run => run.Data is { } d ? $"{d.Training.Name} {d.Training.Sha256[..Math.Min(8, d.Training.Sha256.Length)]}, {d.Evaluation.Name} {d.Evaluation.Sha256[..Math.Min(8, d.Evaluation.Sha256.Length)]}" : null, seed)),
    ];

    /// <summary>Reads runs and comparisons.</summary>
    /// <param name="paths">Folders of runs, or of comparisons, which hold runs.</param>
    /// <param name="cancellationToken">Looked at between runs.</param>
    /// <exception cref="ArgumentException">There are none, or too many.</exception>
    /// <exception cref="DirectoryNotFoundException">A folder is neither.</exception>
    public static ReportContent Read(IReadOnlyList<string> paths, CancellationToken cancellationToken)
    {
        var folders = paths.SelectMany(RunFolders).Distinct(StringComparer.Ordinal).ToList();
        if (folders.Count is 0 or > MostRuns)
        {
            throw new ArgumentException($"A report shows 1 to {MostRuns} runs, and was given {folders.Count}.", nameof(paths));
        }

        return new ReportContent([.. folders.Select(folder =>
        {
            cancellationToken.ThrowIfCancellationRequested();
            return RunReader.Read(folder);
        })]);
    }

    private static IReadOnlyList<string> RunFolders(string path)
    {
        var folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (RunDirectory.IsRun(folder))
        {
            return [folder];
        }

        List<string> inside = Directory.Exists(folder) ? [.. Directory.EnumerateDirectories(folder).Where(RunDirectory.IsRun).Take(MostRuns + 1)] : [];
        return inside.Count > 0
            ? [.. inside.OrderBy(OrderOf).ThenBy(static run => run, StringComparer.Ordinal)]
            : throw new DirectoryNotFoundException($"{path}: is neither the folder of a run nor that of a comparison; there is no recipe.yaml in it or one level below.");
    }

    /// <summary>The policies' own order: the baseline comes first.</summary>
    private static int OrderOf(string folder) =>
        PolicyNames.All.Select(static p => p.Name).Index().Where(p => Path.GetFileName(folder).StartsWith(p.Item, StringComparison.Ordinal)).Select(static p => p.Index).DefaultIfEmpty(int.MaxValue).Last();

    private string NameOf(ReportedRun run) => Runs.Select(static r => r.Parent).Distinct(StringComparer.Ordinal).Count() > 1 ? $"{Path.GetFileName(run.Parent)}/{run.Variant}" : run.Variant;

    /// <summary>Of the finished runs; speedup over the one group beside it that trained the complete model throughout.</summary>
    private PolicyResult? ResultOf(string name, IGrouping<(string Parent, string Variant), ReportedRun> group)
    {
        var baselines = Runs.Where(run => run.Parent == group.Key.Parent && run.Summary?.Policy == PolicyNames.NameOf(GrowthPolicyKind.Original)).GroupBy(static run => run.Variant).ToList();
        var original = baselines is [var only] ? only.Average(static run => run.Times.Runtime) : (double?)null;
        List<RunSummary> finished = [.. group.Select(static run => run.Summary).OfType<RunSummary>()];
        return finished.Count == 0 ? null : PolicyResult.Of(name, finished, original);
    }

    private IEnumerable<string> Difference(string what, Func<ReportedRun, string?> of, IEnumerable<ReportedRun>? among = null)
    {
        var values = (among ?? Runs).Select(of).OfType<string>().Distinct(StringComparer.Ordinal).ToList();
        return values.Count > 1 ? [$"These runs differ in {what}: {string.Join("; ", values)}."] : [];
    }
}

/// <summary>Runs that differ in nothing but the seed.</summary>
/// <param name="Name">As the report calls it.</param>
/// <param name="Color">Number of its colour.</param>
/// <param name="Runs">At least one.</param>
internal sealed record ReportedGroup(string Name, int Color, IReadOnlyList<ReportedRun> Runs)
{
    /// <summary>Means over its finished runs; null where there are none.</summary>
    public required PolicyResult? Result { get; init; }
}
