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
        ("autoprog-zero", GrowthPolicyKind.AutoprogZero),
    ];

    /// <summary>A policy's name.</summary>
    public static string NameOf(GrowthPolicyKind policy) => All.First(p => p.Policy == policy).Name;
}

/// <summary>A policy as a comparison runs it: with the recipe's choice of stage identifiers, or always with or without them.</summary>
/// <param name="Policy">How sub-networks are chosen.</param>
/// <param name="StageIdentifier">Whether the run has stage identifiers; null leaves it to the recipe.</param>
public readonly record struct PolicyVariant(GrowthPolicyKind Policy, bool? StageIdentifier = null)
{
    private const string With = "+sid";
    private const string Without = "+nosid";

    /// <summary>As options and folders spell it: <c>prog</c>, <c>prog+sid</c>, <c>prog+nosid</c>.</summary>
    public string Name => PolicyNames.NameOf(Policy) + (StageIdentifier switch { true => With, false => Without, null => "" });

    /// <summary>Reads such a name; null where it is none.</summary>
    public static PolicyVariant? Parse(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        bool? identifier = name.EndsWith(With, StringComparison.Ordinal) ? true : name.EndsWith(Without, StringComparison.Ordinal) ? false : null;
        var policy = identifier is { } has ? name[..^(has ? With : Without).Length] : name;
        return PolicyNames.All.Where(p => p.Name == policy).Select(p => (PolicyVariant?)new PolicyVariant(p.Policy, identifier)).FirstOrDefault();
    }

    /// <summary>A recipe under this policy.</summary>
    public Recipe Apply(Recipe recipe)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        return recipe with { Growth = recipe.Growth with { Policy = Policy, StageIdentifier = StageIdentifier ?? recipe.Growth.StageIdentifier } };
    }
}
