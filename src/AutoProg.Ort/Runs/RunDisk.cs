using System.Runtime.InteropServices;
using System.Text;

namespace AutoProg.Ort.Runs;

/// <summary>The steps of a durable write, apart so that a test can pull the plug between any two of them.</summary>
internal interface IRunDisk
{
    /// <summary>Creates a folder; none is created twice.</summary>
    void CreateFolder(string path);

    /// <summary>Creates a file, replacing what was there.</summary>
    FileStream CreateFile(string path);

    /// <summary>Returns once the file's content is on the disk.</summary>
    void FlushFile(FileStream file);

    /// <summary>Returns once the folder's entries are on the disk, where the operating system can promise that.</summary>
    void FlushFolder(string path);

    /// <summary>Renames a folder; the target must not exist.</summary>
    void MoveFolder(string from, string to);

    /// <summary>Renames a file over another in one step.</summary>
    void ReplaceFile(string from, string to);

    /// <summary>Deletes a folder with its content.</summary>
    void DeleteFolder(string path);
}

/// <summary>The file system.</summary>
internal sealed partial class RunDisk : IRunDisk
{
    public static RunDisk Instance { get; } = new();

    public void CreateFolder(string path) => Directory.CreateDirectory(path);

    public FileStream CreateFile(string path) => new(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1);

    public void FlushFile(FileStream file) => file.Flush(flushToDisk: true);

    public void FlushFolder(string path)
    {
        // .NET opens no handles on folders. Windows keeps its directory entries in a journal and needs no such call.
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var descriptor = Open(path, flags: 0);
        if (descriptor >= 0)
        {
            _ = Fsync(descriptor);
            _ = Close(descriptor);
        }
    }

    public void MoveFolder(string from, string to) => Directory.Move(from, to);

    public void ReplaceFile(string from, string to) => File.Move(from, to, overwrite: true);

    public void DeleteFolder(string path) => Directory.Delete(path, recursive: true);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}

/// <summary>Small files in one piece.</summary>
internal static class WholeFile
{
    /// <summary>Prefix of everything that is not complete yet, or not deleted yet.</summary>
    public const string TemporaryPrefix = ".tmp-";

    /// <summary>Where a file is written before it takes its place: beside it.</summary>
    public static string TemporaryFor(string path) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, TemporaryPrefix + Path.GetFileName(path));

    /// <summary>Readers see the old content or the new, never a part.</summary>
    public static void Replace(IRunDisk disk, string path, ReadOnlySpan<byte> content)
    {
        var temporary = TemporaryFor(path);
        using (var file = disk.CreateFile(temporary))
        {
            file.Write(content);
            disk.FlushFile(file);
        }

        disk.ReplaceFile(temporary, path);
    }

    /// <inheritdoc cref="Replace(IRunDisk, string, ReadOnlySpan{byte})" />
    public static void Replace(string path, string content) => Replace(RunDisk.Instance, path, Encoding.UTF8.GetBytes(content));
}
