using System.Text.RegularExpressions;

namespace AutoProg.Cli.Tests.Documentation;

public sealed partial class ReadmeTests
{
    private static readonly string Root = Find(new DirectoryInfo(AppContext.BaseDirectory));

    private static readonly string Readme = File.ReadAllText(Path.Combine(Root, "README.md"));

    [Fact]
    public void The_readme_lists_every_verb_in_the_order_of_help() =>
        Assert.Equal(Invocation.Verbs.Select(HelpPages.NameOf), VerbRow().Matches(Readme).Select(static row => row.Groups["verb"].Value));

    [Fact]
    public void The_readme_lists_every_exit_code() =>
        Assert.Equal(
            ExitCodes.Meanings.Select(static code => $"{code.Code} {code.Meaning}"),
            ExitCodeRow().Matches(Readme).Select(static row => $"{row.Groups["code"].Value} {row.Groups["meaning"].Value}"));

    [Fact]
    public void Options_that_the_readme_gives_to_a_verb_are_options_of_that_verb()
    {
        foreach (var row in VerbRow().Matches(Readme).Cast<Match>())
        {
            var help = HelpPages.Of(Invocation.Verbs.Single(verb => HelpPages.NameOf(verb) == row.Groups["verb"].Value));
            Assert.All(Option().Matches(row.Value), option => Assert.Contains($"  {option.Value}", help, StringComparison.Ordinal));
        }
    }

    [GeneratedRegex(@"^\| `autoprog (?<verb>[a-z]+)\b.*$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex VerbRow();

    [GeneratedRegex(@"^\| (?<code>[0-9]+) \| (?<meaning>.+?) \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ExitCodeRow();

    [GeneratedRegex("--[a-z-]+", RegexOptions.None, 1000)]
    private static partial Regex Option();

    private static string Find(DirectoryInfo? folder) => folder switch
    {
        null => throw new InvalidOperationException($"There is no AutoProg.Ort.sln above {AppContext.BaseDirectory}; run the tests from a clone."),
        _ when File.Exists(Path.Combine(folder.FullName, "AutoProg.Ort.sln")) => folder.FullName,
        _ => Find(folder.Parent),
    };
}
