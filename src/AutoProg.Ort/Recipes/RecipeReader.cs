using System.Text;

namespace AutoProg.Ort.Recipes;

/// <summary>Reads recipes. Precedence: defaults, then the file, then overrides in their order.</summary>
public static class RecipeReader
{
    /// <summary>Reads a recipe file (UTF-8, at most 256 KiB).</summary>
    /// <exception cref="RecipeException">The file cannot be read, or something in it or in the overrides cannot stand.</exception>
    public static Recipe Read(string path, IReadOnlyList<RecipeOverride>? overrides = null) =>
        Parse(ReadText(path), path, Path.GetDirectoryName(Path.GetFullPath(path)), overrides);

    /// <summary>Reads a recipe's text.</summary>
    /// <param name="text">YAML, at most 256 Ki characters.</param>
    /// <param name="sourceName">Stands for the file in messages.</param>
    /// <param name="overrides">Settings that take precedence over the text.</param>
    /// <exception cref="RecipeException">Something in the text or in the overrides cannot stand.</exception>
    public static Recipe Parse(string text, string sourceName, IReadOnlyList<RecipeOverride>? overrides = null) => Parse(text, sourceName, folder: null, overrides);

    private static Recipe Parse(string text, string sourceName, string? folder, IReadOnlyList<RecipeOverride>? overrides)
    {
        var reading = new RecipeReading(sourceName);
        try
        {
            reading.Apply(RecipeSyntax.ReadDocument(text));
            if (folder is not null)
            {
                reading.ResolvePaths(folder);
            }
        }
        catch (RecipeSyntaxException error)
        {
            throw new RecipeException([new RecipeProblem($"{sourceName}:{error.Line}", "", null, error.Message)]);
        }

        foreach (var change in overrides ?? [])
        {
            reading.Apply(change);
        }

        return reading.Finish();
    }

    private static string ReadText(string path)
    {
        try
        {
            using var reader = new StreamReader(path, new UTF8Encoding(false, throwOnInvalidBytes: true));
            var buffer = new char[RecipeSyntax.LongestText + 1];
            return new string(buffer, 0, reader.ReadBlock(buffer));
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Unreadable("there is no such file");
        }
        catch (DecoderFallbackException)
        {
            throw Unreadable("the file is not UTF-8 text");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Unreadable($"the file cannot be read: {error.Message}");
        }

        RecipeException Unreadable(string why) => new([new RecipeProblem(path, "", null, why)]);
    }
}
