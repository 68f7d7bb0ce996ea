using System.Reflection;
using AutoProg.Ort.Recipes;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>The parser's findings as sentences.</summary>
internal static class UsageErrors
{
    /// <summary>One sentence per finding.</summary>
    /// <param name="errors">Findings of the parser.</param>
    /// <param name="verb">Null where there is none.</param>
    /// <param name="verbs">All verbs.</param>
    public static IReadOnlyList<string> Describe(IEnumerable<Error> errors, Type? verb, IReadOnlyList<Type> verbs) =>
        [.. errors.Select(error => Describe(error, verb, verbs)).Distinct(StringComparer.Ordinal)];

    /// <summary>Options that need a value and have none. (The parser takes text options without one for absent.)</summary>
    /// <exception cref="UsageException">There is one.</exception>
    public static void RefuseMissingValues(string[] arguments, Type verb)
    {
        var needing = VerbProperties.Of(verb).Where(static p => p.PropertyType != typeof(bool)).Select(static p => p.GetCustomAttribute<OptionAttribute>()?.LongName).OfType<string>().ToHashSet(StringComparer.Ordinal);
        string[] missing =
        [
            .. from item in arguments.Index()
               where item.Item.StartsWith("--", StringComparison.Ordinal) && needing.Contains(item.Item[2..])
               where item.Index + 1 == arguments.Length || arguments[item.Index + 1].StartsWith("--", StringComparison.Ordinal)
               select $"option '{item.Item}' needs a value",
        ];
        if (missing.Length > 0)
        {
            throw new UsageException(string.Join('\n', missing));
        }
    }

    private static string Describe(Error error, Type? verb, IReadOnlyList<Type> verbs) => error switch
    {
        NoVerbSelectedError => $"expected a verb: {string.Join(", ", verbs.Select(HelpPages.NameOf))}",
        BadVerbSelectedError bad => $"unknown verb '{bad.Token}'{DidYouMean(bad.Token, verbs.Select(HelpPages.NameOf), "")}",
        UnknownOptionError unknown => $"unknown option '{(unknown.Token.Length == 1 ? "-" : "--")}{unknown.Token}'{DidYouMean(unknown.Token, verb is null ? [] : VerbProperties.OptionNames(verb).Append("help"), "--")}",
        MissingValueOptionError missing => $"option '--{missing.NameInfo.LongName}' needs a value",
        MissingRequiredOptionError { NameInfo.LongName: "" } => $"expected {Placeholders(verb)}",
        MissingRequiredOptionError missing => $"option '--{missing.NameInfo.LongName}' is required",
        RepeatedOptionError repeated => $"option '--{repeated.NameInfo.LongName}' appears twice; give it once",
        BadFormatConversionError { NameInfo.LongName: { Length: > 0 } name } => $"option '--{name}' needs {KindOf(verb, name)}",
        BadFormatTokenError bad => $"'{bad.Token}' cannot be understood",
        _ => $"wrong usage ({error.Tag})",
    };

    private static string Placeholders(Type? verb) => verb is null ? "more arguments" : string.Join(
        " and ",
        VerbProperties.Of(verb).Select(static p => p.GetCustomAttribute<ValueAttribute>()).Where(static v => v is { Required: true }).Select(static v => $"<{v!.MetaName}>"));

    private static string KindOf(Type? verb, string option)
    {
        var property = verb is null ? null : VerbProperties.Of(verb).FirstOrDefault(p => p.GetCustomAttribute<OptionAttribute>()?.LongName == option);
        return property?.PropertyType is { IsEnum: true } kind ? $"one of {string.Join(", ", Enum.GetValues(kind).Cast<Enum>().Select(Spellings.Of))}" : "a whole number";
    }

    private static string DidYouMean(string word, IEnumerable<string> candidates, string prefix) =>
        Spelling.Nearest(word, candidates) is { } nearest ? $"; did you mean '{prefix}{nearest}'?" : "";
}
