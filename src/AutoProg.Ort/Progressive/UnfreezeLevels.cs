using System.IO.Enumeration;
using AutoProg.Models;

namespace AutoProg.Ort.Progressive;

/// <summary>Progressive unfreezing of a model (sec. 4.1.1): which parameters learn at each level. A level learns what the one below it learns, and more.</summary>
internal sealed class UnfreezeLevels
{
    private readonly Func<Parameter, int> firstLevel;

    private UnfreezeLevels(int count, Func<Parameter, int> firstLevel)
    {
        Count = count;
        this.firstLevel = firstLevel;
    }

    /// <summary>Number of levels; at the highest, everything learns.</summary>
    public int Count { get; }

    /// <summary>Levels by the blocks' numbers: block i learns from level (i mod 4) + 1 on; what lies outside the blocks always learns.</summary>
    /// <param name="depth">Blocks of the complete model.</param>
    /// <param name="rule">Which reading of the level.</param>
    public static UnfreezeLevels ByBlocks(int depth, UnfreezeRule rule)
    {
        var from = Enumerable.Repeat(Unfreezing.Levels, depth).ToArray();
        for (var level = Unfreezing.Levels; level >= 1; level--)
        {
            foreach (var block in Unfreezing.LearnableBlocks(depth, level, rule))
            {
                from[block] = level;
            }
        }

        return new(Unfreezing.Levels, parameter => parameter.Block is { } block ? from[block.Index] : 1);
    }

    /// <summary>Levels by names: a parameter learns from the first level on that names it; what no level names learns at the highest alone.</summary>
    /// <param name="patterns">Per level from the lowest: patterns with <c>*</c> and <c>?</c>, separated by commas.</param>
    /// <param name="names">The model's parameters.</param>
    /// <exception cref="ArgumentException">There is no level, or a pattern names no parameter.</exception>
    public static UnfreezeLevels ByNames(IReadOnlyList<string> patterns, IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        ArgumentNullException.ThrowIfNull(names);
        if (patterns.Count == 0)
        {
            throw new ArgumentException("There is no unfreeze level; name the learnable parameters of at least one.", nameof(patterns));
        }

        var from = names.ToDictionary(static name => name, _ => patterns.Count, StringComparer.Ordinal);
        for (var level = patterns.Count; level >= 1; level--)
        {
            foreach (var pattern in patterns[level - 1].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                var named = from.Keys.Where(name => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false)).ToList();
                if (named.Count == 0)
                {
                    throw new ArgumentException($"Pattern '{pattern}' of unfreeze level {level} names no parameter of the model; a name is e.g. '{from.Keys.First()}'.", nameof(patterns));
                }

                named.ForEach(name => from[name] = level);
            }
        }

        return new(patterns.Count, parameter => from[parameter.Name]);
    }

    /// <summary>
    /// Levels by depth: at level u of four the last u/4 of the layers learn, rounded up, from the head on (gradual unfreezing, Howard and Ruder 2018). A layer is what shares a
    /// name up to its last dot.
    /// </summary>
    /// <param name="names">The model's parameters in the order in which its graph reads them.</param>
    public static UnfreezeLevels ByDepth(IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        var layers = names.GroupBy(static name => name.LastIndexOf('.') is var dot and > 0 ? name[..dot] : name, StringComparer.Ordinal).ToList();
        var from = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < layers.Count; i++)
        {
            // Layer i is among the last ceil(u n / 4) of n from u = floor(4 (n - i - 1) / n) + 1 on.
            var level = (int)((long)Unfreezing.Levels * (layers.Count - i - 1) / layers.Count) + 1;
            foreach (var name in layers[i])
            {
                from.Add(name, level);
            }
        }

        return new(Unfreezing.Levels, parameter => from[parameter.Name]);
    }

    /// <summary>Whether a parameter learns at a level, 1 to <see cref="Count"/>.</summary>
    public bool IsLearnable(Parameter parameter, int level)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        ArgumentOutOfRangeException.ThrowIfLessThan(level, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, Count);
        return firstLevel(parameter) <= level;
    }
}
