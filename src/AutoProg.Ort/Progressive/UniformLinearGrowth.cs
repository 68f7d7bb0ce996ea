namespace AutoProg.Ort.Progressive;

/// <summary>
/// The uniform linear growth of sec. 3.1.2: a scale that rises linearly from s to 1 over the stages, and sizes rounded to what the
/// architecture can run.
/// </summary>
internal static class UniformLinearGrowth
{
    /// <summary>The scales s_0..s_{K-1} from <paramref name="first"/> to 1.</summary>
    /// <param name="first">Scale of the first stage; negative values occur where a regulariser sets in late.</param>
    /// <param name="stages">Number of stages K, at least 1; a single stage stays at <paramref name="first"/>, as in the authors' code.</param>
    /// <remarks>Computed as NumPy's <c>linspace</c> does, since the last bit decides some roundings (RandAugment's 7.4999... gives 7).</remarks>
    public static double[] Scales(double first, int stages)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stages);
        var scales = new double[stages];
        var step = stages == 1 ? 0 : (1 - first) / (stages - 1);
        for (var k = 0; k < stages; k++)
        {
            scales[k] = (k * step) + first;
        }

        if (stages > 1)
        {
            scales[^1] = 1;
        }

        return scales;
    }

    /// <summary>First epoch of stage k of K equispaced stages: floor(k E / K).</summary>
    public static int FirstEpoch(int stage, int stages, int epochs) => (int)((long)stage * epochs / stages);
}
