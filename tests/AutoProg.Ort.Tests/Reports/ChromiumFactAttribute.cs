namespace AutoProg.Ort.Tests.Reports;

/// <summary>A test that looks at a page in Chromium, and says so where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ChromiumFactAttribute : FactAttribute
{
    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];

    public ChromiumFactAttribute() => Skip = Browser is null ? $"There is no browser here to look at the page in; install one of {string.Join(", ", Names)}." : null;

    /// <summary>The browser's file, or null.</summary>
    public static string? Browser { get; } = (
        from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        from name in Names
        let file = Path.Combine(folder, name)
        where File.Exists(file)
        select file).FirstOrDefault();
}
