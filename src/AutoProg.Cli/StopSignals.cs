using System.Runtime.InteropServices;

namespace AutoProg.Cli;

/// <summary>
/// Ctrl-C and SIGTERM. The first one of either asks the verb to finish its step and to save; after it the system's own handling returns, so that
/// the second one ends the process at once, whatever it is doing.
/// </summary>
internal sealed class StopSignals : IStop, IDisposable
{
    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] registrations;
    private int exitCode;

    private StopSignals() => registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle)];

    /// <inheritdoc />
    public CancellationToken Token => source.Token;

    /// <inheritdoc />
    public int ExitCode => exitCode;

    /// <summary>Listens until disposed.</summary>
    public static StopSignals Listen() => new();

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var registration in registrations)
        {
            registration.Dispose();
        }

        source.Dispose();
    }

    private void Handle(PosixSignalContext signal)
    {
        var code = signal.Signal == PosixSignal.SIGINT ? ExitCodes.Interrupted : ExitCodes.Terminated;
        if (Interlocked.CompareExchange(ref exitCode, code, 0) == 0)
        {
            signal.Cancel = true;
            source.Cancel();
        }
    }
}
