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

    private static string Difference(string[] approved, string[] found)
    {
        var text = new StringBuilder();
        for (var i = 0; i < Math.Max(approved.Length, found.Length); i++)
        {
            var (before, now) = (i < approved.Length ? approved[i] : null, i < found.Length ? found[i] : null);
            if (before != now)
            {
                text.Append(before is null ? "" : $"{i + 1,4} - {before}\n").Append(now is null ? "" : $"{i + 1,4} + {now}\n");
            }
        }

        return text.ToString();
    }
}
