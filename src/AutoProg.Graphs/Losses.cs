namespace AutoProg.Graphs;

/// <summary>Training losses, as graphs.</summary>
public static class Losses
{
    /// <summary>Cross entropy against soft targets, averaged over the batch: - mean_b sum_c target log softmax(logits).</summary>
    /// <param name="b">The graph.</param>
    /// <param name="logits">[batch, classes].</param>
    /// <param name="target">[batch, classes]; rows sum to 1.</param>
    /// <returns>A scalar.</returns>
    public static Value SoftTargetCrossEntropy(GraphBuilder b, Value logits, Value target)
    {
        ArgumentNullException.ThrowIfNull(b);
        ArgumentNullException.ThrowIfNull(logits);
        using var scope = b.Scope("loss");
        var perSample = b.ReduceSum(b.Mul(target, b.LogSoftmax(logits)), [1]);
        return b.Neg(b.ReduceMean(perSample, [0]));
    }
}
