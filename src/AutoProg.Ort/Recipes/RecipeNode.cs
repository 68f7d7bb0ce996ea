namespace AutoProg.Ort.Recipes;

/// <summary>A value as it stands in a recipe's text, before anybody knows what it should be.</summary>
/// <param name="Line">1-based; 0 where there is no text.</param>
internal abstract record RecipeNode(int Line)
{
    private const int LongestShown = 60;

    /// <summary>The value on one line, for messages: control characters escaped, long text cut.</summary>
    public string Shown
    {
        get
        {
            var text = string.Concat(Text.Take(LongestShown + 1).Select(static c => char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString()));
            return text.Length > LongestShown ? $"{text[..LongestShown]}..." : text;
        }
    }

    /// <summary>The value in YAML's flow form.</summary>
    protected abstract string Text { get; }

    /// <summary>Plain or quoted text.</summary>
    /// <param name="Value">Content without quotes.</param>
    /// <param name="Quoted">Quoted text is never null, a number's spelling or a truth value.</param>
    /// <param name="Line">1-based.</param>
    public sealed record Scalar(string Value, bool Quoted = false, int Line = 0) : RecipeNode(Line)
    {
        /// <summary>Null as YAML spells it.</summary>
        public static Scalar Null { get; } = new("null");

        /// <summary>Whether this is one of YAML's spellings of null, the empty one included.</summary>
        public bool IsNull => !Quoted && Value is "" or "~" or "null" or "Null" or "NULL";

        /// <inheritdoc />
        protected override string Text => Quoted ? $"\"{Value}\"" : Value;
    }

    /// <summary>A sequence.</summary>
    public sealed record Sequence(IReadOnlyList<RecipeNode> Items, int Line = 0) : RecipeNode(Line)
    {
        /// <inheritdoc />
        protected override string Text => $"[{string.Join(", ", Items.Take(32).Select(static item => item.Shown))}]";
    }

    /// <summary>A mapping; keys may repeat, since a repeated key is something to report.</summary>
    public sealed record Mapping(IReadOnlyList<Entry> Entries, int Line = 0) : RecipeNode(Line)
    {
        /// <inheritdoc />
        protected override string Text => $"{{{string.Join(", ", Entries.Take(32).Select(static entry => $"{entry.Key.Shown}: {entry.Value.Shown}"))}}}";
    }

    /// <summary>A key with its value.</summary>
    public sealed record Entry(Scalar Key, RecipeNode Value);
}
