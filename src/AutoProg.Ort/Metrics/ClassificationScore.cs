namespace AutoProg.Ort.Metrics;

/// <summary>Loss and accuracy over a set of images, gathered batch by batch.</summary>
internal sealed class ClassificationScore
{
    private double lossSum;
    private int top1;
    private int top5;

    /// <summary>Images seen.</summary>
    public int Count { get; private set; }

    /// <summary>Mean cross entropy; NaN before the first image.</summary>
    public double Loss => lossSum / Count;

    /// <summary>Share of images whose class has the largest logit, in percent; NaN before the first image.</summary>
    public double Top1 => 100.0 * top1 / Count;

    /// <summary>Share of images whose class is among the five largest logits, in percent; NaN before the first image.</summary>
    public double Top5 => 100.0 * top5 / Count;

    /// <summary>Adds images with one right class each. A class whose logit ties with others is ranked behind them.</summary>
    /// <param name="logits">[B, classes].</param>
    /// <param name="labels">[count], count at most B.</param>
    /// <param name="classes">Number of classes.</param>
    public void Add(ReadOnlySpan<float> logits, ReadOnlySpan<int> labels, int classes)
    {
        for (var i = 0; i < labels.Length; i++)
        {
            var row = logits.Slice(i * classes, classes);
            var own = row[labels[i]];
            var rank = -1;
            foreach (var logit in row)
            {
                rank += logit >= own ? 1 : 0;
            }

            // A logit that is NaN is never right.
            top1 += rank == 0 ? 1 : 0;
            top5 += rank is >= 0 and < 5 ? 1 : 0;
            lossSum += LogSumExp(row) - own;
            Count++;
        }
    }

    /// <summary>Adds images with soft targets; only the loss is gathered.</summary>
    /// <param name="logits">[B, classes].</param>
    /// <param name="targets">[B, classes].</param>
    /// <param name="count">Rows that count, at most B.</param>
    /// <param name="classes">Number of classes.</param>
    public void AddSoft(ReadOnlySpan<float> logits, ReadOnlySpan<float> targets, int count, int classes)
    {
        for (var i = 0; i < count; i++)
        {
            var row = logits.Slice(i * classes, classes);
            var target = targets.Slice(i * classes, classes);
            var normalizer = LogSumExp(row);
            for (var c = 0; c < classes; c++)
            {
                lossSum += target[c] * (normalizer - row[c]);
            }

            Count++;
        }
    }

    private static double LogSumExp(ReadOnlySpan<float> row)
    {
        var max = float.NegativeInfinity;
        foreach (var value in row)
        {
            max = Math.Max(max, value);
        }

        var sum = 0.0;
        foreach (var value in row)
        {
            sum += Math.Exp(value - max);
        }

        return max + Math.Log(sum);
    }
}
