using System.Globalization;
using System.Text;
using System.Text.Json;
using AutoProg.Ort.Files;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using MathNet.Numerics.Statistics;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Training;

/// <summary>What is compared.</summary>
/// <param name="Recipe">Everything but policy and seed.</param>
/// <param name="Policies">Policies, each once, at least one.</param>
/// <param name="Seeds">Seeds, each once, at least one.</param>
public sealed record ComparisonPlan(Recipe Recipe, IReadOnlyList<GrowthPolicyKind> Policies, IReadOnlyList<long> Seeds);

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
/// <param name="Top1">Mean top-1 of the last evaluation, percent; null without evaluation.</param>
/// <param name="Top1Spread">Sample standard deviation of top-1 over seeds; null for a single seed.</param>
/// <param name="Weights">Weights that the last evaluations found best, in the order of the seeds, each once.</param>
/// <param name="Steps">Mean number of updates.</param>
public sealed record PolicyResult(
    string Policy, int Seeds, double RuntimeSeconds, double? SpeedupPercent, double? Top1, double? Top1Spread, IReadOnlyList<string> Weights, double Steps);

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
        text.AppendLine("| policy | runtime (s) | speedup | top-1 (%) | weights | steps | runs |");
        text.AppendLine("|---|---:|---:|---:|---|---:|---:|");
        foreach (var p in Policies)
        {
            var speedup = p.SpeedupPercent is { } percent ? Line($"{percent:+0.0;-0.0;0.0} %") : "";
            var top1 = p.Top1 is { } mean ? Line($"{mean:F2}{(p.Top1Spread is { } spread ? Line($" ± {spread:F2}") : "")}") : "";
            text.AppendLine(Line($"| {p.Policy} | {p.RuntimeSeconds:F1} | {speedup} | {top1} | {string.Join(", ", p.Weights)} | {p.Steps:F0} | {p.Seeds} |"));
        }

        text.AppendLine();
        text.AppendLine("Runtime is training and search, without evaluation and data preparation; speedup is original / policy - 1. Top-1 is that of the last evaluation,");
        text.AppendLine("mean ± standard deviation over seeds.");
        text.AppendLine();
        text.AppendLine("| policy | seed | runtime (s) | train | search | bookkeeping | evaluation | data wait | top-1 (%) | stages |");
        text.AppendLine("|---|---:|---:|---:|---:|---:|---:|---:|---:|---|");
        foreach (var (policy, seed, run) in Runs)
        {
            var t = run.Times;
            text.AppendLine(Line(
                $"| {policy} | {seed} | {t.Runtime:F1} | {t.Train:F1} | {t.Search:F1} | {t.Bookkeeping:F1} | {t.Evaluation:F1} | {t.DataWait:F1} | {run.Final?.Top1:F2} | {string.Join(", ", run.Stages.Select(static stage => stage.Network))} |"));
        }

        return text.ToString().ReplaceLineEndings("\n");
    }

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
        var total = plan.Policies.Count * plan.Seeds.Count;

        // Seed by seed, so that a machine that grows slower with the hours treats all policies alike.
        foreach (var (seed, policy) in plan.Seeds.SelectMany(seed => plan.Policies.Select(policy => (seed, policy))))
        {
            var name = PolicyNames.NameOf(policy);
            options.Logger.LogInformation("Comparison {Run}/{Total}: {Policy}, seed {Seed}.", runs.Count + 1, total, name, seed);
            var recipe = plan.Recipe with { Seed = seed, Growth = plan.Recipe.Growth with { Policy = policy } };
            RecipeRules.ThrowIfInvalid(recipe, $"{plan.Recipe.Name} under {name}");
            runs.Add(new ComparedRun(name, seed, Complete(recipe, options with { Output = folder, Experiment = $"{name}-seed{seed}" }, cancellationToken)));
        }

        return Write(Compare(plan, runs, folder));
    }

    private static RunSummary Complete(Recipe recipe, TrainerOptions options, CancellationToken cancellationToken)
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

            if (ReadSummary(run.SummaryFile) is { } finished)
            {
                options.Logger.LogInformation("{Folder} is complete.", folder);
                return finished with { Folder = folder };
            }

            if (run.Checkpoints(keep: 1, options.Logger).TryOpenLatest() is null)
            {
                options = options with { Overwrite = true };
            }
        }

        return options.Overwrite ? new ProgressiveTrainer(recipe, options).Run(cancellationToken) : ProgressiveTrainer.Resume(folder, options, cancellationToken: cancellationToken);
    }

    private static RunSummary? ReadSummary(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            using var stream = File.OpenRead(path);
            return JsonSerializer.Deserialize<RunSummary>(stream, RunJson.Document);
        }
        catch (JsonException error)
        {
            throw new FileFormatException(path, $"is no summary of a run ({error.Message}); delete it to have the run completed again", error);
        }
    }

    private static ComparisonReport Compare(ComparisonPlan plan, IReadOnlyList<ComparedRun> runs, string folder)
    {
        var byPolicy = runs.ToLookup(static run => run.Policy);
        var original = byPolicy[PolicyNames.NameOf(GrowthPolicyKind.Original)].Select(static run => run.Summary.Times.Runtime).DefaultIfEmpty(double.NaN).Average();
        return new ComparisonReport
        {
            Name = plan.Recipe.Name,
            Folder = folder,
            Runs = runs,
            Policies = [.. plan.Policies.Select(policy => Result(PolicyNames.NameOf(policy)))],
        };

        PolicyResult Result(string policy)
        {
            var own = byPolicy[policy].Select(static run => run.Summary).ToList();
            var runtime = own.Average(static run => run.Times.Runtime);
            var top1 = own.Select(static run => run.Final?.Top1).OfType<double>().ToList();
            return new PolicyResult(
                policy,
                own.Count,
                runtime,
                double.IsNaN(original) ? null : 100 * ((original / runtime) - 1),
                top1.Count == 0 ? null : top1.Average(),
                top1.Count < 2 ? null : Statistics.StandardDeviation(top1),
                [.. own.Select(static run => run.Final?.Weights).OfType<string>().Distinct(StringComparer.Ordinal)],
                own.Average(static run => run.Steps));
        }
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
