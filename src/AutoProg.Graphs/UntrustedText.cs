namespace AutoProg.Graphs;

/// <summary>Text out of a file, made fit to stand in a message.</summary>
internal static class UntrustedText
{
    private const int Longest = 100;

    /// <summary>The first characters, control characters replaced.</summary>
    public static string Shown(string text)
    {
        var clean = string.Concat(text.Take(Longest + 1).Select(static c => char.IsControl(c) ? '?' : c));
        return clean.Length > Longest ? $"{clean[..Longest]}..." : clean;
    }
}
