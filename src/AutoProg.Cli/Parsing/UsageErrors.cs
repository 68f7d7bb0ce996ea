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

    private static string Describe(Error error, Type? verb, IReadOnlyList<Type> verbs) => error switch
    {
        NoVerbSelectedError => $"expected a verb: {string.Join(", ", verbs.Select(HelpPages.NameOf))}",
        BadVerbSelectedError bad => $"unknown verb '{bad.Token}'{DidYouMean(bad.Token, verbs.Select(HelpPages.NameOf), "")}",
        UnknownOptionError unknown => $"unknown option '--{unknown.Token}'{DidYouMean(unknown.Token, verb is null ? [] : VerbProperties.OptionNames(verb).Append("help"), "--")}",
        MissingValueOptionError missing => $"option '--{missing.NameInfo.LongName}' needs a value",
        MissingRequiredOptionError { NameInfo.LongName: "" } => $"expected {Placeholders(verb)}",
        MissingRequiredOptionError missing => $"option '--{missing.NameInfo.LongName}' is required",
        RepeatedOptionError repeated => $"option '--{repeated.NameInfo.LongName}' appears twice; give it once",
        BadFormatConversionError { NameInfo.LongName: { Length: > 0 } name } => $"option '--{name}' has a value of the wrong kind",
        BadFormatTokenError bad => $"'{bad.Token}' cannot be understood",
        _ => $"wrong usage ({error.Tag})",
    };

    private static string Placeholders(Type? verb) => verb is null ? "more arguments" : string.Join(
        " and ",
        VerbProperties.Of(verb).Select(static p => Attribute.GetCustomAttribute(p, typeof(ValueAttribute)) as ValueAttribute).Where(static v => v is { Required: true }).Select(static v => $"<{v!.MetaName}>"));

    private static string DidYouMean(string word, IEnumerable<string> candidates, string prefix) =>
        Spelling.Nearest(word, candidates) is { } nearest ? $"; did you mean '{prefix}{nearest}'?" : "";
}
