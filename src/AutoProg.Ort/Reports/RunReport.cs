using AutoProg.Ort.Runs;

namespace AutoProg.Ort.Reports;

/// <summary>A report that was written.</summary>
/// <param name="Page">The file.</param>
/// <param name="Runs">Runs in it.</param>
/// <param name="Finished">Finished ones among them.</param>
public sealed record WrittenReport(string Page, int Runs, int Finished);

/// <summary>
/// Runs side by side as one HTML page that needs nothing else: schedule, losses and accuracy over runtime, every search, figures, environment, fingerprints of the images,
/// recipes. It reads what runs leave in their folders, finished or not, and trusts none of it.
/// </summary>
public static class RunReport
{
    /// <summary>Name of the page where none is given.</summary>
    public const string FileName = "report.html";

    /// <summary>Writes the page.</summary>
    /// <param name="paths">Folders of runs, or of comparisons; 1 to 100 runs together.</param>
    /// <param name="output">The page; null is <c>report.html</c> in the folder where there is one path, in the working directory otherwise.</param>
    /// <param name="clock">Dates the page; null is the system's.</param>
    /// <param name="cancellationToken">Looked at between runs.</param>
    /// <exception cref="ArgumentException">There are no runs, or too many.</exception>
    /// <exception cref="DirectoryNotFoundException">A folder is neither a run nor a comparison.</exception>
    /// <exception cref="Files.FileFormatException">A file is not what a run writes.</exception>
    /// <exception cref="IOException">A file cannot be read, or the page cannot be written.</exception>
    public static WrittenReport Write(IReadOnlyList<string> paths, string? output = null, TimeProvider? clock = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var content = ReportContent.Read(paths, cancellationToken);
        var page = Path.GetFullPath(output ?? (paths.Count == 1 ? Path.Combine(paths[0], FileName) : FileName));
        Directory.CreateDirectory(Path.GetDirectoryName(page)!);
        WholeFile.Replace(page, ReportPage.Of(content, (clock ?? TimeProvider.System).GetUtcNow()));
        return new WrittenReport(page, content.Runs.Count, content.Runs.Count(static run => run.Summary is not null));
    }
}
