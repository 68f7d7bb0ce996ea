namespace AutoProg.Ort.Training;

/// <summary>A run was cancelled after its folder was there; what was cancelled before that throws a plain <see cref="OperationCanceledException"/>.</summary>
public sealed class RunCanceledException : OperationCanceledException
{
    /// <summary>Creates the exception.</summary>
    public RunCanceledException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public RunCanceledException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public RunCanceledException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal RunCanceledException(string? folder, string? checkpoint, OperationCanceledException cancelled)
        : base(checkpoint is null ? "The run was cancelled before there was anything to go on from." : $"The run was cancelled; {folder} goes on from {checkpoint}.", cancelled, cancelled.CancellationToken) =>
        (Folder, Checkpoint) = (folder, checkpoint);

    /// <summary>The run's folder; null where it writes no files.</summary>
    public string? Folder { get; }

    /// <summary>Name of the newest checkpoint, from which <see cref="ProgressiveTrainer.Resume"/> goes on; null where there is none.</summary>
    public string? Checkpoint { get; }
}
