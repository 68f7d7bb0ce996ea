namespace AutoProg.Ort.Files;

/// <summary>A file is not what it should be: damaged, cut short, of another format or of another version.</summary>
public sealed class FileFormatException : IOException
{
    /// <summary>Refuses a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="problem">What was found and what was expected.</param>
    /// <param name="inner">Where the finding comes from, if from elsewhere.</param>
    public FileFormatException(string path, string problem, Exception? inner = null)
        : base($"{path}: {problem}", inner)
    {
        Path = path;
        Problem = problem;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What was found and what was expected.</summary>
    public string Problem { get; }
}
