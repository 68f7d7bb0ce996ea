namespace AutoProg.Graphs.Import;

/// <summary>What batch normalisation does while a model is trained.</summary>
public enum BatchNormMode
{
    /// <summary>What the file says; exporters write the evaluation mode unless they are told otherwise.</summary>
    File,

    /// <summary>Normalises by the batch's statistics, and the running ones follow.</summary>
    Train,

    /// <summary>Normalises by the running statistics, which stay as they are.</summary>
    Eval,
}

/// <summary>A running statistic of a model that is trained with the batch's.</summary>
/// <param name="Buffer">Name of the stored tensor.</param>
/// <param name="OfBatch">What the batch says about it.</param>
/// <param name="Momentum">Share of the newest batch: 1 minus ONNX's attribute.</param>
public sealed record ImportedStatistic(string Buffer, Value OfBatch, double Momentum);

/// <summary>Batch normalisation: the only operator whose stored tensors change without a gradient.</summary>
/// <param name="builder">The graph.</param>
/// <param name="options">Which mode.</param>
internal sealed class BatchNormImport(GraphBuilder builder, OnnxImportOptions options)
{
    private readonly List<ImportedStatistic> statistics = [];

    /// <summary>Running statistics of nodes in training mode, in the order of the nodes.</summary>
    public IReadOnlyList<ImportedStatistic> Statistics => statistics;

    /// <summary>Whether a node is trained with the batch's statistics.</summary>
    public bool FollowsBatches(Attributes attributes) => options.BatchNorm == BatchNormMode.Train || (options.BatchNorm == BatchNormMode.File && attributes.Flag("training_mode"));

    /// <summary>Adds a node.</summary>
    /// <param name="node">The node; in training mode its running statistics are not among its operands.</param>
    /// <param name="mean">Name of the running mean.</param>
    /// <param name="variance">Name of the running variance.</param>
    /// <returns>The result alone: the statistics of the batch are told elsewhere.</returns>
    /// <exception cref="GraphException">The operands do not fit, a channel has one element, or the momentum is no share.</exception>
    public Value Add(ForeignNode node, string mean, string variance)
    {
        var (x, epsilon) = (node.Input(0), node.Attributes.Float("epsilon", 1e-5f));
        if (!FollowsBatches(node.Attributes) || !options.Training)
        {
            return builder.BatchNormalization(x, node.Input(1), node.Input(2), node.Input(3), node.Input(4), epsilon);
        }

        var count = x.Shape.Rank > 1 && x.Shape[1] > 0 ? x.Shape.ElementCount / x.Shape[1] : 0;
        if (count < 2)
        {
            throw new GraphException($"{count} elements per channel cannot be normalised in training mode, shape {x.Shape}; use a larger batch, or the evaluation mode.");
        }

        var kept = node.Attributes.Float("momentum", 0.9f);
        if (kept is not (>= 0 and <= 1))
        {
            throw new GraphException($"its momentum {kept} is outside of [0, 1].");
        }

        var normalized = builder.BatchNormalizationInTraining(x, node.Input(1), node.Input(2), epsilon);
        var momentum = 1.0 - kept;
        Follow(mean, normalized.Mean, momentum);
        Follow(variance, options.UnbiasedVariance ? builder.Scale(normalized.Variance, count / (count - 1.0)) : normalized.Variance, momentum);
        return normalized.Result;
    }

    private void Follow(string buffer, Value ofBatch, double momentum)
    {
        if (statistics.Exists(s => s.Buffer == buffer))
        {
            throw new GraphException($"the running statistic '{UntrustedText.Shown(buffer)}' belongs to another node, too; only a normalisation of its own can follow the batches.");
        }

        statistics.Add(new ImportedStatistic(buffer, ofBatch, momentum));
    }
}
