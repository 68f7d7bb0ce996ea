namespace AutoProg.Graphs;

/// <summary>Losses by what they compare a model's output with.</summary>
public enum LossKind
{
    /// <summary>Logits [B, C] with class numbers: the input <c>labels</c> [B], int64.</summary>
    CrossEntropy,

    /// <summary>Any output with numbers of its shape: the input <c>target</c>.</summary>
    Mse,

    /// <summary>Logits [B, C] with class distributions: the input <c>target</c> [B, C].</summary>
    SoftTarget,

    /// <summary>Logits [B, C, ...] with a class number per place: the input <c>labels</c> [B, ...], int64. Places of class 255 do not count, unless there are so many classes.</summary>
    PerPixelCrossEntropy,
}

/// <summary>Training losses, as graphs.</summary>
public static class Losses
{
    /// <summary>Name of the input of class numbers.</summary>
    public const string LabelsInput = "labels";

    /// <summary>Name of the input of distributions or numbers.</summary>
    public const string TargetInput = "target";

    // What PASCAL VOC, Cityscapes and COCO-Stuff give places without a class.
    private const long IgnoredClass = 255;

    /// <summary>Adds a loss and its input to a graph.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="kind">Which.</param>
    /// <param name="output">What the model computes, Float.</param>
    /// <returns>A scalar: the mean over the batch and everything else that counts.</returns>
    /// <exception cref="GraphException">The output has not the shape that the loss needs, or the input's name is taken.</exception>
    public static Value Attach(GraphBuilder b, LossKind kind, Value output)
    {
        ArgumentNullException.ThrowIfNull(b);
        ArgumentNullException.ThrowIfNull(output);
        var shape = output.Shape;
        switch (kind)
        {
            case LossKind.Mse:
                return MeanSquaredError(b, output, b.Input(TargetInput, ElementType.Float, shape));
            case LossKind.SoftTarget when shape.Rank == 2:
                return SoftTargetCrossEntropy(b, output, b.Input(TargetInput, ElementType.Float, shape));
            case LossKind.CrossEntropy when shape.Rank == 2:
            case LossKind.PerPixelCrossEntropy when shape.Rank >= 3:
                return CrossEntropy(b, output, b.Input(LabelsInput, ElementType.Int64, Shape.Of([shape[0], .. shape.Skip(2)])), kind == LossKind.PerPixelCrossEntropy);
            default:
                throw new GraphException($"The output '{output.Name}' has shape {shape}; {(kind == LossKind.PerPixelCrossEntropy ? "[batch, classes, places ...]" : "[batch, classes]")} is needed for this loss.");
        }
    }

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

    /// <summary>mean (output - target)^2.</summary>
    private static Value MeanSquaredError(GraphBuilder b, Value output, Value target)
    {
        using var scope = b.Scope("loss");
        var difference = b.Sub(output, target);
        return b.Scale(b.ReduceSum(b.Mul(difference, difference), []), 1.0 / output.Shape.ElementCount);
    }

    /// <summary>- mean log softmax(logits)[label], over all places that count.</summary>
    private static Value CrossEntropy(GraphBuilder b, Value logits, Value labels, bool ignores)
    {
        using var scope = b.Scope("loss");
        var counted = ignores && logits.Shape[1] <= IgnoredClass ? b.Not(b.Equal(labels, b.Constant(Tensor.Scalar(ElementType.Int64, IgnoredClass)))) : null;
        var classes = counted is null ? labels : b.Where(counted, labels, b.Constant(Tensor.Scalar(ElementType.Int64, 0)));
        var picked = b.Squeeze(b.GatherElements(b.LogSoftmax(logits, 1), b.Unsqueeze(classes, 1), 1), 1);
        if (counted is null)
        {
            return b.Scale(b.ReduceSum(picked, []), -1.0 / labels.Shape.ElementCount);
        }

        var weights = b.Cast(counted, logits.Type);
        return b.Neg(b.Div(b.ReduceSum(b.Mul(picked, weights), []), b.Max(b.ReduceSum(weights, []), b.ScalarLike(logits, 1))));
    }
}
