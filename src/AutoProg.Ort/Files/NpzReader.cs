using System.IO.Compression;

namespace AutoProg.Ort.Files;

/// <summary>Reads NumPy's <c>.npz</c> one array after the other. Files are taken for hostile: nothing is evaluated, and no more memory is used than the caller brings.</summary>
public sealed class NpzReader : IDisposable
{
    // A directory of one entry takes 100 bytes; this is room for more arrays than anybody saves, and little memory.
    private const long LongestDirectory = 1 << 20;
    private const string Suffix = ".npy";

    private readonly MeteredStream file;
    private readonly ZipArchive archive;
    private readonly Dictionary<string, ZipArchiveEntry> byName = new(StringComparer.Ordinal);

    private NpzReader(string path, MeteredStream file)
    {
        Path = path;
        this.file = file;
        archive = new ZipArchive(file, ZipArchiveMode.Read);
        foreach (var entry in archive.Entries)
        {
            var name = entry.FullName.EndsWith(Suffix, StringComparison.Ordinal)
                ? entry.FullName[..^Suffix.Length]
                : throw new FileFormatException(path, $"holds '{Shown(entry.FullName)}', expected nothing but arrays (.npy)");
            if (!byName.TryAdd(name, entry))
            {
                throw new FileFormatException(path, $"array '{Shown(name)}' appears twice");
            }
        }

        Names = [.. byName.Keys];
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Names of the arrays, in the file's order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Opens a file and reads its directory.</summary>
    /// <exception cref="FileFormatException">The file is damaged, cut short or of another format.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static NpzReader Open(string path)
    {
        var stream = new MeteredStream(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read), LongestDirectory);
        try
        {
            var reader = new NpzReader(path, stream);
            stream.Allow(long.MaxValue);
            return reader;
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException or ArgumentException)
        {
            stream.Dispose();
            throw new FileFormatException(path, $"is no .npz file ({error.Message}); it is damaged, cut short or of another format", error);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Begins to read an array. Arrays are read in turn, not side by side.</summary>
    /// <param name="name">Without <c>.npy</c>.</param>
    /// <exception cref="FileFormatException">There is no such array, or its header says something impossible.</exception>
    public NpyReader Read(string name) => byName.TryGetValue(name, out var entry)
        ? new NpyReader(Path, name, entry)
        : throw new FileFormatException(Path, $"holds no array '{name}'; it holds {(Names.Count == 0 ? "none" : string.Join(", ", Names.Take(20).Select(Shown)))}");

    /// <inheritdoc />
    public void Dispose()
    {
        archive.Dispose();
        file.Dispose();
    }

    private static string Shown(string name) => string.Concat(name.Take(100).Select(static c => char.IsControl(c) ? '?' : c));

    /// <summary>Ends a directory that would not end: so much may be read until it is known, and no more.</summary>
    private sealed class MeteredStream(Stream inner, long budget) : Stream
    {
        private long budget = budget;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => false;

        public override long Length => inner.Length;

        public override long Position { get => inner.Position; set => inner.Position = value; }

        public void Allow(long bytes) => budget = bytes;

        public override int Read(Span<byte> buffer)
        {
            var count = inner.Read(buffer);
            budget -= count;
            return budget >= 0 ? count : throw new InvalidDataException($"its directory is longer than {LongestDirectory} bytes");
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override long Seek(long offset, SeekOrigin origin) => inner.Seek(offset, origin);

        public override void Flush()
        {
        }

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
