using System.Text.Json.Serialization;

namespace AutoProg.Ort.Progressive;

/// <summary>
/// A sub-network psi of the complete model: how large its images are, how many of its blocks run (sec. 3.1.2), and, where a pre-trained model is unfrozen
/// progressively, how much of it learns (sec. 4.1.1).
/// </summary>
/// <param name="Resolution">Side of the square input: pixels, or places of a latent.</param>
/// <param name="Depth">Number of blocks over all block groups.</param>
/// <param name="Level">Unfreeze level u, from 1; null where every parameter learns.</param>
public readonly record struct SubNetwork(
    int Resolution, int Depth, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Level = null)
{
    /// <summary>True if the other one is nowhere larger, so that this one can grow out of it.</summary>
    public bool Contains(SubNetwork other) =>
        other.Resolution <= Resolution && other.Depth <= Depth && (Level is not { } level || (other.Level ?? int.MaxValue) <= level);

    /// <summary>As logs show it, e.g. <c>r128 l9</c>, or <c>r16 u2</c> where depth is fixed and learning is not.</summary>
    public override string ToString() => Level is { } level ? $"r{Resolution} u{level}" : $"r{Resolution} l{Depth}";
}
