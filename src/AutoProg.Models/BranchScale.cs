namespace AutoProg.Models;

/// <summary>The learnable scalars on residual branches that growth by Identity needs (ReZero, Bachlechner et al., UAI 2021): 1 at first, 0 in inserted blocks.</summary>
internal static class BranchScale
{
    /// <summary>What the names of these parameters contain; a digit for the branch follows.</summary>
    public const string ParameterName = "branch_scale";
}
