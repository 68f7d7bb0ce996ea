using System.Diagnostics;
using System.Globalization;

namespace AutoProg.Ort.Runtime;

/// <summary>Memory of this process as the operating system counts it.</summary>
internal static class ProcessMemory
{
    /// <summary>Starts a new measurement of the peak. Only Linux can; elsewhere the peak is that of the whole process.</summary>
    public static void ResetPeak()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        try
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Containers may forbid it: the peak then is that of the whole process, which is still true.
        }
    }

    /// <summary>Largest resident memory since the last reset, in bytes.</summary>
    public static long PeakBytes()
    {
        if (OperatingSystem.IsLinux() && File.ReadLines("/proc/self/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal)) is { } line)
        {
            return long.Parse(line.AsSpan(6).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture) << 10;
        }

        using var process = Process.GetCurrentProcess();
        return process.PeakWorkingSet64;
    }
}
