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

    /// <summary>Underscores become hyphens in option names, other tools' names become ours, and <c>--resume</c> without a value means the latest run.</summary>
    public static string[] Normalize(IReadOnlyList<string> arguments)
    {
        var result = new List<string>(arguments.Count);
        for (var i = 0; i < arguments.Count; i++)
        {
            if (arguments[i] == "--")
            {
                result.AddRange(arguments.Skip(i));
                break;
            }

            var spelled = Normalize(arguments[i]);
            result.Add(spelled);
            if (spelled == "--resume" && (i + 1 == arguments.Count || arguments[i + 1].StartsWith('-')))
            {
                result.Add(TrainVerb.Latest);
            }
        }

        return [.. result];
    }

    private static string Normalize(string argument)
    {
        if (!argument.StartsWith("--", StringComparison.Ordinal))
        {
            return argument;
        }

        var end = argument.IndexOf('=') is >= 0 and var at ? at : argument.Length;
        var name = argument[..end].Replace('_', '-');
        return SameOption.GetValueOrDefault(name, name) + argument[end..];
    }
}
