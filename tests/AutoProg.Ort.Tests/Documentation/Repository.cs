using System.Text.RegularExpressions;

namespace AutoProg.Ort.Tests.Documentation;

/// <summary>The files around the code, found from where the tests run.</summary>
internal static partial class Repository
{
    /// <summary>What a document lacks is written into it instead of failing the test: <c>tools/update-docs.sh</c>.</summary>
    public static bool Updates => Environment.GetEnvironmentVariable("UPDATE_DOCS") == "1";

    public static string Root { get; } = Find(new DirectoryInfo(AppContext.BaseDirectory));

    public static IEnumerable<string> Documents =>
        Directory.EnumerateFiles(Root, "*.md")
            .Concat(new[] { "docs", "tools", "samples" }.Select(InRoot).Where(Directory.Exists).SelectMany(folder => Directory.EnumerateFiles(folder, "*.md", SearchOption.AllDirectories)))
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(static path => !path.Split('/').Any(static part => part is "bin" or "obj" or "node_modules"))
            .Order(StringComparer.Ordinal);

    public static string InRoot(string path) => Path.Combine(Root, path);

    /// <summary>What a reader of a document sees.</summary>
    public static string Shown(string document) => Comment().Replace(Read(document), "");

    public static string Read(string path) => File.ReadAllText(InRoot(path)).ReplaceLineEndings("\n");

    /// <summary>A document whose text another source determines.</summary>
    public static void AssertIs(string path, string expected)
    {
        if (Updates)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(InRoot(path))!);
            File.WriteAllText(InRoot(path), expected);
        }

        var found = File.Exists(InRoot(path)) ? Read(path) : "";
        Assert.True(string.Equals(expected, found, StringComparison.Ordinal), $"{path} is not what its source says; run tools/update-docs.sh and commit the result.");
    }

    [GeneratedRegex("<!--.*?-->", RegexOptions.Singleline, 1000)]
    private static partial Regex Comment();

    private static string Find(DirectoryInfo? folder) => folder switch
    {
        null => throw new InvalidOperationException($"There is no AutoProg.Ort.sln above {AppContext.BaseDirectory}; run the tests from a clone."),
        _ when File.Exists(Path.Combine(folder.FullName, "AutoProg.Ort.sln")) => folder.FullName,
        _ => Find(folder.Parent),
    };
}
