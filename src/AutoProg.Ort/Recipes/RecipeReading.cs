namespace AutoProg.Ort.Recipes;

/// <summary>A recipe on its way from nodes to records, with what was found wrong so far and where each key was set.</summary>
internal sealed class RecipeReading(string sourceName)
{
    /// <summary>Nobody reads more, and a hostile file could hold as many as it has lines.</summary>
    private const int MostProblems = 100;

    private static readonly Dictionary<string, RecipeKey> KeysByPath = RecipeKeys.All.ToDictionary(static key => key.Path, StringComparer.Ordinal);
    private static readonly Dictionary<string, RecipeSection> SectionsByName = RecipeKeys.Sections.ToDictionary(static section => section.Name, StringComparer.Ordinal);

    private readonly List<RecipeProblem> problems = [];
    private readonly Dictionary<string, string> places = new(StringComparer.Ordinal);
    private Recipe recipe = Blank;

    /// <summary>All defaults; what a recipe must give is left empty.</summary>
    public static Recipe Blank => new() { Model = new ModelRecipe { Name = "" }, Data = new DataRecipe() };

    /// <summary>Takes over a document.</summary>
    public void Apply(RecipeNode.Mapping document)
    {
        var headings = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var entry in document.Entries)
        {
            var heading = Normal(entry.Key.Value);
            if (heading.Length == 0 || !SectionsByName.TryGetValue(heading, out var section))
            {
                Apply(SectionsByName[""], entry);
            }
            else if (!headings.TryAdd(heading, entry.Key.Line))
            {
                Refuse(entry.Key.Line, heading, null, $"section appears twice, first in line {headings[heading]}; join the two");
            }
            else
            {
                Apply(section, entry.Value);
            }
        }
    }

    /// <summary>Makes paths that are relative to the recipe's file absolute.</summary>
    /// <param name="folder">The file's folder.</param>
    public void ResolvePaths(string folder)
    {
        if (recipe.Model.Onnx is { } file)
        {
            recipe = recipe with { Model = recipe.Model with { Onnx = Path.GetFullPath(file, folder) } };
        }
    }

    /// <summary>Takes over a setting from outside the file.</summary>
    public void Apply(RecipeOverride change)
    {
        var path = Normal(change.Key);
        if (change.Value is null)
        {
            Refuse(change.Place, path, null, "expected key=value, e.g. training.epochs=30");
        }
        else if (KeysByPath.TryGetValue(path, out var key))
        {
            Set(key, OverrideNode(change.Value), change.Place);
        }
        else if (path.Length > 0 && SectionsByName.TryGetValue(path, out var section))
        {
            Refuse(change.Place, path, null, $"is a section; set one of its keys, e.g. {section.Keys[0].Path}=...");
        }
        else
        {
            var dot = path.LastIndexOf('.');
            SectionsByName.TryGetValue(dot < 0 ? "" : path[..dot], out var nearSection);
            Refuse(change.Place, path, null, UnknownKey(nearSection, path[(dot + 1)..], path));
        }
    }

    /// <summary>The recipe, when everything about it is right.</summary>
    /// <exception cref="RecipeException">Something is not.</exception>
    public Recipe Finish()
    {
        if (recipe.Model is { Onnx: { } file, Name: "" })
        {
            recipe = recipe with { Model = recipe.Model with { Name = Path.GetFileNameWithoutExtension(file) } };
        }

        // Keys that were refused keep their defaults, and rules over defaults would blame the innocent.
        var refused = problems.Select(static problem => problem.Key).ToHashSet(StringComparer.Ordinal);
        foreach (var key in RecipeKeys.All.Where(key => key.Required && !places.ContainsKey(key.Path) && !(key.Unless is { } other && (IsGiven(other) || refused.Contains(other)))))
        {
            Refuse(sourceName, key.Path, null, $"is missing; expected {key.Expected}");
        }

        foreach (var finding in RecipeRules.Check(recipe).Where(finding => !finding.Involved.Any(refused.Contains)))
        {
            var at = places.TryGetValue(finding.Key, out var place) ? place : sourceName;
            var origin = place is null ? " (default)" : "";
            Refuse(at, finding.Key, KeysByPath[finding.Key].Write(recipe).Shown + origin, finding.Message);
        }

        return problems.Count == 0 ? recipe with { Origins = new RecipeOrigins(sourceName, places) } : throw new RecipeException(problems);
    }

    /// <summary>Whether something else than null was set.</summary>
    private bool IsGiven(string key) => places.ContainsKey(key) && KeysByPath[key].Write(recipe) is not RecipeNode.Scalar { IsNull: true };

    private void Apply(RecipeSection section, RecipeNode node)
    {
        switch (node)
        {
            case RecipeNode.Mapping mapping:
                foreach (var entry in mapping.Entries)
                {
                    Apply(section, entry);
                }

                break;

            case RecipeNode.Scalar { IsNull: true }:
                break;

            default:
                Refuse(node.Line, section.Name, node.Shown, $"expected a section with keys, e.g. {section.Keys[0].Name}");
                break;
        }
    }

    private void Apply(RecipeSection section, RecipeNode.Entry entry)
    {
        if (problems.Count >= MostProblems)
        {
            return;
        }

        var name = Normal(entry.Key.Value);
        var path = section.Name.Length == 0 ? name : $"{section.Name}.{name}";
        var place = $"{sourceName}:{entry.Key.Line}";
        if (name.Contains('.') || !KeysByPath.TryGetValue(path, out var key))
        {
            Refuse(place, path, null, UnknownKey(section, name, path));
        }
        else if (places.TryGetValue(path, out var first))
        {
            Refuse(place, path, entry.Value.Shown, $"key appears twice, first at {first}; remove one");
        }
        else
        {
            Set(key, entry.Value, place);
        }
    }

    private void Set(RecipeKey key, RecipeNode node, string place)
    {
        places[key.Path] = place;
        if (key.With(recipe, node) is { } changed)
        {
            recipe = changed;
        }
        else
        {
            Refuse(place, key.Path, node.Shown, $"expected {key.Expected}");
        }
    }

    private static string UnknownKey(RecipeSection? section, string name, string path)
    {
        var inSection = section?.Keys.Select(static key => key.Path) ?? [];
        var headings = string.IsNullOrEmpty(section?.Name) ? RecipeKeys.Sections.Select(static other => other.Name).Where(static heading => heading.Length > 0) : [];
        var nearest = Nearest(name, inSection.Concat(headings))
            ?? KeysByPath.Values.FirstOrDefault(key => string.Equals(key.Name, name, StringComparison.Ordinal))?.Path
            ?? Spelling.Nearest(path, KeysByPath.Keys);
        return nearest is not null ? $"unknown key; did you mean '{nearest}'?"
            : section is null ? $"unknown section; there are {string.Join(", ", SectionsByName.Keys.Where(static heading => heading.Length > 0))}"
            : $"unknown key; there are {string.Join(", ", section.Keys.Select(static key => key.Name).Concat(headings))}";
    }

    /// <summary>Compares last parts, so that a long section name does not make everything look alike.</summary>
    private static string? Nearest(string name, IEnumerable<string> paths)
    {
        var byName = paths.ToDictionary(static path => path[(path.IndexOf('.') + 1)..], StringComparer.Ordinal);
        return Spelling.Nearest(name, byName.Keys) is { } nearest ? byName[nearest] : null;
    }

    /// <summary>A value from the command line is taken literally, lists excepted: no shell user wants to quote twice.</summary>
    private static RecipeNode OverrideNode(string value)
    {
        if (!value.StartsWith('['))
        {
            return new RecipeNode.Scalar(value);
        }

        try
        {
            return RecipeSyntax.ReadNode(value);
        }
        catch (RecipeSyntaxException)
        {
            return new RecipeNode.Scalar(value);
        }
    }

    private static string Normal(string key) => key.Replace('-', '_');

    private void Refuse(int line, string key, string? value, string message) => Refuse($"{sourceName}:{line}", key, value, message);

    private void Refuse(string place, string key, string? value, string message)
    {
        if (problems.Count < MostProblems)
        {
            problems.Add(new RecipeProblem(place, new RecipeNode.Scalar(key).Shown, value, message));
        }
    }
}
