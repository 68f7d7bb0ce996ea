namespace AutoProg.Ort.Recipes;

/// <summary>How recipes, options and reports spell the policies.</summary>
public static class PolicyNames
{
    /// <summary>All of them, in the order of the paper's tables.</summary>
    public static IReadOnlyList<(string Name, GrowthPolicyKind Policy)> All { get; } =
    [
        ("original", GrowthPolicyKind.Original),
        ("prog", GrowthPolicyKind.Prog),
        ("autoprog-one", GrowthPolicyKind.AutoprogOne),
    ];

    /// <summary>A policy's name.</summary>
    public static string NameOf(GrowthPolicyKind policy) => All.First(p => p.Policy == policy).Name;
}
