using System.Collections;
using System.Reflection;
using System.Text;
using AutoProg.Ort.Recipes;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>What <c>--help</c> prints, made from the attributes of the verbs. (The parser's own page cannot take defaults from the engine, nor group options.)</summary>
internal static class HelpPages
{
    private const int Width = 110;

    /// <summary>The page about all verbs.</summary>
    public static string Overview(IEnumerable<Type> verbs)
    {
        var text = new StringBuilder("autoprog - train vision models with automated progressive learning\n\nUsage: autoprog VERB [options]\n\n");
        Columns(text, verbs.Select(static verb => (NameOf(verb), verb.GetCustomAttribute<VerbAttribute>()!.HelpText)));
        text.Append("\nautoprog VERB --help tells more. autoprog --version tells the versions of product, ONNX Runtime and providers.\n");
        text.Append("Progress and log go to standard error, results to standard output. Options may be written with - or _.\n");
        return ExitCodesInto(text).ToString();
    }

    /// <summary>The page about one verb.</summary>
    public static string Of(Type verb)
    {
        var properties = VerbProperties.Of(verb).ToList();
        var values = properties
            .Select(static p => (Property: p, Value: p.GetCustomAttribute<ValueAttribute>()))
            .Where(static p => p.Value is { Hidden: false })
            .OrderBy(static p => p.Value!.Index)
            .ToList();
        var text = new StringBuilder($"{verb.GetCustomAttribute<VerbAttribute>()!.HelpText}\n\n");
        text.Append($"Usage: autoprog {NameOf(verb)}{string.Concat(values.Select(static p => $" {Placeholder(p.Property, p.Value!)}"))} [options]\n\n");
        Columns(text, values.Select(static p => (p.Value!.MetaName, p.Value.HelpText)));
        text.Append(values.Count > 0 ? "\n" : "");
        text.Append("Options:\n");
        Columns(text, properties.Where(static p => p.GetCustomAttribute<RecipeKeyAttribute>() is null).SelectMany(Option).Append(("--help", "Show this page.")));
        if (RuntimeOptions.ShorthandsOf(verb).Any())
        {
            text.Append("\nOptions for keys of the recipe (built-in default < recipe < command line):\n");
            Columns(text, properties.Where(static p => p.GetCustomAttribute<RecipeKeyAttribute>() is not null).SelectMany(Option));
        }

        text.Append("\nExamples:\n");
        foreach (var example in verb.GetCustomAttributes<ExampleAttribute>())
        {
            text.Append($"  autoprog {example.Call}\n");
        }

        return ExitCodesInto(text).ToString();
    }

    /// <summary>What users call a verb.</summary>
    public static string NameOf(Type verb) => verb.GetCustomAttribute<VerbAttribute>()!.Name;

    private static StringBuilder ExitCodesInto(StringBuilder text)
    {
        text.Append("\nExit codes:\n");
        Columns(text, ExitCodes.Meanings.Select(static code => ($"{code.Code}", code.Meaning)));
        return text;
    }

    private static string Placeholder(PropertyInfo property, ValueAttribute value)
    {
        var many = property.PropertyType != typeof(string) && typeof(IEnumerable).IsAssignableFrom(property.PropertyType) ? "..." : "";
        return value.Required ? $"<{value.MetaName}>{many}" : $"[{value.MetaName}]{many}";
    }

    private static IEnumerable<(string Name, string Help)> Option(PropertyInfo property)
    {
        if (property.GetCustomAttribute<OptionAttribute>() is not { Hidden: false } option)
        {
            yield break;
        }

        var name = option.MetaValue.Length > 0 ? $"--{option.LongName} {option.MetaValue}" : $"--{option.LongName}";
        yield return (name, HelpOf(property, option) + DefaultOf(property, option));
    }

    private static string HelpOf(PropertyInfo property, OptionAttribute option) =>
        option.HelpText.Length == 0 && property.GetCustomAttribute<RecipeKeyAttribute>() is { } key && RecipeReference.ExpectedOf(key.Key) is { Length: > 0 } expected
            ? $"{char.ToUpperInvariant(expected[0])}{expected[1..]}."
            : option.HelpText;

    private static string DefaultOf(PropertyInfo property, OptionAttribute option) =>
        property.GetCustomAttribute<RecipeKeyAttribute>() is { } key ? $" [{key.Key}{(RecipeReference.DefaultOf(key.Key) is { } standard ? $"; default {standard.Trim('"')}" : "")}]"
        : option.Default is Enum choice ? $" [default {Spellings.Of(choice)}]"
        : option.Default is not null ? $" [default {option.Default.ToString()!.ToLowerInvariant()}]"
        : option.Required ? " [required]"
        : "";

    private static void Columns(StringBuilder text, IEnumerable<(string Left, string Right)> rows)
    {
        var all = rows.ToList();
        var indent = all.Count == 0 ? 0 : all.Max(static row => row.Left.Length) + 4;
        foreach (var (left, right) in all)
        {
            text.Append($"  {left}".PadRight(indent));
            var column = indent;
            foreach (var word in right.Split(' '))
            {
                if (column + word.Length >= Width && column > indent)
                {
                    text.Append('\n').Append(' ', indent);
                    column = indent;
                }

                text.Append(column > indent ? " " : "").Append(word);
                column += word.Length + 1;
            }

            text.Append('\n');
        }
    }
}
