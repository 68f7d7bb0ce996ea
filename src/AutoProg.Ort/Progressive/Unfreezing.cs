namespace AutoProg.Ort.Progressive;

/// <summary>Which blocks an unfreeze level makes learnable.</summary>
internal enum UnfreezeRule
{
    /// <summary>Blocks i with (i mod 4) below the level.</summary>
    Intended,

    /// <summary>
    /// As published, for reproducing its numbers: names are matched without the closing dot, so <c>blocks.1</c> also unfreezes blocks 10 to 19.
    /// At depth 28 the levels train 7, 20, 26 and 28 blocks instead of 7, 14, 21 and 28; up to 10 blocks both rules agree.
    /// </summary>
    Released,
}

/// <summary>Progressive unfreezing (sec. 4.1.1): the architecture stays, the learnable part grows.</summary>
internal static class Unfreezing
{
    /// <summary>The highest level; it makes every block learnable.</summary>
    public const int Levels = 4;

    /// <summary>The learnable blocks of a level, ascending.</summary>
    /// <param name="depth">Number of blocks.</param>
    /// <param name="level">Unfreeze level u, 1 to 4.</param>
    /// <param name="rule">Which reading of the level.</param>
    public static IReadOnlyList<int> LearnableBlocks(int depth, int level, UnfreezeRule rule = UnfreezeRule.Intended)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(depth);
        ArgumentOutOfRangeException.ThrowIfLessThan(level, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, Levels);
        return [.. Enumerable.Range(0, depth).Where(block => rule == UnfreezeRule.Intended ? IsNamed(block, level) : Prefixes(block).Any(named => IsNamed(named, level)))];
    }

    private static bool IsNamed(int block, int level) => block % Levels < level;

    // 123 -> 123, 12, 1: the block numbers that begin this block's name.
    private static IEnumerable<int> Prefixes(int block)
    {
        for (var prefix = block; ; prefix /= 10)
        {
            yield return prefix;
            if (prefix < 10)
            {
                yield break;
            }
        }
    }
}
