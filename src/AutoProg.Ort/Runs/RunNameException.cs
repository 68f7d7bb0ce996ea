namespace AutoProg.Ort.Runs;

/// <summary>A run cannot have the name that was asked for. The command line exits with 2.</summary>
public sealed class RunNameException : IOException
{
    /// <summary>Creates the exception.</summary>
    public RunNameException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public RunNameException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public RunNameException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
