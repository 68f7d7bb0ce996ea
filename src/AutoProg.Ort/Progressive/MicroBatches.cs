namespace AutoProg.Ort.Progressive;

/// <summary>Gradient accumulation of the smaller stages: fewer, larger micro-batches at a constant global batch.</summary>
internal static class MicroBatches
{
    /// <summary>
    /// Number of micro-batches per update in a stage whose activations are smaller than the complete model's: the smallest divisor of
    /// <paramref name="complete"/> above <paramref name="complete"/> times <paramref name="activationShare"/> (the authors' <c>get_divisor</c>).
    /// </summary>
    /// <param name="complete">Micro-batches per update that the complete model needs, at least 1.</param>
    /// <param name="activationShare">Activation size of the stage over the complete model's, in (0, 1].</param>
    /// <remarks>Strictly above: a share that meets a divisor exactly leaves no room, so the next divisor is taken, at most <paramref name="complete"/>.</remarks>
    public static int ForStage(int complete, double activationShare)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(complete);
        if (!(activationShare > 0 && activationShare <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(activationShare), activationShare, "Expected a share above 0, up to 1.");
        }

        var needed = complete * activationShare;
        var smallest = complete;
        for (var divisor = 1; (long)divisor * divisor <= complete; divisor++)
        {
            if (complete % divisor == 0)
            {
                smallest = divisor > needed ? Math.Min(smallest, divisor) : smallest;
                smallest = complete / divisor > needed ? Math.Min(smallest, complete / divisor) : smallest;
            }
        }

        return smallest;
    }
}
