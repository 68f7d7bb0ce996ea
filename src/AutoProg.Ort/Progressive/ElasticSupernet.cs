using AutoProg.Models;

namespace AutoProg.Ort.Progressive;

/// <summary>
/// The Elastic Supernet with Interpolation (sec. 3.2.3, Fig. 4): the largest candidate, grown from the current network, in which the
/// candidates of smaller depth nest. Resolution needs no nesting: weights do not depend on it.
/// </summary>
/// <remarks>
/// Search and extraction ask the same object, so the extracted network is the searched one. In the authors' code they may differ: after the
/// first stage the search counts from the next depth, the extraction from the previous one.
/// </remarks>
internal sealed class ElasticSupernet
{
    private readonly SortedDictionary<int, IReadOnlyList<int>> splits = [];

    /// <summary>Lays out a supernet over the candidates' depths.</summary>
    /// <param name="original">Blocks per group of the current network; [l] for an architecture with one stack.</param>
    /// <param name="depths">Depths of the candidates in any order, none below the current network's.</param>
    /// <param name="split">How the architecture divides a depth; null is one stack.</param>
    /// <param name="order">Order in which inserted blocks are activated.</param>
    public ElasticSupernet(IReadOnlyList<int> original, IEnumerable<int> depths, DepthSplit? split = null, InsertionOrder order = InsertionOrder.RoundByRound)
    {
        ArgumentNullException.ThrowIfNull(original);
        ArgumentNullException.ThrowIfNull(depths);
        int[] ascending = [.. depths.Distinct().Order()];
        if (ascending.Length == 0)
        {
            throw new ArgumentException("A supernet needs at least one candidate depth.", nameof(depths));
        }

        var nested = DepthSplits.Nest(original, ascending, split ?? DepthSplits.SingleStack);
        for (var i = 0; i < ascending.Length; i++)
        {
            splits.Add(ascending[i], nested[i]);
        }

        Stacks = [.. original.Zip(nested[^1], (smallest, largest) => new ElasticStack(smallest, largest, order))];
    }

    /// <summary>The block groups, from the input on.</summary>
    public IReadOnlyList<ElasticStack> Stacks { get; }

    /// <summary>The candidates' depths, ascending; the last is the supernet's.</summary>
    public IReadOnlyCollection<int> Depths => splits.Keys;

    /// <summary>Blocks per group at a candidate depth.</summary>
    /// <exception cref="ArgumentException">The depth is not a candidate's.</exception>
    public IReadOnlyList<int> Split(int depth) => splits.TryGetValue(depth, out var split)
        ? split
        : throw new ArgumentException($"Depth {depth} is not a candidate of this supernet; its depths are {string.Join(", ", Depths)}.", nameof(depth));

    /// <summary>Per group, the supernet's blocks that run at a candidate depth; block i of the extracted network copies the i-th of them.</summary>
    /// <exception cref="ArgumentException">The depth is not a candidate's.</exception>
    public IReadOnlyList<IReadOnlyList<int>> Active(int depth) => [.. Stacks.Zip(Split(depth), static (stack, blocks) => stack.Active(blocks))];

    /// <summary>The same as addresses in the supernet, group by group.</summary>
    /// <exception cref="ArgumentException">The depth is not a candidate's.</exception>
    public IEnumerable<BlockAddress> ActiveBlocks(int depth) =>
        Active(depth).SelectMany(static (blocks, group) => blocks.Select(block => new BlockAddress(group, block)));
}
