using AutoProg.Ort.Recipes;

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
    public string ToMarkdown() => throw new NotSupportedException("Not there yet.");
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
    /// <exception cref="IOException">A folder holds a run of another recipe.</exception>
    public static ComparisonReport Run(ComparisonPlan plan, TrainerOptions options, CancellationToken cancellationToken = default) => throw new NotSupportedException("Not there yet.");
}
