namespace AutoProg.Graphs.Import;

/// <summary>A model file cannot be used: it is damaged, contradicts itself, asks for too much, or holds what is not supported. Nothing else comes out of reading one.</summary>
public sealed class OnnxFormatException : IOException
{
    /// <summary>Refuses a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="problem">What was found, and what was expected.</param>
    /// <param name="inner">Where the finding comes from, if from elsewhere.</param>
    public OnnxFormatException(string path, string problem, Exception? inner = null)
        : base($"{path}: {problem}", inner)
    {
        Path = path;
        Problem = problem;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What was found, and what was expected.</summary>
    public string Problem { get; }
}
