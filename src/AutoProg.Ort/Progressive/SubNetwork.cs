namespace AutoProg.Ort.Progressive;

/// <summary>A sub-network psi of the complete model: how large its images are and how many of its blocks run (sec. 3.1.2).</summary>
/// <param name="Resolution">Side of the square input, in pixels.</param>
/// <param name="Depth">Number of blocks over all block groups.</param>
public readonly record struct SubNetwork(int Resolution, int Depth)
{
    /// <summary>True if the other one is nowhere larger, so that this one can grow out of it.</summary>
    public bool Contains(SubNetwork other) => other.Resolution <= Resolution && other.Depth <= Depth;

    /// <summary>As logs show it, e.g. <c>r128 l9</c>.</summary>
    public override string ToString() => $"r{Resolution} l{Depth}";
}
