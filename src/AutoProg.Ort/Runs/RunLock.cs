using System.Globalization;

namespace AutoProg.Ort.Runs;

/// <summary>
/// Sees to one writer per run: an open file that no second process may open. It is free again when its process ends, however that ends, so a lock is never stale.
/// A locked file cannot be read; who holds it is told in another one beside it.
/// </summary>
internal sealed class RunLock : IDisposable
{
    private const string LockName = ".lock";
    private const string OwnerName = ".lock-owner";
    private const int LongestOwner = 512;

    private readonly FileStream stream;

    private RunLock(string folder, FileMode mode) =>
        stream = new FileStream(Path.Combine(folder, LockName), mode, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);

    /// <summary>Whether a folder has ever been locked.</summary>
    public static bool IsIn(string folder) => File.Exists(Path.Combine(folder, LockName));

    /// <summary>Locks a folder that has never been locked; null where another process has come first.</summary>
    /// <exception cref="IOException">The folder cannot be written to.</exception>
    public static RunLock? TryCreate(string folder)
    {
        RunLock created;
        try
        {
            created = new RunLock(folder, FileMode.CreateNew);
        }
        catch (IOException) when (IsIn(folder))
        {
            return null;
        }

        return created.OwnedByThisProcess(folder);
    }

    /// <summary>Locks a folder.</summary>
    /// <exception cref="IOException">Another process holds the lock, or the folder cannot be written to.</exception>
    public static RunLock Take(string folder)
    {
        RunLock taken;
        try
        {
            taken = new RunLock(folder, FileMode.OpenOrCreate);
        }
        catch (IOException error) when (IsHeld(folder))
        {
            throw new IOException($"{folder}: {Owner(folder)} is writing to this run; stop it first.", error);
        }

        return taken.OwnedByThisProcess(folder);
    }

    /// <summary>Gives the folder free.</summary>
    public void Dispose() => stream.Dispose();

    /// <summary>Tells who holds the lock. Where that cannot be written, a full disk for instance, the lock is given up: its own process must not seem to be another one.</summary>
    private RunLock OwnedByThisProcess(string folder)
    {
        try
        {
            File.WriteAllText(Path.Combine(folder, OwnerName), string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName}\n"));
            return this;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private static bool IsHeld(string folder)
    {
        try
        {
            new FileStream(Path.Combine(folder, LockName), FileMode.Open, FileAccess.Read, FileShare.Read).Dispose();
            return false;
        }
        catch (IOException)
        {
            return IsIn(folder);
        }
    }

    private static string Owner(string folder)
    {
        var file = new FileInfo(Path.Combine(folder, OwnerName));
        return file is { Exists: true, Length: > 0 and < LongestOwner } ? File.ReadAllText(file.FullName).Trim() : "another process";
    }
}
