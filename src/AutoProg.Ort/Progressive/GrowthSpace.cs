using System.Globalization;
using AutoProg.Models;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Progressive;

/// <summary>
/// The growth space Lambda (sec. 3.1.2): the resolutions and depths that stages may use. Width is fixed. Where a pre-trained model is unfrozen progressively
/// (sec. 4.1.1) depth is fixed too, and the unfreeze level takes its place.
/// </summary>
internal sealed record GrowthSpace
{
    /// <summary>More stages than any schedule needs; keeps a mistyped recipe from costing memory.</summary>
    public const int MaxStages = 1000;

    // Below this a model's images are so small that steps of 32 pixels would leave no room to grow.
    private const int SmallImages = 128;
    private const int LargeImageDivisor = 32;

    private GrowthSpace(IReadOnlyList<int> resolutions, IReadOnlyList<int> depths, IReadOnlyList<int>? levels)
    {
        Resolutions = resolutions;
        Depths = depths;
        Levels = levels;
    }

    /// <summary>Resolution r_k of every stage of the manual schedule, ascending to the complete model's.</summary>
    public IReadOnlyList<int> Resolutions { get; }

    /// <summary>Depth l_k of every stage of the manual schedule, ascending to the complete model's.</summary>
    public IReadOnlyList<int> Depths { get; }

    /// <summary>Unfreeze level u_k of every stage of the manual schedule, ascending to the highest; null where every parameter always learns.</summary>
    public IReadOnlyList<int>? Levels { get; }

    /// <summary>Number of stages K.</summary>
    public int Stages => Resolutions.Count;

    /// <summary>The complete model psi_K.</summary>
    public SubNetwork Complete => AtStage(Stages - 1);

    /// <summary>The network of a stage in the manual schedule: both dimensions at the same scale.</summary>
    /// <param name="stage">Index k, from 0.</param>
    public SubNetwork AtStage(int stage) => new(Resolutions[stage], Depths[stage], Levels?[stage]);

    /// <summary>Reads the lists of a recipe, or computes them: r_k = make_divisible(s_k r_max, divisor), l_k = make_divisible(s_k l_max, 1), and so the unfreeze levels.</summary>
    /// <param name="recipe">Stages, scales, divisor, explicit lists.</param>
    /// <param name="complete">The complete model.</param>
    /// <param name="patchSize">Side of a patch in pixels; every resolution is a multiple of it.</param>
    /// <exception cref="ArgumentException">The recipe does not fit the model; all findings, one per line.</exception>
    public static GrowthSpace From(GrowthRecipe recipe, SubNetwork complete, int patchSize)
    {
        var problems = Problems(recipe, complete, patchSize);
        if (problems.Count > 0)
        {
            throw new ArgumentException(string.Join(Environment.NewLine, problems), nameof(recipe));
        }

        var resolutions = recipe.Resolutions.Count > 0
            ? recipe.Resolutions
            : Grow(recipe.RScale, recipe.NumStages, complete.Resolution, Divisor(recipe, complete.Resolution, patchSize));
        if (complete.Level is { } highest)
        {
            return new([.. resolutions], [.. Enumerable.Repeat(complete.Depth, recipe.NumStages)], Grow(recipe.LScale, recipe.NumStages, highest, divisor: 1));
        }

        var depths = recipe.Depths.Count > 0 ? recipe.Depths : Grow(recipe.LScale, recipe.NumStages, complete.Depth, divisor: 1);
        return new([.. resolutions], [.. depths], levels: null);
    }

    /// <summary>What in a recipe does not fit the model: key, finding, expectation and cure, one sentence each; empty if it fits.</summary>
    public static IReadOnlyList<string> Problems(GrowthRecipe recipe, SubNetwork complete, int patchSize)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(patchSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(complete.Resolution, nameof(complete));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(complete.Depth, nameof(complete));
        var problems = new List<string>();
        if (complete.Resolution % patchSize != 0)
        {
            problems.Add($"model.img_size = {complete.Resolution} is not a multiple of patch size {patchSize}; use {Multiples(complete.Resolution, patchSize)}.");
        }

        if (recipe.NumStages is < 1 or > MaxStages)
        {
            problems.Add($"growth.num_stages = {recipe.NumStages} is outside of 1 to {MaxStages}.");
            return problems;
        }

        CheckScale("r_scale", recipe.RScale);
        CheckScale("l_scale", recipe.LScale);
        if (recipe.ResolutionDivisor < 0 || recipe.ResolutionDivisor % patchSize != 0)
        {
            problems.Add(
                $"growth.resolution_divisor = {recipe.ResolutionDivisor} is not a positive multiple of patch size {patchSize}; " +
                $"use {Multiples(recipe.ResolutionDivisor, patchSize)}, or 0 for the default.");
        }

        if (!(recipe.MaxSupernetRatio >= 1))
        {
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"growth.max_supernet_ratio = {recipe.MaxSupernetRatio} is below 1; the supernet contains the current network."));
        }

        for (var k = 0; k < recipe.Resolutions.Count; k++)
        {
            if (recipe.Resolutions[k] > 0 && recipe.Resolutions[k] % patchSize != 0)
            {
                problems.Add($"growth.resolutions[{k}] = {recipe.Resolutions[k]} is not a multiple of patch size {patchSize}; use {Multiples(recipe.Resolutions[k], patchSize)}.");
            }
        }

        CheckList("resolutions", recipe.Resolutions, complete.Resolution);
        CheckList("depths", recipe.Depths, complete.Depth);
        if (complete.Level is not null && recipe.Depths.Count > 0)
        {
            problems.Add($"growth.depths = [{string.Join(", ", recipe.Depths)}] grows depth, and growth.unfreeze keeps it fixed; leave out one of the two.");
        }

        return problems;

        void CheckScale(string key, double scale)
        {
            if (!(scale > 0 && scale <= 1))
            {
                problems.Add(string.Create(CultureInfo.InvariantCulture, $"growth.{key} = {scale} is outside of (0, 1]; the default is 0.5."));
            }
        }

        void CheckList(string key, IReadOnlyList<int> values, int last)
        {
            if (values.Count == 0)
            {
                return;
            }

            if (values.Count != recipe.NumStages)
            {
                problems.Add($"growth.{key} has {values.Count} entries for {recipe.NumStages} stages; give one per stage or change num_stages.");
            }

            for (var k = 0; k < values.Count; k++)
            {
                if (values[k] < 1 || (k > 0 && values[k] < values[k - 1]))
                {
                    problems.Add($"growth.{key}[{k}] = {values[k]} is below {(k > 0 ? Math.Max(1, values[k - 1]) : 1)}; values are positive and never decrease.");
                }
            }

            if (values[^1] != last)
            {
                problems.Add($"growth.{key}[{values.Count - 1}] = {values[^1]} is not the complete model's {last}; the last stage trains the complete model.");
            }
        }
    }

    /// <summary>
    /// The part Lambda_k of the space that a searched stage looks at (eq. 8): all pairs of the open resolutions and depths, none smaller than the
    /// current network, resolution by resolution in ascending order.
    /// </summary>
    /// <param name="current">The network so far; null in the first stage, which opens the first, the middle and the last value of each list.
    /// Later stages open the current and the next resolution, and the current and the next two depths.</param>
    /// <param name="maxSupernetRatio">Limit on the supernet's depth over the current one; in the first stage over the smallest.</param>
    /// <remarks>
    /// The limits are those of the authors' code up to one point: its later depths are the next three strictly above the current one, so a stage must
    /// grow in depth. The paper's Lambda_k contains the current network (larger than or equal), which this follows: a stage may decide not to grow.
    /// The paper opens the next three depths and the next resolution.
    /// </remarks>
    public IReadOnlyList<SubNetwork> Candidates(SubNetwork? current, double maxSupernetRatio)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxSupernetRatio, 1);
        return Candidates(current, maxSupernetRatio, current is null ? FirstMiddleLast : static values => values.Take(2), current is null ? FirstMiddleLast : static values => values.Take(3));
    }

    /// <summary>
    /// The same for a zero-shot search (sec. 4.2): the first stage opens the first value and the last of the lower half of each list, later stages the current
    /// and the next one.
    /// </summary>
    /// <param name="current">The network so far; null in the first stage.</param>
    /// <param name="maxSupernetRatio">Limit on the depth over the current one.</param>
    public IReadOnlyList<SubNetwork> ZeroShotCandidates(SubNetwork? current, double maxSupernetRatio)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxSupernetRatio, 1);
        Func<List<int>, IEnumerable<int>> open = current is null
            ? static values => new[] { values[0], values[((values.Count + 1) / 2) - 1] }.Distinct()
            : static values => values.Take(2);
        return Candidates(current, maxSupernetRatio, open, open);
    }

    /// <summary>What a recipe's policy compares.</summary>
    /// <param name="current">The network so far; null in the first stage.</param>
    /// <param name="recipe">Policy and limits.</param>
    public IReadOnlyList<SubNetwork> Candidates(SubNetwork? current, GrowthRecipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        return recipe.Policy == GrowthPolicyKind.AutoprogZero ? ZeroShotCandidates(current, recipe.MaxSupernetRatio) : Candidates(current, recipe.MaxSupernetRatio);
    }

    private IReadOnlyList<SubNetwork> Candidates(
        SubNetwork? current, double maxSupernetRatio, Func<List<int>, IEnumerable<int>> openResolutions, Func<List<int>, IEnumerable<int>> openSizes)
    {
        var smallest = current ?? AtStage(0);
        var resolutions = From(Resolutions, smallest.Resolution);
        IEnumerable<SubNetwork> sizes = Levels is { } levels
            ? openSizes(From(levels, smallest.Level!.Value)).Select(level => smallest with { Level = level })
            : openSizes([.. From(Depths, smallest.Depth).Where(depth => depth <= maxSupernetRatio * smallest.Depth)]).Select(depth => smallest with { Depth = depth });
        var open = sizes.ToList();
        return [.. openResolutions(resolutions).SelectMany(resolution => open.Select(size => size with { Resolution = resolution }))];
    }

    private static List<int> From(IEnumerable<int> values, int least) => [.. values.Append(least).Where(value => value >= least).Distinct().Order()];

    private static IEnumerable<int> FirstMiddleLast(List<int> values) => new[] { values[0], values[values.Count / 2], values[^1] }.Distinct();

    private static int[] Grow(double firstScale, int stages, int largest, int divisor)
    {
        var sizes = UniformLinearGrowth.Scales(firstScale, stages).Select(scale => Math.Min(largest, Divisible.Nearest(scale * largest, divisor))).ToArray();
        sizes[^1] = largest;
        return sizes;
    }

    private static int Divisor(GrowthRecipe recipe, int largest, int patchSize)
    {
        if (recipe.ResolutionDivisor > 0)
        {
            return recipe.ResolutionDivisor;
        }

        return largest >= SmallImages && LargeImageDivisor % patchSize == 0 ? LargeImageDivisor : patchSize;
    }

    private static string Multiples(int value, int divisor)
    {
        var below = Math.Max(0, value) / divisor * divisor;
        return below > 0 ? $"{below} or {below + divisor}" : $"{divisor}";
    }
}
