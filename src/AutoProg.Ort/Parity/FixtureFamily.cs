namespace AutoProg.Ort.Parity;

/// <summary>Which family a folder's <c>model.json</c> says it belongs to.</summary>
internal static class FixtureFamily
{
    public const string File = "model.json";

    /// <summary>The family; null for a folder without such a file, and for one that does not say.</summary>
    /// <exception cref="FixtureException">The file is malformed.</exception>
    public static string? Of(string folder) => System.IO.File.Exists(Path.Combine(folder, File)) ? JsonFixture.Read<Named>(folder, File).Family : null;

    /// <summary>What of its family the folder holds, e.g. <c>proxies</c>; null for a training step.</summary>
    /// <exception cref="FixtureException">The file is malformed.</exception>
    public static string? KindOf(string folder) => System.IO.File.Exists(Path.Combine(folder, File)) ? JsonFixture.Read<Named>(folder, File).Kind : null;

    private sealed record Named(string? Family = null, string? Kind = null);
}
