using System.Reflection;
using System.Text.Json;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>Arguments as people know them from other tools, turned into the one spelling that the parser knows.</summary>
internal static class Spellings
{
    /// <summary>Other names of the same option.</summary>
    private static readonly Dictionary<string, string> SameOption = new(StringComparer.Ordinal)
    {
        ["--image-size"] = "--img-size", // DiT
        ["--global-batch-size"] = "--batch-size", // DiT
        ["--log-every"] = "--log-interval", // DiT
        ["--checkpointing-steps"] = "--ckpt-every", // diffusers
        ["--checkpoints-total-limit"] = "--checkpoint-hist", // diffusers
        ["--output-dir"] = "--output", // diffusers
        ["--learning-rate"] = "--lr", // diffusers
    };

    /// <summary>
    /// The parser gives a list all the words that follow, the recipe among them, and takes a list only once; so every assignment moves to the end.
    /// </summary>
    private const string Set = "--set";

    /// <summary>Options whose values are members of an enumeration, by what users write: the parser knows them by their names in the code.</summary>
    private static readonly Lazy<IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>>> Choices = new(static () => Invocation.Verbs
        .SelectMany(VerbProperties.Of)
        .Select(static p => (Option: p.GetCustomAttribute<OptionAttribute>()?.LongName, Kind: Nullable.GetUnderlyingType(p.PropertyType) ?? p.PropertyType))
        .Where(static p => p.Option is not null && p.Kind.IsEnum)
        .DistinctBy(static p => p.Option, StringComparer.Ordinal)
        .ToDictionary(
            static p => $"--{p.Option}",
            static IReadOnlyDictionary<string, string> (p) => Enum.GetValues(p.Kind).Cast<Enum>().ToDictionary(Of, static choice => choice.ToString(), StringComparer.Ordinal),
            StringComparer.Ordinal));

    /// <summary>How users spell a choice, e.g. <c>ort-training</c>.</summary>
    public static string Of(Enum choice) => JsonNamingPolicy.KebabCaseLower.ConvertName(choice.ToString());

    /// <summary>Underscores become hyphens in option names, other tools' names become ours, and <c>--resume</c> without a value means the latest run.</summary>
    public static string[] Normalize(IReadOnlyList<string> arguments)
    {
        var (result, assignments) = (new List<string>(arguments.Count), new List<string>());
        for (var i = 0; i < arguments.Count; i++)
        {
            var spelled = Normalize(arguments[i]);
            var isLast = i + 1 == arguments.Count || arguments[i + 1].StartsWith('-');
            if (spelled == Set && !isLast)
            {
                assignments.Add(arguments[++i]);
            }
            else if (spelled.StartsWith(Set + "=", StringComparison.Ordinal))
            {
                assignments.Add(spelled[(Set.Length + 1)..]);
            }
            else if (Choices.Value.ContainsKey(spelled) && !isLast)
            {
                result.AddRange([spelled, Chosen(spelled, arguments[++i])]);
            }
            else
            {
                result.Add(spelled);
                if (spelled == "--resume" && isLast)
                {
                    result.Add(TrainVerb.Latest);
                }
            }
        }

        return assignments.Count == 0 ? [.. result] : [.. result, Set, .. assignments];
    }

    private static string Normalize(string argument)
    {
        if (!argument.StartsWith("--", StringComparison.Ordinal))
        {
            return argument;
        }

        var end = argument.IndexOf('=') is >= 0 and var at ? at : argument.Length;
        var name = argument[..end].Replace('_', '-');
        var value = Choices.Value.ContainsKey(name) && end < argument.Length ? $"={Chosen(name, argument[(end + 1)..])}" : argument[end..];
        return SameOption.GetValueOrDefault(name, name) + value;
    }

    /// <summary>The choice's name in the code; whatever else was written, quoted, which is no name, so that the parser refuses it.</summary>
    private static string Chosen(string option, string text) => Choices.Value[option].GetValueOrDefault(text, $"'{text}'");
}
