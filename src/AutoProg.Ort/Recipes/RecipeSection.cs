using System.Collections;

namespace AutoProg.Ort.Recipes;

/// <summary>One key of a recipe: where it lives and what may stand there.</summary>
internal abstract class RecipeKey(string section, string name, bool required, string? unless)
{
    /// <summary>As written inside its section.</summary>
    public string Name { get; } = name;

    /// <summary>Dotted, e.g. <c>growth.num_stages</c>; a root key has no dot.</summary>
    public string Path { get; } = section.Length == 0 ? name : $"{section}.{name}";

    /// <summary>Whether a recipe must give it.</summary>
    public bool Required { get; } = required;

    /// <summary>The key in whose presence it need not be given; null if there is none.</summary>
    public string? Unless { get; } = unless;

    /// <summary>Completes "expected ...".</summary>
    public abstract string Expected { get; }

    /// <summary>Identifies the property in the compiler's XML documentation.</summary>
    public abstract string DocumentationId { get; }

    /// <summary>The recipe with this key set; null where the node is not what is expected.</summary>
    public abstract Recipe? With(Recipe recipe, RecipeNode node);

    /// <summary>Whether the recipe's value is in range.</summary>
    public abstract bool Accepts(Recipe recipe);

    /// <summary>The recipe's value.</summary>
    public abstract RecipeNode Write(Recipe recipe);
}

/// <summary>Keys under one heading.</summary>
internal abstract class RecipeSection(string name) : IEnumerable<RecipeKey>
{
    private readonly List<RecipeKey> keys = [];

    /// <summary>Heading; empty for the root.</summary>
    public string Name { get; } = name;

    /// <summary>In the order in which they are written.</summary>
    public IReadOnlyList<RecipeKey> Keys => keys;

    /// <inheritdoc />
    public IEnumerator<RecipeKey> GetEnumerator() => keys.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Appends a key.</summary>
    protected void Append(RecipeKey key) => keys.Add(key);
}

/// <summary>Keys of one record; a collection so that the table reads as a table.</summary>
internal sealed class RecipeSection<TSection>(string name, Func<Recipe, TSection> section, Func<Recipe, TSection, Recipe> withSection) : RecipeSection(name)
{
    /// <summary>Declares a key.</summary>
    /// <param name="name">In snake_case, the property's name.</param>
    /// <param name="format">What may stand there.</param>
    /// <param name="get">Reads the property.</param>
    /// <param name="with">The record with the property replaced.</param>
    /// <param name="required">Whether a recipe must give it.</param>
    /// <param name="unless">The key in whose presence it need not.</param>
    public void Add<T>(string name, RecipeFormat<T> format, Func<TSection, T> get, Func<TSection, T, TSection> with, bool required = false, string? unless = null) =>
        Append(new Key<T>(this, name, format, get, with, required, unless));

    private sealed class Key<T>(
        RecipeSection<TSection> owner, string name, RecipeFormat<T> format, Func<TSection, T> get, Func<TSection, T, TSection> with, bool required, string? unless)
        : RecipeKey(owner.Name, name, required, unless)
    {
        private readonly Func<Recipe, TSection> section = owner.Section;
        private readonly Func<Recipe, TSection, Recipe> withSection = owner.WithSection;

        public override string Expected => format.Expected;

        public override string DocumentationId =>
            $"P:{typeof(TSection).FullName}.{string.Concat(Name.Split('_').Select(static word => char.ToUpperInvariant(word[0]) + word[1..]))}";

        public override Recipe? With(Recipe recipe, RecipeNode node) =>
            format.TryRead(node, out var value) && format.Accepts(value) ? withSection(recipe, with(section(recipe), value)) : null;

        public override bool Accepts(Recipe recipe) => format.Accepts(get(section(recipe)));

        public override RecipeNode Write(Recipe recipe) => format.Write(get(section(recipe)));
    }

    private Func<Recipe, TSection> Section { get; } = section;

    private Func<Recipe, TSection, Recipe> WithSection { get; } = withSection;
}
