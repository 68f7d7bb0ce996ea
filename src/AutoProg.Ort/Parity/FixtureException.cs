namespace AutoProg.Ort.Parity;

/// <summary>A fixture folder cannot be read: something is missing or malformed. A fixture that can be read but does not match is a result, not an exception.</summary>
public sealed class FixtureException : Exception
{
    /// <summary>Without a message.</summary>
    public FixtureException()
    {
    }

    /// <summary>With the file, the finding and the cure.</summary>
    public FixtureException(string message)
        : base(message)
    {
    }

    /// <summary>With the file, the finding and what caused it.</summary>
    public FixtureException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
