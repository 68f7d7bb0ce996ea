using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using MathNet.Numerics.Statistics;

namespace AutoProg.Ort.Training;

/// <summary>What is compared.</summary>
/// <param name="Recipe">Everything but policy and seed.</param>
/// <param name="Policies">Policies, each once, at least one.</param>
/// <param name="Seeds">Seeds, each once, at least one.</param>
public sealed record ComparisonPlan(Recipe Recipe, IReadOnlyList<PolicyVariant> Policies, IReadOnlyList<long> Seeds);

/// <summary>One run of a comparison.</summary>
/// <param name="Policy">Policy.</param>
/// <param name="Seed">Seed.</param>
/// <param name="Summary">What came out of it.</param>
public sealed record ComparedRun(string Policy, long Seed, RunSummary Summary);

/// <summary>What a policy came to, over all seeds.</summary>
/// <param name="Policy">Policy.</param>
/// <param name="Seeds">Number of runs.</param>
/// <param name="RuntimeSeconds">Mean of training and search, evaluation and data preparation apart: the paper's runtime.</param>
/// <param name="SpeedupPercent">Runtime of the original policy over this one's, minus 1, in percent; null without the original.</param>
/// <param name="Top1">Top-1 of the last evaluation, percent; null for models without accuracy.</param>
/// <param name="Loss">Loss of the last evaluation.</param>
/// <param name="Frechet">Frechet distance between sampled and evaluation images; null where none was asked for.</param>
/// <param name="Weights">Weights that the last evaluations found best, in the order of the seeds, each once.</param>
/// <param name="Steps">Mean number of updates.</param>
public sealed record PolicyResult(
    string Policy, int Seeds, double RuntimeSeconds, double? SpeedupPercent, ComparedFigure? Top1, ComparedFigure? Loss, ComparedFigure? Frechet, IReadOnlyList<string> Weights, double Steps)
{
    /// <summary>Of the runs of a policy, at least one.</summary>
    internal static PolicyResult Of(string policy, IReadOnlyList<RunSummary> runs, double? originalSeconds)
    {
        var runtime = runs.Average(static run => run.Times.Runtime);
        return new PolicyResult(
            policy,
            runs.Count,
            runtime,
            originalSeconds is { } original ? 100 * ((original / runtime) - 1) : null,
            ComparedFigure.Of(runs.Select(static run => run.Final?.Top1)),
            ComparedFigure.Of(runs.Select(static run => run.Final?.Loss)),
            ComparedFigure.Of(runs.Select(static run => run.Frechet?.Distance)),
            [.. runs.Select(static run => run.Final?.Weights).OfType<string>().Distinct(StringComparer.Ordinal)],
            runs.Average(static run => run.Steps));
    }
}

/// <summary>A figure over seeds.</summary>
/// <param name="Mean">Mean.</param>
/// <param name="Spread">Sample standard deviation; null for a single seed.</param>
public sealed record ComparedFigure(double Mean, double? Spread)
{
    /// <summary>The figure of some runs; null where none of them has it.</summary>
    internal static ComparedFigure? Of(IEnumerable<double?> values)
    {
        var known = values.OfType<double>().ToList();
        return known.Count == 0 ? null : new(known.Average(), known.Count < 2 ? null : Statistics.StandardDeviation(known));
    }

    /// <summary>As tables show it, e.g. <c>71.50 ± 0.25</c>.</summary>
    /// <param name="format">Of the numbers, e.g. <c>F2</c>.</param>
    public string Text(string format) => Spread is { } spread
        ? $"{Mean.ToString(format, CultureInfo.InvariantCulture)} ± {spread.ToString(format, CultureInfo.InvariantCulture)}"
        : Mean.ToString(format, CultureInfo.InvariantCulture);
}

/// <summary>Policies side by side; also in <c>compare.json</c> and <c>compare.md</c>.</summary>
public sealed record ComparisonReport
{
    /// <summary>Name in the recipe.</summary>
    public required string Name { get; init; }

    /// <summary>Policies in the order asked for.</summary>
    public required IReadOnlyList<PolicyResult> Policies { get; init; }

    /// <summary>All runs.</summary>
    public required IReadOnlyList<ComparedRun> Runs { get; init; }

    /// <summary>Folder of the comparison.</summary>
    public required string Folder { get; init; }

    /// <summary>The table and where its numbers come from, as Markdown.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.AppendLine(Line($"# {Name}: policies compared"));
        text.AppendLine();
        var figures = Figures;
        text.AppendLine(Line($"| policy | runtime (s) | speedup | {string.Join(" | ", figures.Select(static f => f.Name))} | weights | steps | runs |"));
        text.AppendLine(Line($"|---|---:|---:|{string.Concat(figures.Select(static _ => "---:|"))}---|---:|---:|"));
        foreach (var p in Policies)
        {
            var speedup = p.SpeedupPercent is { } percent ? Line($"{percent:+0.0;-0.0;0.0} %") : "";
            text.AppendLine(Line(
                $"| {p.Policy} | {p.RuntimeSeconds:F1} | {speedup} | {string.Join(" | ", figures.Select(f => f.Of(p)))} | {string.Join(", ", p.Weights)} | {p.Steps:F0} | {p.Seeds} |"));
        }

        text.AppendLine();
        text.AppendLine("Runtime is training and search, without evaluation and data preparation; speedup is original / policy - 1. Figures are those of the last evaluation,");
        text.AppendLine("mean ± standard deviation over seeds.");
        text.AppendLine();
        text.AppendLine("| policy | seed | runtime (s) | train | search | bookkeeping | evaluation | data wait | final | stages |");
        text.AppendLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|---|");
        foreach (var (policy, seed, run) in Runs)
        {
            var t = run.Times;
            text.AppendLine(Line(
                $"| {policy} | {seed} | {t.Runtime:F1} | {t.Train:F1} | {t.Search:F1} | {t.Bookkeeping:F1} | {t.Evaluation:F1} | {t.DataWait:F1} | {run.Final?.Headline}{(run.Frechet is { } frechet ? Line($", Frechet {frechet.Distance:F2}") : "")} | {string.Join(", ", run.Stages.Select(static stage => stage.Network))} |"));
        }

        return text.ToString().ReplaceLineEndings("\n");
    }

    /// <summary>The figures that some policy has: by name, and as a table shows them.</summary>
    [JsonIgnore]
    public IReadOnlyList<(string Name, Func<PolicyResult, string> Of)> Figures =>
    [
        .. new (string Name, Func<PolicyResult, string> Of)[]
        {
            ("top-1 (%)", static p => p.Top1?.Text("F2") ?? ""),
            ("loss", static p => p.Top1 is null ? p.Loss?.Text("F4") ?? "" : ""),
            ("Frechet distance", static p => p.Frechet?.Text("F2") ?? ""),
        }.Where(figure => Policies.Any(p => figure.Of(p).Length > 0)),
    ];

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Trains a recipe under several policies and seeds and compares what they cost and what they reach.</summary>
public static class PolicyComparison
{
    /// <summary>
    /// Runs what is missing, each in its own folder <c>output/experiment/policy-seedN</c>: finished runs are taken as they are, interrupted ones go on.
    /// </summary>
    /// <param name="plan">What is compared.</param>
    /// <param name="options">How each run is embedded; output is needed, and experiment (null takes the recipe's name) names the comparison.</param>
    /// <param name="cancellationToken">Cancelling saves the run in progress; the same call goes on from there.</param>
    /// <exception cref="ArgumentException">Nothing to compare, something twice, or no output folder.</exception>
    /// <exception cref="IOException">A folder holds a run of another recipe, or is in use.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static ComparisonReport Run(ComparisonPlan plan, TrainerOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(options);
        CheckOnce("policies", plan.Policies);
        CheckOnce("seeds", plan.Seeds);
        var folder = Path.Combine(
            Path.GetFullPath(options.Output ?? throw new ArgumentException("A comparison needs an output folder.", nameof(options))), options.Experiment ?? plan.Recipe.Name);
        var runs = new List<ComparedRun>();
        var common = Prerequisites.Meet(plan.Recipe, options with { Output = folder }, cancellationToken);
        var total = plan.Policies.Count * plan.Seeds.Count;

        // Seed by seed, so that a machine that grows slower with the hours treats all policies alike.
        foreach (var (seed, policy) in plan.Seeds.SelectMany(seed => plan.Policies.Select(policy => (seed, policy))))
        {
            var name = policy.Name;
            options.Logger.ComparedRunBegun(runs.Count + 1, total, name, seed);
            var recipe = policy.Apply(common with { Seed = seed });
            RecipeRules.ThrowIfInvalid(recipe, $"{plan.Recipe.Name} under {name}");
            runs.Add(new ComparedRun(name, seed, Complete(recipe, options with { Output = folder, Experiment = $"{name}-seed{seed}" }, cancellationToken)));
        }

        return Write(Compare(plan, runs, folder));
    }

    /// <summary>The summary of a run that is complete, goes on, or starts: whichever its folder asks for.</summary>
    internal static RunSummary Complete(Recipe recipe, TrainerOptions options, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(options.Output!, options.Experiment!);
        if (options.Overwrite || !File.Exists(Path.Combine(folder, "recipe.yaml")))
        {
            return new ProgressiveTrainer(recipe, options).Run(cancellationToken);
        }

        using (var run = RunDirectory.Open(folder))
        {
            if (RecipeWriter.Write(run.ReadRecipe()) != RecipeWriter.Write(recipe))
            {
                throw new IOException($"{folder}: holds a run of another recipe; choose another --experiment, or replace it with --overwrite.");
            }

            if (RunEnd.SummaryOf(run) is { } finished)
            {
                options.Logger.ComparedRunTaken(folder);
                return finished with { Folder = folder };
            }

            if (run.Checkpoints(keep: 1, options.Logger).TryOpenLatest() is null)
            {
                options = options with { Overwrite = true };
            }
        }

        return options.Overwrite ? new ProgressiveTrainer(recipe, options).Run(cancellationToken) : ProgressiveTrainer.Resume(folder, options, cancellationToken: cancellationToken);
    }

    private static ComparisonReport Compare(ComparisonPlan plan, IReadOnlyList<ComparedRun> runs, string folder)
    {
        var byPolicy = runs.ToLookup(static run => run.Policy);
        var original = runs.Where(static run => run.Summary.Policy == PolicyNames.NameOf(GrowthPolicyKind.Original)).GroupBy(static run => run.Policy)
            .Select(static group => (double?)group.Average(static run => run.Summary.Times.Runtime)).FirstOrDefault();
        return new ComparisonReport
        {
            Name = plan.Recipe.Name,
            Folder = folder,
            Runs = runs,
            Policies = [.. plan.Policies.Select(policy => PolicyResult.Of(policy.Name, [.. byPolicy[policy.Name].Select(static run => run.Summary)], original))],
        };
    }

    private static ComparisonReport Write(ComparisonReport report)
    {
        WholeFile.Replace(Path.Combine(report.Folder, "compare.json"), JsonSerializer.Serialize(report, RunJson.Document) + "\n");
        WholeFile.Replace(Path.Combine(report.Folder, "compare.md"), report.ToMarkdown());
        return report;
    }

    private static void CheckOnce<T>(string what, IReadOnlyList<T> values)
    {
        if (values.Count == 0 || values.Distinct().Count() != values.Count)
        {
            throw new ArgumentException($"The {what} [{string.Join(", ", values)}] are none, or hold one twice; name each once.");
        }
    }
}
