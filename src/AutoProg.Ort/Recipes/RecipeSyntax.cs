using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace AutoProg.Ort.Recipes;

/// <summary>
/// Text to nodes. Reads YamlDotNet's events rather than its object model, because recipes may come from strangers: aliases, tags and
/// deep nesting are refused while the text is read, and repeated keys survive to be reported with their lines.
/// </summary>
internal static class RecipeSyntax
{
    /// <summary>Characters of the longest recipe.</summary>
    public const int LongestText = 256 * 1024;

    /// <summary>Sections hold keys, keys hold lists: three levels; the rest is room for a message about the right key.</summary>
    private const int DeepestNesting = 8;

    private const string NoAliases = "anchors (&) and aliases (*) are not part of recipes; write the value out";

    /// <summary>Reads a document whose root is a mapping.</summary>
    /// <exception cref="RecipeSyntaxException">The text is no YAML, or more than recipes need of it.</exception>
    public static RecipeNode.Mapping ReadDocument(string text)
    {
        if (text.Length > LongestText)
        {
            throw new RecipeSyntaxException(1, $"recipe is longer than {LongestText / 1024} KiB; recipes hold settings only");
        }

        return ReadNode(text) switch
        {
            RecipeNode.Mapping mapping => mapping,
            RecipeNode.Scalar { IsNull: true } => new RecipeNode.Mapping([], 1),
            var other => throw new RecipeSyntaxException(other.Line, $"expected keys with values, e.g. 'model:', found '{other.Shown}'"),
        };
    }

    /// <summary>Reads one value of any form.</summary>
    /// <exception cref="RecipeSyntaxException">The text is no YAML, or more than recipes need of it.</exception>
    public static RecipeNode ReadNode(string text)
    {
        var parser = new Parser(new StringReader(text));
        try
        {
            parser.Consume<StreamStart>();
            if (parser.Accept<StreamEnd>(out _))
            {
                return RecipeNode.Scalar.Null;
            }

            parser.Consume<DocumentStart>();
            var root = ReadNode(parser, depth: 0);
            parser.Consume<DocumentEnd>();
            return parser.Accept<DocumentStart>(out var second)
                ? throw new RecipeSyntaxException(LineOf(second), "second YAML document; a recipe is one document")
                : root;
        }
        catch (YamlException error)
        {
            throw new RecipeSyntaxException((int)error.Start.Line, $"not valid YAML: {error.Message}");
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException or FormatException or IndexOutOfRangeException or OverflowException)
        {
            // YamlDotNet's scanner stumbles over some broken texts instead of refusing them.
            throw new RecipeSyntaxException(parser.Current is { } reached ? LineOf(reached) : 1, "not valid YAML behind this line");
        }
    }

    private static RecipeNode ReadNode(Parser parser, int depth)
    {
        if (parser.Current is NodeEvent node)
        {
            RefuseCleverness(node, depth);
        }

        switch (parser.Current)
        {
            case YamlDotNet.Core.Events.Scalar scalar:
                parser.MoveNext();
                return new RecipeNode.Scalar(scalar.Value, scalar.Style is not (ScalarStyle.Plain or ScalarStyle.Any), LineOf(scalar));

            case SequenceStart start:
                parser.MoveNext();
                var items = new List<RecipeNode>();
                while (!parser.TryConsume<SequenceEnd>(out _))
                {
                    items.Add(ReadNode(parser, depth + 1));
                }

                return new RecipeNode.Sequence(items, LineOf(start));

            case MappingStart start:
                parser.MoveNext();
                var entries = new List<RecipeNode.Entry>();
                while (!parser.TryConsume<MappingEnd>(out _))
                {
                    var keyNode = ReadNode(parser, depth + 1);
                    var key = keyNode as RecipeNode.Scalar
                        ?? throw new RecipeSyntaxException(keyNode.Line, $"expected a key, found '{keyNode.Shown}'");
                    entries.Add(new RecipeNode.Entry(key, ReadNode(parser, depth + 1)));
                }

                return new RecipeNode.Mapping(entries, LineOf(start));

            case AnchorAlias alias:
                throw new RecipeSyntaxException(LineOf(alias), NoAliases);

            case var other:
                throw new RecipeSyntaxException(other is null ? 1 : LineOf(other), "not valid YAML: the text ends too early");
        }
    }

    private static void RefuseCleverness(NodeEvent node, int depth)
    {
        if (!node.Anchor.IsEmpty)
        {
            throw new RecipeSyntaxException(LineOf(node), NoAliases);
        }

        if (!node.Tag.IsEmpty)
        {
            throw new RecipeSyntaxException(LineOf(node), $"tags (!) are not part of recipes; remove '{node.Tag}'");
        }

        if (depth > DeepestNesting)
        {
            throw new RecipeSyntaxException(LineOf(node), $"nested more than {DeepestNesting} levels deep; recipes have sections and keys only");
        }
    }

    private static int LineOf(ParsingEvent parsingEvent) => (int)parsingEvent.Start.Line;
}

/// <summary>Text that is no recipe whatever its keys are.</summary>
internal sealed class RecipeSyntaxException(int line, string message) : Exception(message)
{
    /// <summary>1-based.</summary>
    public int Line { get; } = line;
}
