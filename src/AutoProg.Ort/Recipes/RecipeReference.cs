using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace AutoProg.Ort.Recipes;

/// <summary>The list of all recipe keys for people.</summary>
public static partial class RecipeReference
{
    /// <summary>A Markdown table per section: key, what is expected, default, meaning.</summary>
    /// <param name="documentation">The compiler's XML documentation of this assembly (AutoProg.Ort.xml), where the meanings are written once.</param>
    public static string Markdown(XDocument documentation)
    {
        var meanings = documentation.Descendants("member").ToDictionary(static member => (string?)member.Attribute("name") ?? "", Meaning, StringComparer.Ordinal);
        var text = new StringBuilder();
        foreach (var section in RecipeKeys.Sections)
        {
            text.Append(section.Name.Length > 0 ? $"\n### {section.Name}\n\n" : "");
            text.Append("| Key | Expected | Default | Meaning |\n|---|---|---|---|\n");
            foreach (var key in section.Keys)
            {
                var standard = key.Required ? key.Unless is { } other ? $"required without `{other}`" : "required" : $"`{key.Write(RecipeReading.Blank).Shown.Trim('"')}`";
                text.Append($"| `{key.Name}` | {key.Expected} | {standard} | {meanings.GetValueOrDefault(key.DocumentationId, "")} |\n");
            }
        }

        return text.ToString();
    }

    /// <summary>The default of a key as YAML spells it.</summary>
    /// <param name="key">Dotted key, e.g. <c>growth.num_stages</c>.</param>
    /// <returns>Null for a key that a recipe must give, and for what is no key.</returns>
    public static string? DefaultOf(string key) => RecipeKeys.All.FirstOrDefault(k => k.Path == key) is { Required: false } found ? found.Write(RecipeReading.Blank).Shown : null;

    /// <summary>What a key's value has to be, e.g. <c>a whole number of at least 1</c> or the list of its choices.</summary>
    /// <param name="key">Dotted key.</param>
    /// <returns>Null for what is no key.</returns>
    public static string? ExpectedOf(string key) => RecipeKeys.All.FirstOrDefault(k => k.Path == key)?.Expected;

    private static string Meaning(XElement member)
    {
        var summary = string.Concat(member.Element("summary")?.Nodes().Select(Inline) ?? []);
        return Whitespace().Replace(summary, " ").Trim().Replace("|", "\\|");
    }

    private static string Inline(XNode node) => node switch
    {
        XText plain => plain.Value,
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XElement { Name.LocalName: "see" } reference => $"`{SnakeCase(((string?)reference.Attribute("cref") ?? "").Split('.')[^1])}`",
        _ => "",
    };

    private static string SnakeCase(string property) => WordStart().Replace(property, "_$0").ToLowerInvariant();

    [GeneratedRegex(@"\s+", RegexOptions.NonBacktracking)]
    private static partial Regex Whitespace();

    [GeneratedRegex("(?<!^)[A-Z]", RegexOptions.None, 1000)]
    private static partial Regex WordStart();
}
