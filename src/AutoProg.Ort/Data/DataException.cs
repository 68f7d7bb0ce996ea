namespace AutoProg.Ort.Data;

/// <summary>Data that is missing or not as its format demands. The message names the place, what was found and what was expected.</summary>
public sealed class DataException : Exception
{
    /// <summary>Without details.</summary>
    public DataException()
    {
    }

    /// <summary>With a message for the user.</summary>
    public DataException(string message)
        : base(message)
    {
    }

    /// <summary>With a message for the user and its cause.</summary>
    public DataException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>One image cannot be decoded. The run goes on with the next image unless there are too many of them.</summary>
public sealed class ImageUnreadableException : Exception
{
    /// <summary>Without details.</summary>
    public ImageUnreadableException()
    {
    }

    /// <summary>With the reason, without the image's name.</summary>
    public ImageUnreadableException(string message)
        : base(message)
    {
    }

    /// <summary>With the reason, without the image's name, and its cause.</summary>
    public ImageUnreadableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
