using System.Numerics.Tensors;
using System.Security.Cryptography;
using System.Text;
using AutoProg.Ort.Files;
using AutoProg.Ort.Monitoring;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Runs;

/// <summary>
/// The checkpoints of a run. A checkpoint is written under a temporary name, flushed and renamed, so a folder with a step's name is complete;
/// older ones go only after that. Knows nothing of training: tensors by name, and a state of the caller's type.
/// </summary>
/// <remarks>One writer at a time; a <see cref="RunDirectory"/> that is open for writing sees to that.</remarks>
public sealed class CheckpointStore
{
    private const string LastPointer = "last";
    private const string BestPointer = "best";

    private readonly string folder;
    private readonly int keep;
    private readonly ILogger logger;
    private readonly IRunDisk disk;

    /// <summary>The checkpoints in a folder, which need not exist yet.</summary>
    /// <param name="folder">A run's <c>checkpoints</c> folder.</param>
    /// <param name="keep">Newest checkpoints to keep, at least 1; the best one is kept besides.</param>
    /// <param name="logger">Hears of damaged checkpoints.</param>
    internal CheckpointStore(string folder, int keep, ILogger logger)
        : this(folder, keep, logger, RunDisk.Instance)
    {
    }

    internal CheckpointStore(string folder, int keep, ILogger logger, IRunDisk disk)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(keep, 1);
        this.folder = folder;
        this.keep = keep;
        this.logger = logger;
        this.disk = disk;
    }

    /// <summary>Saves a step, then deletes what is no longer to be kept. Saving a step again adds a checkpoint beside the first.</summary>
    /// <param name="step">Updates done, at least 0.</param>
    /// <param name="files">Tensor files with distinct names.</param>
    /// <param name="state">What resuming needs besides; plain data that System.Text.Json writes and reads.</param>
    /// <param name="best">Whether no earlier checkpoint of the run was better.</param>
    /// <returns>Name of the checkpoint's folder.</returns>
    /// <exception cref="NonFiniteTensorException">A tensor holds NaN or infinity; nothing was saved.</exception>
    /// <exception cref="ArgumentException">A file name is not plain or appears twice.</exception>
    /// <exception cref="IOException">The disk is full or fails; earlier checkpoints are untouched.</exception>
    internal string Save<TState>(long step, IReadOnlyList<CheckpointFile> files, TState state, bool best = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        RefuseNames(files);
        disk.CreateFolder(folder);
        DeleteLeftovers();
        var earlier = ReadManifests();

        var temporary = Path.Combine(folder, WholeFile.TemporaryPrefix + CheckpointManifest.FolderName(step, 1));
        disk.CreateFolder(temporary);
        try
        {
            var seals = new Dictionary<string, FileSeal>(StringComparer.Ordinal);
            foreach (var file in files)
            {
                seals.Add(file.Name, WriteTensors(step, Path.Combine(temporary, file.Name), file));
            }

            var sequence = earlier.Select(static other => other.Manifest.Sequence).DefaultIfEmpty().Max() + 1;
            WriteManifest(temporary, CheckpointManifest.Write(step, sequence, best, seals, state));
        }
        catch
        {
            TryTo(() => disk.DeleteFolder(temporary), $"Cannot delete the unfinished checkpoint {temporary}.");
            throw;
        }

        var name = FreeName(step);
        disk.MoveFolder(temporary, Path.Combine(folder, name));
        disk.FlushFolder(folder);

        // The step is saved. What fails from here on leaves too many files or an old pointer behind, and is no reason to end a run.
        TryTo(PointAndPrune, $"Cannot tidy up {folder}.");
        return name;
    }

    /// <summary>The newest checkpoint that is intact; damaged ones are named in warnings.</summary>
    /// <exception cref="FileNotFoundException">There is no checkpoint.</exception>
    /// <exception cref="FileFormatException">There are checkpoints, and all are damaged.</exception>
    public Checkpoint OpenLatest() =>
        TryOpenLatest() ?? throw new FileNotFoundException($"{folder}: there is no checkpoint to resume from. Leave out --resume to start afresh.");

    /// <summary>Lets the pointers tell of the checkpoint that a run goes on from: a process that was killed may have saved it without getting so far. Deletes nothing.</summary>
    internal void GoOnFrom(Checkpoint latest) => TryTo(
        () => Point(latest.Name, ReadManifests().OrderByDescending(static entry => entry.Manifest.Sequence).FirstOrDefault(static entry => entry.Manifest.Best).Name),
        $"Cannot tidy up {folder}.");

    /// <summary>As <see cref="OpenLatest"/>, but null where there is no checkpoint at all.</summary>
    /// <exception cref="FileFormatException">There are checkpoints, and all are damaged.</exception>
    public Checkpoint? TryOpenLatest()
    {
        var damaged = new List<FileFormatException>();
        var ordered = ReadManifests(damaged).OrderByDescending(static entry => entry.Manifest.Sequence).ThenByDescending(static entry => entry.Name, StringComparer.Ordinal);
        foreach (var problem in damaged)
        {
            logger.CheckpointSkipped(problem.Message);
        }

        foreach (var (name, _) in ordered)
        {
            try
            {
                return Checkpoint.Verify(Path.Combine(folder, name));
            }
            catch (FileFormatException error)
            {
                logger.OlderCheckpointTried(error.Message);
                damaged.Add(error);
            }
        }

        return damaged.Count == 0
            ? null
            : throw new FileFormatException(folder, $"no checkpoint is intact ({string.Join("; ", damaged.Select(static error => error.Message))})");
    }

    /// <summary>Opens what a user points at: a run's folder or its <c>checkpoints</c> (the newest intact one), a checkpoint's folder, or the files <c>last</c> and <c>best</c>.</summary>
    /// <param name="path">The place.</param>
    /// <param name="logger">Hears of damaged checkpoints that were passed over.</param>
    /// <exception cref="FileNotFoundException">There is no checkpoint.</exception>
    /// <exception cref="FileFormatException">The checkpoint is damaged.</exception>
    public static Checkpoint Open(string path, ILogger logger)
    {
        if (IsPointer(path))
        {
            return Checkpoint.Verify(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, ReadPointer(path)));
        }

        var isCheckpoint = Directory.Exists(path) && CheckpointManifest.IsFolderName(Path.GetFileName(Path.TrimEndingDirectorySeparator(path)));
        if (isCheckpoint || File.Exists(Path.Combine(path, CheckpointManifest.FileName)))
        {
            return Checkpoint.Verify(path);
        }

        var nested = Path.Combine(path, RunDirectory.CheckpointsName);
        return new CheckpointStore(Directory.Exists(nested) ? nested : path, keep: 1, logger).OpenLatest();
    }

    /// <summary>Whether a file names a checkpoint that lies beside it.</summary>
    public static bool IsPointer(string path) => File.Exists(path) && Path.GetFileName(path) is LastPointer or BestPointer;

    private static string ReadPointer(string path)
    {
        using var reader = new StreamReader(path);
        var buffer = new char[128];
        var name = new string(buffer, 0, reader.ReadBlock(buffer)).Trim();
        return CheckpointManifest.IsFolderName(name) ? name : throw new FileFormatException(path, "does not hold the name of a checkpoint, e.g. step-0012500");
    }

    private static void RefuseNames(IReadOnlyList<CheckpointFile> files)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            if (!CheckpointManifest.IsFileName(file.Name) || !names.Add(file.Name))
            {
                throw new ArgumentException($"File name '{file.Name}' appears twice, or is no plain lower-case name ending in .safetensors.", nameof(files));
            }
        }
    }

    private FileSeal WriteTensors(long step, string path, CheckpointFile file)
    {
        using var hash = SHA256.Create();
        using var stream = disk.CreateFile(path);
        using (var hashing = new CryptoStream(stream, hash, CryptoStreamMode.Write, leaveOpen: true))
        {
            SafetensorsWriter.Write(hashing, [.. file.Tensors.Select(tensor => tensor with { Elements = () => Finite(step, file.Name, tensor) })], file.Metadata);
        }

        disk.FlushFile(stream);
        return new FileSeal(stream.Length, Convert.ToHexStringLower(hash.Hash!));
    }

    private static ReadOnlySpan<float> Finite(long step, string file, FloatTensor tensor)
    {
        var elements = tensor.Elements();
        return elements.IsEmpty || float.IsFinite(TensorPrimitives.MaxMagnitude(elements)) ? elements : throw new NonFiniteTensorException(step, file, tensor.Name);
    }

    private void WriteManifest(string target, byte[] content)
    {
        using (var file = disk.CreateFile(Path.Combine(target, CheckpointManifest.FileName)))
        {
            file.Write(content);
            disk.FlushFile(file);
        }

        disk.FlushFolder(target);
    }

    private string FreeName(long step)
    {
        var attempt = 1;
        while (Path.Exists(Path.Combine(folder, CheckpointManifest.FolderName(step, attempt))))
        {
            attempt++;
        }

        return CheckpointManifest.FolderName(step, attempt);
    }

    private void PointAndPrune()
    {
        var newestFirst = ReadManifests().OrderByDescending(static entry => entry.Manifest.Sequence).ToList();
        var best = newestFirst.Find(static entry => entry.Manifest.Best).Name;
        Point(newestFirst[0].Name, best);
        foreach (var (name, _) in newestFirst.Skip(keep).Where(entry => !string.Equals(entry.Name, best, StringComparison.Ordinal)))
        {
            // Renamed first: a checkpoint is there or not there, never half deleted.
            var doomed = Path.Combine(folder, WholeFile.TemporaryPrefix + name + "-deleted");
            disk.MoveFolder(Path.Combine(folder, name), doomed);
            disk.DeleteFolder(doomed);
        }
    }

    private void Point(string last, string? best)
    {
        WholeFile.Replace(disk, Path.Combine(folder, LastPointer), Encoding.UTF8.GetBytes(last + "\n"));
        if (best is not null)
        {
            WholeFile.Replace(disk, Path.Combine(folder, BestPointer), Encoding.UTF8.GetBytes(best + "\n"));
        }

        disk.FlushFolder(folder);
    }

    private void DeleteLeftovers()
    {
        foreach (var leftover in Directory.EnumerateDirectories(folder, WholeFile.TemporaryPrefix + "*"))
        {
            disk.DeleteFolder(leftover);
        }
    }

    /// <summary>Folders whose manifest can be read. Damaged ones neither count nor are deleted: they may be all that somebody has.</summary>
    private List<(string Name, CheckpointManifest Manifest)> ReadManifests(List<FileFormatException>? damaged = null)
    {
        var manifests = new List<(string, CheckpointManifest)>();
        if (!Directory.Exists(folder))
        {
            return manifests;
        }

        foreach (var path in Directory.EnumerateDirectories(folder).Where(static path => CheckpointManifest.IsFolderName(Path.GetFileName(path))).Order(StringComparer.Ordinal))
        {
            try
            {
                manifests.Add((Path.GetFileName(path), CheckpointManifest.Read(path)));
            }
            catch (FileFormatException error)
            {
                damaged?.Add(error);
            }
        }

        return manifests;
    }

    private void TryTo(Action action, string otherwise)
    {
        try
        {
            action();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            logger.CheckpointFolderProblem(error, otherwise);
        }
    }
}
