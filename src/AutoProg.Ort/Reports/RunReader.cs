using System.Text.Json;
using System.Text.RegularExpressions;
using AutoProg.Ort.Files;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Reports;

/// <summary>
/// Reads what a run has left so far. Its files may be anybody's: what is kept of them is bounded, however long they are.
/// </summary>
internal sealed partial class RunReader
{
    private const int MostStages = 1000;
    private const int MostDecisions = 200;
    private const int MostCandidates = 500;
    private const int MostEpochs = 20_000;
    private const int MostLosses = 4000;
    private const int LongestRecipe = 1 << 16;
    private const long LargestMetrics = 64L << 20;

    private readonly List<ReportedStage> stages = [];
    private readonly List<SearchDecision> decisions = [];
    private readonly Thinned<(double Runtime, double Loss)> losses = new(MostLosses);
    private readonly RunEnd end = new();
    private RunStart? start;
    private int resumptions;
    private EvaluationResult? evaluation;
    private RunTimes times = new();
    private double runtime;
    private bool searching;
    private bool rolledBack;

    private RunReader()
    {
    }

    /// <summary>Reads a run.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no run.</exception>
    /// <exception cref="FileFormatException">A file is not what a run writes.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static ReportedRun Read(string folder)
    {
        using var run = RunDirectory.Open(folder);
        return new RunReader().Read(run);
    }

    private ReportedRun Read(RunDirectory run)
    {
        foreach (var happened in File.Exists(run.EventsFile) ? EventLog.Read(run.EventsFile) : [])
        {
            try
            {
                end.Take(happened);
                Take(happened);
            }
            catch (JsonException error)
            {
                throw new FileFormatException(run.EventsFile, $"event '{happened.Kind}' at step {happened.Step} is not as runs write it ({error.Message})", error);
            }
        }

        var summary = end.Summary(run);
        var spent = summary?.Times ?? times;
        return new ReportedRun
        {
            Folder = Path.TrimEndingDirectorySeparator(run.Path),
            Variant = Variant(run.Path),
            Start = start ?? new RunStart(Path.GetFileName(run.Path), summary?.Policy ?? "unknown", summary?.Seed ?? 0, summary?.Device ?? "unknown"),
            Resumptions = resumptions,
            Summary = summary,
            Steps = summary?.Steps ?? end.Steps,
            Times = spent,
            Final = summary is null ? evaluation : summary.Final,
            Stages = [.. stages.Select((stage, i) => stage with { To = i + 1 < stages.Count ? stages[i + 1].From : Math.Max(runtime, spent.Runtime) })],
            Decisions = decisions,
            Losses = losses.Items,
            Epochs = ReadEpochs(run.MetricsFile),
            Recipe = ReadRecipe(run.RecipeFile),
        };
    }

    private void Take(RunEvent happened)
    {
        switch (happened.Kind)
        {
            case "started" or "resumed":
                start = happened.Read<RunStart>();
                resumptions += happened.Kind == "resumed" && !rolledBack ? 1 : 0;
                rolledBack = false;
                break;
            case "rollback":
                // The run itself went on from there; nobody resumed it.
                rolledBack = true;
                break;
            case "stage" when stages.Count < MostStages:
                stages.Add(new ReportedStage(runtime, runtime, happened.Read<StageReport>().Network, searching));
                break;
            case "search":
                searching = true;
                break;
            case "decision":
                searching = false;
                Take(happened.Read<SearchDecision>());
                break;
            case "step":
                var step = happened.Read<StepRecord>();
                runtime = step.Runtime ?? runtime;
                if (step.Runtime is not null)
                {
                    losses.Add((runtime, step.Loss));
                }

                break;
            case "epoch":
                times = happened.Read<EpochRecord>().Times;
                runtime = Math.Max(runtime, times.Runtime);
                break;
            case "evaluation":
                List<EvaluationResult> results = [.. happened.Read<EvaluationRecord>().Results.OfType<EvaluationResult>()];
                evaluation = results.Count == 0 ? evaluation : EvaluationResult.BestOf(results);
                break;
        }
    }

    private void Take(SearchDecision decision)
    {
        if (decisions.Count < MostDecisions)
        {
            decisions.Add(decision with { Candidates = [.. decision.Candidates.OfType<SearchedCandidate>().Take(MostCandidates)] });
        }
    }

    private static IReadOnlyList<(double Runtime, EpochMetrics Metrics)> ReadEpochs(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists || file.Length == 0)
        {
            return [];
        }

        if (file.Length > LargestMetrics)
        {
            throw new FileFormatException(path, $"has {file.Length} bytes; reports read {LargestMetrics} at most");
        }

        var (sum, epochs) = (0.0, new Thinned<(double, EpochMetrics)>(MostEpochs));
        foreach (var row in MetricsTable.Read(path))
        {
            sum += row.TrainSeconds + row.SearchSeconds;
            epochs.Add((sum, row));
        }

        return epochs.Items;
    }

    private static string ReadRecipe(string path)
    {
        using var reader = new StreamReader(path);
        var text = new char[LongestRecipe];
        var length = reader.ReadBlock(text);
        return new string(text, 0, length) + (reader.Peek() < 0 ? "" : "\n...");
    }

    /// <summary>Comparisons name the folders of their runs <c>variant-seedN</c>.</summary>
    private static string Variant(string folder)
    {
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(folder));
        return SeedSuffix().Match(name) is { Success: true, Index: > 0 and var end } ? name[..end] : name;
    }

    [GeneratedRegex("-seed-?[0-9]+$", RegexOptions.None, 1000)]
    private static partial Regex SeedSuffix();

    /// <summary>A list of bounded length: when it is full, every other item goes, and from then on only every second, fourth, .. is taken.</summary>
    private sealed class Thinned<T>(int most)
    {
        private readonly List<T> items = [];
        private long seen;
        private long stride = 1;

        public IReadOnlyList<T> Items => items;

        public void Add(T item)
        {
            if (seen++ % stride != 0)
            {
                return;
            }

            if (items.Count == most)
            {
                var kept = items.Where(static (_, i) => i % 2 == 0).ToList();
                items.Clear();
                items.AddRange(kept);
                stride *= 2;
            }

            items.Add(item);
        }
    }
}
