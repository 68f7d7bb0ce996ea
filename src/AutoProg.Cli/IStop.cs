namespace AutoProg.Cli;

/// <summary>Tells when a verb is to end early, and how the process then exits.</summary>
internal interface IStop
{
    /// <summary>Cancelled when the user or the system wants an end.</summary>
    CancellationToken Token { get; }

    /// <summary>130 after Ctrl-C, 143 after SIGTERM.</summary>
    int ExitCode { get; }
}
