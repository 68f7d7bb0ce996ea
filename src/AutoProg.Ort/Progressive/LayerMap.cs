namespace AutoProg.Ort.Progressive;

/// <summary>Which block of a smaller stack initialises each block of a larger one; the discrete part of a growth operator zeta (sec. 3.1.3).</summary>
internal sealed class LayerMap
{
    private LayerMap(int from, int?[] source, int[] inserted)
    {
        From = from;
        Source = source;
        Inserted = inserted;
    }

    /// <summary>Number of blocks of the smaller stack.</summary>
    public int From { get; }

    /// <summary>Number of blocks of the larger stack.</summary>
    public int To => Source.Count;

    /// <summary>Per block of the larger stack: the block of the smaller one that it copies, or null for a fresh block.</summary>
    public IReadOnlyList<int?> Source { get; }

    /// <summary>The blocks of the larger stack that are additions, ascending; the others are the originals in their order.</summary>
    public IReadOnlyList<int> Inserted { get; }

    /// <summary>
    /// Each block is repeated in place: with q = floor(l_new / l_prev), every block appears q times, and the last l_new mod l_prev blocks once
    /// more. The first of equal blocks is the original, those behind it are inserted.
    /// </summary>
    public static LayerMap Interpolation(int from, int to)
    {
        CheckDepths(from, to);
        var copies = to / from;
        var longer = to % from;
        var boundary = (from - longer) * copies;
        var source = new int?[to];
        var inserted = new List<int>(to - from);
        for (var i = 0; i < to; i++)
        {
            source[i] = i < boundary ? i / copies : from - longer + ((i - boundary) / (copies + 1));
            if (i > 0 && source[i] == source[i - 1])
            {
                inserted.Add(i);
            }
        }

        return new(from, source, [.. inserted]);
    }

    /// <summary>Copies of the whole stack on top of each other: f(i) = i mod l_prev.</summary>
    public static LayerMap Stacking(int from, int to)
    {
        CheckDepths(from, to);
        return new(from, [.. Enumerable.Range(0, to).Select(i => (int?)(i % from))], [.. Enumerable.Range(from, to - from)]);
    }

    /// <summary>The old blocks in front, fresh ones behind them.</summary>
    public static LayerMap RandInit(int from, int to)
    {
        CheckDepths(from, to);
        return new(from, [.. Enumerable.Range(0, to).Select(i => i < from ? i : (int?)null)], [.. Enumerable.Range(from, to - from)]);
    }

    private static void CheckDepths(int from, int to)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(from);
        if (to < from)
        {
            throw new ArgumentOutOfRangeException(nameof(to), to, $"A stack of {from} blocks cannot grow to fewer blocks.");
        }
    }
}
