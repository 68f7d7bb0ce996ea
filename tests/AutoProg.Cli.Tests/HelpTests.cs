using System.Text.RegularExpressions;

namespace AutoProg.Cli.Tests;

public sealed class HelpTests
{
    public static TheoryData<string> Verbs => [.. Invocation.Verbs.Select(HelpPages.NameOf)];

    [Theory]
    [MemberData(nameof(Verbs))]
    public void Every_verb_has_an_approved_page_with_an_example_and_the_exit_codes(string verb)
    {
        var answer = Autoprog.Run(verb, "--help");

        Assert.Equal((0, ""), (answer.Code, answer.Messages));
        Assert.Contains($"\nExamples:\n  autoprog {verb}", answer.Results);
        Assert.Contains("  143  terminated (SIGTERM)\n", answer.Results);
        Approval.Verify($"help-{verb}", answer.Results);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("help")]
    public void The_overview_names_every_verb(string argument)
    {
        var answer = Autoprog.Run(argument);

        Assert.Equal((0, ""), (answer.Code, answer.Messages));
        Approval.Verify("help", answer.Results);
    }

    [Fact]
    public void The_version_names_product_runtime_and_providers()
    {
        var answer = Autoprog.Run("--version");

        Assert.Equal((0, ""), (answer.Code, answer.Messages));
        Assert.Matches(new Regex(@"^autoprog \d+\.\d+\.\d+\S*\nONNX Runtime \d+\.\d+\.\d+ \((?:Cpu|Gpu|Training)\)\nproviders: .*CPUExecutionProvider\n$", RegexOptions.None, TimeSpan.FromSeconds(1)), answer.Results);
    }

    [Theory]
    [MemberData(nameof(Verbs))]
    public void The_examples_of_every_verb_are_calls_that_the_parser_takes(string verb)
    {
        var type = Invocation.Verbs.Single(v => HelpPages.NameOf(v) == verb);
        var examples = type.GetCustomAttributes(typeof(ExampleAttribute), inherit: false).Cast<ExampleAttribute>().ToList();

        Assert.NotEmpty(examples);
        Assert.All(examples, example =>
        {
            var arguments = Spellings.Normalize(example.Call.Split(' '));
            using var parser = new global::CommandLine.Parser(settings => settings.CaseInsensitiveEnumValues = true);
            var parsed = Assert.IsType<global::CommandLine.Parsed<object>>(parser.ParseArguments(arguments, [.. Invocation.Verbs]));
            Assert.Equal(type, parsed.Value.GetType());
            Assert.Empty(((OutputOptions)parsed.Value).Surplus);
        });
    }
}
