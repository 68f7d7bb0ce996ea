namespace AutoProg.Ort.Recipes;

/// <summary>A setting that takes precedence over the recipe's file.</summary>
/// <param name="Key">Dotted key, e.g. <c>growth.num_stages</c>.</param>
/// <param name="Value">As YAML spells it: <c>4</c>, <c>null</c>, <c>[6, 12]</c>; null where it is missing altogether.</param>
/// <param name="Place">What the user wrote, for messages: <c>--set growth.num_stages=4</c> or <c>--seed 3</c>.</param>
public sealed record RecipeOverride(string Key, string? Value, string Place)
{
    /// <summary>The setting of an option of its own, e.g. <c>--seed 3</c> for the key <c>seed</c>.</summary>
    public static RecipeOverride FromOption(string option, string key, string value) => new(key, value, $"{option} {value}");

    /// <summary>The setting of <c>--set key=value</c>. An assignment without "=" is refused when the recipe is read.</summary>
    /// <param name="assignment">What follows <c>--set</c>.</param>
    public static RecipeOverride FromSet(string assignment)
    {
        var at = assignment.IndexOf('=');
        return at < 0
            ? new RecipeOverride(assignment.Trim(), null, $"--set {assignment}")
            : new RecipeOverride(assignment[..at].Trim(), assignment[(at + 1)..].Trim(), $"--set {assignment}");
    }
}
