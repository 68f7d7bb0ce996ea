namespace AutoProg.Ort.Progressive;

/// <summary>Drop probability of every block's residual branches. A sub-network has the rates of its own depth, not of its place in the supernet.</summary>
internal static class DropPathRates
{
    /// <summary>DeiT: linear over depth, from 0 in the first block to <paramref name="rate"/> in the last.</summary>
    public static double[] Linear(double rate, int depth)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(depth);
        return [.. Enumerable.Range(0, depth).Select(block => depth == 1 ? 0 : rate * block / (depth - 1))];
    }

    /// <summary>VOLO: the same line over all blocks, but outlookers never drop; neither do the class-attention blocks behind.</summary>
    /// <param name="rate">Rate of the last transformer block.</param>
    /// <param name="split">Outlookers and transformer blocks.</param>
    public static IReadOnlyList<double[]> Volo(double rate, IReadOnlyList<int> split)
    {
        ArgumentNullException.ThrowIfNull(split);
        var line = Linear(rate, split.Sum());
        return [new double[split[0]], line[split[0]..]];
    }
}
