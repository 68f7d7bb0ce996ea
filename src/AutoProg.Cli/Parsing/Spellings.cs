using System.Text.Json;

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

    /// <summary>Options whose values are members of an enumeration, which the parser knows without hyphens.</summary>
    private static readonly HashSet<string> Choices = new(StringComparer.Ordinal) { "--format" };

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
            else if (Choices.Contains(spelled) && !isLast)
            {
                result.AddRange([spelled, arguments[++i].Replace("-", "", StringComparison.Ordinal)]);
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
        var value = Choices.Contains(name) ? argument[end..].Replace("-", "", StringComparison.Ordinal) : argument[end..];
        return SameOption.GetValueOrDefault(name, name) + value;
    }
}
