using System.Text;
using Xunit.Sdk;

namespace AutoProg.Cli.Tests;

/// <summary>Compares text with a file that somebody has read and approved. On a difference the new text is put beside the copy of the file.</summary>
internal static class Approval
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Approved");

    public static void Verify(string name, string actual)
    {
        var file = Path.Combine(Folder, $"{name}.txt");
        var approved = File.Exists(file) ? Lines(File.ReadAllText(file)) : [];
        var found = Lines(actual);
        if (approved.SequenceEqual(found))
        {
            return;
        }

        var received = Path.Combine(Folder, $"{name}.received.txt");
        Directory.CreateDirectory(Folder);
        File.WriteAllText(received, string.Join('\n', found));
        throw new XunitException($"Approved/{name}.txt differs; the new text is {received}.\n{Difference(approved, found)}");
    }

    /// <summary>Trailing blanks are the tables' own and are no part of what is approved.</summary>
    private static string[] Lines(string text) => [.. text.ReplaceLineEndings("\n").Split('\n').Select(static line => line.TrimEnd())];

    /// <summary>What stands between the common beginning and the common end.</summary>
    public static string Difference(string[] approved, string[] found)
    {
        var head = approved.Zip(found).TakeWhile(static pair => pair.First == pair.Second).Count();
        var tail = approved.Skip(head).Reverse().Zip(found.Skip(head).Reverse()).TakeWhile(static pair => pair.First == pair.Second).Count();
        var text = new StringBuilder();
        foreach (var (sign, lines) in new[] { ('-', approved), ('+', found) })
        {
            for (var i = head; i < lines.Length - tail; i++)
            {
                text.Append($"{i + 1,4} {sign} {lines[i]}\n");
            }
        }

        return text.ToString();
    }
}
