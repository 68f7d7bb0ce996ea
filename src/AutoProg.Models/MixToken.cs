using AutoProg.Graphs;

namespace AutoProg.Models;

/// <summary>
/// MixToken (Jiang et al., NeurIPS 2021): a box of tokens comes from the image at the mirrored place of what runs at a time, like CutMix behind the patch embedding; an image
/// that runs alone stays as it is. What the network says about those tokens goes back to the image that they came from, so their targets stay as they are; the class target is mixed in
/// the share of the box.
/// </summary>
internal static class MixToken
{
    /// <summary>Input [g, g] of training graphs, one mask for the whole batch: 1 where a token comes from the other image, else 0; in the units of the tokens that are classified.</summary>
    public const string MaskInput = "mix_mask";

    /// <summary>Tokens with those of the box exchanged.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="tokens">[B, s g, s g, D] for a whole number s.</param>
    /// <param name="mask">[g, g].</param>
    public static Value Exchange(GraphBuilder b, Value tokens, Value mask)
    {
        ArgumentNullException.ThrowIfNull(b);
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentNullException.ThrowIfNull(mask);
        var (grid, scale) = (mask.Shape[0], tokens.Shape[1] / mask.Shape[0]);
        var spread = b.Expand(b.Reshape(b.Greater(mask, b.Scalar(0.5f)), [grid, 1, grid, 1]), [grid, scale, grid, scale]);
        return b.Where(b.Reshape(spread, [1, tokens.Shape[1], tokens.Shape[2], 1]), Mirrored(b, tokens), tokens);
    }

    /// <summary>lambda t_i + (1 - lambda) t_(B-1-i), where lambda is the share of tokens that are an image's own.</summary>
    /// <param name="b">The graph.</param>
    /// <param name="target">[B, classes].</param>
    /// <param name="mask">[g, g].</param>
    public static Value Mix(GraphBuilder b, Value target, Value mask)
    {
        ArgumentNullException.ThrowIfNull(b);
        var foreign = b.ReduceMean(mask, [0, 1]);
        return b.Add(target, b.Mul(b.Sub(Mirrored(b, target), target), foreign));
    }

    /// <summary>The batch in reverse order.</summary>
    private static Value Mirrored(GraphBuilder b, Value batch) => b.Slice(batch, 0, batch.Shape[0] - 1, long.MinValue, -1);
}
