namespace AutoProg.Ort.Recipes;

/// <summary>Something in a recipe that cannot stand.</summary>
/// <param name="Place">Where it was written: <c>file:line</c>, or the command line option.</param>
/// <param name="Key">Dotted key, e.g. <c>growth.num_stages</c>; empty when the text as a whole is meant.</param>
/// <param name="Value">What was found there; null when the key itself is the problem.</param>
/// <param name="Message">What was expected, and the cure where there is an obvious one.</param>
public sealed record RecipeProblem(string Place, string Key, string? Value, string Message)
{
    /// <inheritdoc />
    public override string ToString() =>
        Key.Length == 0 ? $"{Place}: {Message}"
        : Value is null ? $"{Place}: {Key}: {Message}"
        : $"{Place}: {Key} = {Value}: {Message}";
}

/// <summary>A recipe was refused. Carries everything that is wrong with it, so that it can be mended in one go.</summary>
public sealed class RecipeException : Exception
{
    /// <summary>Refuses a recipe.</summary>
    /// <param name="problems">At least one, in the order of the file.</param>
    public RecipeException(IReadOnlyList<RecipeProblem> problems)
        : base(string.Join('\n', problems))
    {
        Problems = problems;
    }

    /// <summary>Everything that was found.</summary>
    public IReadOnlyList<RecipeProblem> Problems { get; }
}
