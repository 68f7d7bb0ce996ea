namespace AutoProg.Ort.Progressive;

/// <summary>How a depth is divided among an architecture's block groups, from the input on.</summary>
/// <param name="depth">Number of blocks over all groups, at least 1.</param>
/// <returns>Blocks per group.</returns>
internal delegate IReadOnlyList<int> DepthSplit(int depth);

/// <summary>The splits of the architectures, and how to keep them nested.</summary>
internal static class DepthSplits
{
    /// <summary>One stack of blocks: DeiT, DiT.</summary>
    public static DepthSplit SingleStack { get; } = static depth => [depth];

    /// <summary>
    /// Splits every depth such that no group shrinks while the depth rises. Definition 3.1 (weight-nesting) needs it, and a rule like VOLO's
    /// does not give it: the authors' elastic rule then runs a network of another depth or fails.
    /// </summary>
    /// <param name="original">Blocks per group of the network that the others grow from.</param>
    /// <param name="depths">Depths to split, ascending, none below the original's.</param>
    /// <param name="split">The architecture's own rule; kept wherever it nests.</param>
    /// <returns>One split per depth. A group that the rule would shrink keeps its size, and the other groups give up the difference:
    /// growing from [2, 7], VOLO's depth 10 becomes [3, 7].</returns>
    public static IReadOnlyList<IReadOnlyList<int>> Nest(IReadOnlyList<int> original, IReadOnlyList<int> depths, DepthSplit split)
    {
        ArgumentNullException.ThrowIfNull(original);
        ArgumentNullException.ThrowIfNull(depths);
        ArgumentNullException.ThrowIfNull(split);
        var nested = new List<IReadOnlyList<int>>(depths.Count);
        var floor = original;
        foreach (var depth in depths)
        {
            if (depth < floor.Sum())
            {
                throw new ArgumentException(
                    $"Depth {depth} is below {floor.Sum()}, the depth before it; list depths in ascending order, from the original network's on.", nameof(depths));
            }

            var groups = split(depth).ToArray();
            if (groups.Length != original.Count || groups.Sum() != depth)
            {
                throw new ArgumentException(
                    $"The split of depth {depth} is [{string.Join(", ", groups)}]; expected {original.Count} groups that add up to {depth}.", nameof(split));
            }

            floor = RaiseTo(floor, groups);
            nested.Add(floor);
        }

        return nested;
    }

    private static int[] RaiseTo(IReadOnlyList<int> floor, int[] groups)
    {
        var depth = groups.Sum();
        for (var g = 0; g < groups.Length; g++)
        {
            groups[g] = Math.Max(groups[g], floor[g]);
        }

        var excess = groups.Sum() - depth;
        for (var g = 0; g < groups.Length; g++)
        {
            var given = Math.Min(excess, groups[g] - floor[g]);
            groups[g] -= given;
            excess -= given;
        }

        return groups;
    }
}
