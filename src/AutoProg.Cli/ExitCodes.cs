using AutoProg.Graphs.Import;
using AutoProg.Ort.Data;
using AutoProg.Ort.Files;
using AutoProg.Ort.OnDevice;
using AutoProg.Ort.Parity;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Training;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Cli;

/// <summary>What the process tells whoever started it; the only place where an exception becomes a code.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Failure = 1;
    public const int Usage = 2;
    public const int Data = 3;
    public const int Device = 4;
    public const int Diverged = 5;
    public const int Interrupted = 130;
    public const int Terminated = 143;

    /// <summary>All codes with their meaning, as help shows them.</summary>
    public static IReadOnlyList<(int Code, string Meaning)> Meanings { get; } =
    [
        (Done, "done"),
        (Failure, "failure"),
        (Usage, "wrong usage or recipe"),
        (Data, "bad or missing data, checkpoint or fixture"),
        (Device, "device unavailable or out of memory"),
        (Diverged, "diverged (NaN or infinity)"),
        (Interrupted, "interrupted (Ctrl-C)"),
        (Terminated, "terminated (SIGTERM)"),
    ];

    /// <summary>The code of an exception that ended a verb; a verb that was stopped has <see cref="IStop.ExitCode"/>.</summary>
    public static int Of(Exception error) => error switch
    {
        UsageException or RecipeException or RunNameException or OnDeviceTrainingException => Usage,
        DataException or FileFormatException or OnnxFormatException or FixtureException or FileNotFoundException or DirectoryNotFoundException => Data,
        DeviceException or OutOfMemoryException => Device,
        OnnxRuntimeException when IsOutOfMemory(error) => Device,
        DivergedException or NonFiniteTensorException => Diverged,
        _ => Failure,
    };

    /// <summary>True for what a user can mend by the message alone; anything else is a defect, whose origin is worth showing.</summary>
    public static bool IsExpected(Exception error) =>
        error is UsageException or RecipeException or OnDeviceTrainingException or DataException or ExportException or FixtureException or DeviceException or OutOfMemoryException or DivergedException or NonFiniteTensorException
            or IOException or UnauthorizedAccessException
        || IsOutOfMemory(error);

    /// <summary>ONNX Runtime has no error code for it: "Failed to allocate memory for requested buffer of size ...", "bad allocation".</summary>
    private static bool IsOutOfMemory(Exception error) =>
        error is OnnxRuntimeException && (error.Message.Contains("allocate memory", StringComparison.Ordinal) || error.Message.Contains("bad alloc", StringComparison.Ordinal));
}

/// <summary>The command line asks for something that does not go together.</summary>
internal sealed class UsageException(string message) : Exception(message);
