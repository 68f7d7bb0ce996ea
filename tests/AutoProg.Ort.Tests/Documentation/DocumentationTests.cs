using System.Text.RegularExpressions;
using System.Xml.Linq;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Tests.Documentation;

/// <summary>What the documents say about the code is taken from the code.</summary>
public sealed partial class DocumentationTests
{
    private const string Sample = "samples/HostedTraining/TrainingService.cs";

    public static TheoryData<string> Documents => [.. Repository.Documents];

    [Fact]
    public void The_recipe_reference_lists_every_key_as_the_engine_knows_it()
    {
        var reference = RecipeReference.Markdown(XDocument.Load(Path.ChangeExtension(typeof(Recipe).Assembly.Location, ".xml")));
        Repository.AssertIs("docs/recipes.md", $"""
            # Recipe reference

            A recipe is a YAML file; [README.md](../README.md#recipes) tells how it is used. Every key has the default below; an unknown key is an error that names file,
            line and the nearest valid key. This page is generated from the code by `tools/update-docs.sh`.

            {reference.Trim()}

            """.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void The_library_example_is_the_code_of_the_sample()
    {
        var region = Region().Match(Repository.Read(Sample)).Groups["code"].Value;
        Assert.NotEmpty(region);
        var code = string.Join('\n', region.Split('\n').Select(static line => line.StartsWith("    ", StringComparison.Ordinal) ? line[4..] : line));
        var readme = Repository.Read("README.md");
        Assert.Matches(LibraryExample(), readme);
        Repository.AssertIs("README.md", LibraryExample().Replace(readme, match => $"{match.Groups["before"].Value}{code}\n"));
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Links_lead_to_files_of_the_repository(string document)
    {
        var folder = Path.GetDirectoryName(Repository.InRoot(document))!;
        var broken = Link().Matches(Repository.Shown(document))
            .Select(static link => link.Groups["target"].Value)
            .Where(static target => !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith('#'))
            .Where(target => !Path.Exists(Path.Combine(folder, target.Split('#')[0])));
        Assert.Empty(broken);
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Links_to_headings_lead_to_headings(string document)
    {
        var folder = Path.GetDirectoryName(document)!;
        var broken = Link().Matches(Repository.Shown(document))
            .Select(static link => link.Groups["target"].Value.Split('#'))
            .Where(static target => target.Length == 2 && !target[0].Contains("://", StringComparison.Ordinal))
            .Where(target => !Headings(target[0].Length == 0 ? document : Path.Combine(folder, target[0])).Contains(target[1]))
            .Select(static target => string.Join('#', target));
        Assert.Empty(broken);
    }

    [Theory]
    [MemberData(nameof(Documents))]
    public void Files_that_are_named_are_there(string document)
    {
        var missing = NamedFile().Matches(Repository.Shown(document)).Select(static name => name.Value).Distinct(StringComparer.Ordinal).Where(static name => !Path.Exists(Repository.InRoot(name)));
        Assert.Empty(missing);
    }

    [Fact]
    public void Types_that_the_readme_names_exist()
    {
        Type[] oneOfEach = [typeof(Recipe), typeof(Models.IElasticModel), typeof(Graphs.Graph), typeof(Microsoft.ML.OnnxRuntime.InferenceSession)];
        var types = oneOfEach.SelectMany(static type => type.Assembly.GetTypes()).Select(static type => type.Name).ToHashSet(StringComparer.Ordinal);
        var named = TypeName().Matches(Repository.Shown("README.md")).Select(static name => name.Groups["type"].Value).ToList();
        Assert.NotEmpty(named);
        Assert.Empty(named.Except(types));
    }

    [Fact]
    public void Recipes_in_the_readme_can_be_read()
    {
        var recipes = YamlBlock().Matches(Repository.Shown("README.md")).Select(static block => block.Groups["yaml"].Value).ToList();
        Assert.NotEmpty(recipes);
        Assert.All(recipes, static yaml => Assert.NotEmpty(RecipeReader.Parse(yaml, "README.md").Name));
    }

    /// <summary>Headings of a document as links spell them.</summary>
    private static IEnumerable<string> Headings(string document) => Heading().Matches(Repository.Shown(document))
        .Select(static heading => string.Concat(heading.Groups["text"].Value.ToLowerInvariant().Where(static c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_')).Replace(' ', '-'));

    [GeneratedRegex(@"#region readme\n(?<code>.*?)\n *#endregion", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Region();

    [GeneratedRegex(@"(?<before><!-- " + Sample + @" -->\n```csharp\n)((?!```)[^\n]*\n)*", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex LibraryExample();

    [GeneratedRegex(@"```yaml\n(?<yaml>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex YamlBlock();

    [GeneratedRegex("^#+ (?<text>.+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Heading();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Link();

    /// <summary>A path below one of the repository's folders; placeholders (&lt;name&gt;, *) and folders of runs are none.</summary>
    [GeneratedRegex(@"(?<![\w/.<-])(src|tests|tools|samples|graphs|docs|\.ci)/[\w./-]*\w(?![\w*<])", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NamedFile();

    /// <summary>`Name` or `Name.Member` with a capital letter, as C# spells types.</summary>
    [GeneratedRegex(@"`(?<type>I?[A-Z][a-z]+(?:[A-Z][A-Za-z]*)+)(\.[A-Z]\w*)?`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TypeName();
}
