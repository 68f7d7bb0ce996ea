namespace AutoProg.Ort.Data.Augmentation;

/// <summary>Class distributions of a batch: smoothed one-hot rows, mixed with those of the batch in reverse order.</summary>
internal static class SoftTargets
{
    /// <summary>Writes one row per label; off = smoothing / K, on = 1 - smoothing + off (timm).</summary>
    /// <param name="labels">[B].</param>
    /// <param name="classes">K.</param>
    /// <param name="smoothing">0 to below 1.</param>
    /// <param name="lambda">Share of the own label.</param>
    /// <param name="targets">[B, K].</param>
    public static void Write(ReadOnlySpan<int> labels, int classes, double smoothing, double lambda, Span<float> targets)
    {
        var off = smoothing / classes;
        targets.Fill((float)off);
        for (var i = 0; i < labels.Length; i++)
        {
            var other = labels[^(i + 1)];
            if (lambda == 1 || other == labels[i])
            {
                targets[(i * classes) + labels[i]] = (float)(1 - smoothing + off);
            }
            else
            {
                targets[(i * classes) + labels[i]] = (float)(((1 - smoothing) * lambda) + off);
                targets[(i * classes) + other] = (float)(((1 - smoothing) * (1 - lambda)) + off);
            }
        }
    }
}
