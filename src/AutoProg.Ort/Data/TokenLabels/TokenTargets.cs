namespace AutoProg.Ort.Data.TokenLabels;

/// <summary>The class distributions of an image's tokens. Each has few classes, so they are kept sparsely and written out where they are fed.</summary>
/// <param name="tokens">Per token its classes and their shares, which add up to 1.</param>
internal sealed class TokenTargets(IReadOnlyList<IReadOnlyList<(int Class, float Share)>> tokens)
{
    /// <summary>Tokens of the image (N).</summary>
    public int Count => tokens.Count;

    /// <summary>Writes a row per token.</summary>
    /// <param name="targets">[N, K].</param>
    /// <param name="classes">Number of classes (K).</param>
    /// <param name="smoothing">What every row gives away to all classes alike, 0 to below 1.</param>
    public void Write(Span<float> targets, int classes, double smoothing)
    {
        for (var i = 0; i < tokens.Count; i++)
        {
            var row = targets.Slice(i * classes, classes);
            row.Fill((float)(smoothing / classes));
            Add(row, tokens[i], 1 - smoothing);
        }
    }

    /// <summary>Writes the mean over all tokens: what the whole image shows.</summary>
    /// <param name="target">[K].</param>
    /// <param name="smoothing">As for <see cref="Write"/>.</param>
    public void WriteMean(Span<float> target, double smoothing)
    {
        target.Fill((float)(smoothing / target.Length));
        foreach (var token in tokens)
        {
            Add(target, token, (1 - smoothing) / tokens.Count);
        }
    }

    private static void Add(Span<float> row, IReadOnlyList<(int Class, float Share)> token, double factor)
    {
        foreach (var (index, share) in token)
        {
            row[index] += (float)(factor * share);
        }
    }
}
