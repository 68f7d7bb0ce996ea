namespace AutoProg.Ort.Progressive;

/// <summary>In which order the inserted blocks of an elastic stack come into play as the depth rises.</summary>
internal enum InsertionOrder
{
    /// <summary>
    /// First one copy of every original block, the deepest first, then the second copies, and so on. A sub-network of any depth then holds the
    /// very blocks that Interpolation would give it, which is what the Elastic Supernet is for (sec. 3.2.3).
    /// </summary>
    RoundByRound,

    /// <summary>
    /// By position, the deepest first: the authors' code. Equal to <see cref="RoundByRound"/> up to twice the original depth; beyond that the deep
    /// blocks are tripled before the shallow ones are doubled.
    /// </summary>
    DeepestFirst,
}

/// <summary>
/// One group of blocks of the Elastic Supernet: originals that always run, and inserted blocks in between that run from some depth on.
/// Sub-networks nest: the blocks of a smaller depth are among those of every larger one (definition 3.1).
/// </summary>
internal sealed class ElasticStack
{
    private readonly int[] activeFrom;

    /// <summary>Grows a stack by Interpolation and ranks its inserted blocks.</summary>
    /// <param name="smallest">Original blocks, at least 1.</param>
    /// <param name="largest">Blocks of the supernet, at least <paramref name="smallest"/>.</param>
    /// <param name="order">Order of activation.</param>
    public ElasticStack(int smallest, int largest, InsertionOrder order = InsertionOrder.RoundByRound)
    {
        Growth = LayerMap.Interpolation(smallest, largest);
        activeFrom = Enumerable.Repeat(smallest, largest).ToArray();
        var copyNumbers = CopyNumbers();
        var activation = order == InsertionOrder.DeepestFirst
            ? Growth.Inserted.OrderDescending()
            : Growth.Inserted.OrderBy(block => copyNumbers[block]).ThenByDescending(static block => block);
        var depth = smallest;
        foreach (var block in activation)
        {
            activeFrom[block] = ++depth;
        }
    }

    /// <summary>How the supernet grows out of the original stack.</summary>
    public LayerMap Growth { get; }

    /// <summary>Depth of the original stack.</summary>
    public int Smallest => Growth.From;

    /// <summary>Depth of the supernet.</summary>
    public int Largest => Growth.To;

    /// <summary>The supernet's blocks that run at a depth, ascending; block i of the extracted sub-network is the i-th of them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The depth is outside of <see cref="Smallest"/>..<see cref="Largest"/>.</exception>
    public IReadOnlyList<int> Active(int depth)
    {
        if (depth < Smallest || depth > Largest)
        {
            throw new ArgumentOutOfRangeException(nameof(depth), depth, $"This elastic stack has depths {Smallest} to {Largest}.");
        }

        return [.. Enumerable.Range(0, Largest).Where(block => activeFrom[block] <= depth)];
    }

    // 0 for an original block, 1 for its first copy, 2 for its second.
    private int[] CopyNumbers()
    {
        var numbers = new int[Largest];
        foreach (var block in Growth.Inserted)
        {
            numbers[block] = numbers[block - 1] + 1;
        }

        return numbers;
    }
}
