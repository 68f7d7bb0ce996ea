using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Progressive;

/// <summary>What each growth operator zeta does, as far as it can be said without weights (sec. 3.1.3, Tab. IX).</summary>
internal static class GrowthOperators
{
    /// <summary>Which old block becomes which new one, in one group of blocks.</summary>
    /// <param name="growth">The operator.</param>
    /// <param name="from">Blocks before, at least 1.</param>
    /// <param name="to">Blocks after, at least <paramref name="from"/>.</param>
    public static LayerMap Map(this GrowthOperatorKind growth, int from, int to) => growth switch
    {
        GrowthOperatorKind.RandInit => LayerMap.RandInit(from, to),
        GrowthOperatorKind.Stacking => LayerMap.Stacking(from, to),
        GrowthOperatorKind.Interpolation or GrowthOperatorKind.Identity or GrowthOperatorKind.MoGrow => LayerMap.Interpolation(from, to),
        _ => throw new ArgumentOutOfRangeException(nameof(growth), growth, "No such growth operator."),
    };

    /// <summary>True if the online network is copied from the momentum network: zeta_MoGrow(w) = zeta_Interp(w_ema) (eq. 4).</summary>
    public static bool CopiesMomentumNetwork(this GrowthOperatorKind growth) => growth == GrowthOperatorKind.MoGrow;

    /// <summary>True if the residual branches of <see cref="LayerMap.Inserted"/> blocks get a learnable scalar that starts at 0 (ReZero), which preserves the function.</summary>
    public static bool GatesInsertedBlocks(this GrowthOperatorKind growth) => growth == GrowthOperatorKind.Identity;
}
