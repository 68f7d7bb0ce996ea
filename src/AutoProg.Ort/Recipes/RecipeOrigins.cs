namespace AutoProg.Ort.Recipes;

/// <summary>
/// Where each key of a recipe was set, for messages of whoever finds out later that it cannot stand: what needs the model or the data is checked where they are
/// opened. Not a part of what a recipe means: recipes that differ in it alone are equal.
/// </summary>
/// <param name="sourceName">The recipe's file, or what stands for it.</param>
/// <param name="places">By dotted key: <c>file:line</c>, or the command line option.</param>
internal sealed class RecipeOrigins(string sourceName, IReadOnlyDictionary<string, string> places)
{
    /// <summary>Those of a recipe that was put together in code.</summary>
    public static RecipeOrigins InCode { get; } = new("recipe", new Dictionary<string, string>());

    /// <summary>Where a key was set; for a section, and for a key that was left out, the line of the section's first key; else the source.</summary>
    /// <param name="key">Dotted key, or the name of a section.</param>
    public string PlaceOf(string key)
    {
        if (places.TryGetValue(key, out var place))
        {
            return place;
        }

        var section = $"{key.Split('.')[0]}.";
        return RecipeKeys.All.Where(other => other.Path.StartsWith(section, StringComparison.Ordinal)).Select(other => places.GetValueOrDefault(other.Path)).FirstOrDefault(static found => found is not null)
            ?? sourceName;
    }

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is RecipeOrigins;

    /// <inheritdoc />
    public override int GetHashCode() => 0;
}
