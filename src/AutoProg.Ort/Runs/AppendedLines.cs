namespace AutoProg.Ort.Runs;

/// <summary>A text file that only grows by whole lines, and can be taken back to a number of lines when a run resumes.</summary>
internal sealed class AppendedLines : IDisposable
{
    private const int ChunkBytes = 1 << 16;

    private readonly FileStream stream;
    private readonly Lock gate = new();

    private AppendedLines(FileStream stream, long count)
    {
        this.stream = stream;
        Count = count;
    }

    /// <summary>Complete lines in the file.</summary>
    public long Count { get; private set; }

    /// <summary>Opens a file for appending, creating it where it is missing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="keep">Lines to keep; what follows is cut off, and so is a last line without its end.</param>
    public static AppendedLines Open(string path, long keep)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(keep);
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 1);
        try
        {
            var (count, end) = FindEnd(file, keep);
            file.SetLength(end);
            file.Position = end;
            return new AppendedLines(file, count);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads complete lines one by one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="longest">Bytes of the longest line; longer ones are left out.</param>
    public static IEnumerable<byte[]> Read(string path, int longest)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 1);
        using var line = new MemoryStream();
        var buffer = new byte[ChunkBytes];
        var tooLong = false;
        for (int read; (read = file.Read(buffer)) > 0;)
        {
            var start = 0;
            for (int length; (length = buffer.AsSpan(start, read - start).IndexOf((byte)'\n')) >= 0; start += length + 1)
            {
                line.Write(buffer, start, length);
                if (!tooLong && line.Length <= longest)
                {
                    yield return line.ToArray();
                }

                line.SetLength(0);
                tooLong = false;
            }

            tooLong |= line.Length + read - start > longest;
            if (!tooLong)
            {
                line.Write(buffer, start, read - start);
            }
        }
    }

    /// <summary>Appends a line and hands it to the operating system.</summary>
    /// <param name="line">Without its end.</param>
    public void Append(ReadOnlySpan<byte> line)
    {
        Span<byte> whole = [.. line, (byte)'\n'];
        lock (gate)
        {
            stream.Write(whole);
            stream.Flush();
            Count++;
        }
    }

    /// <summary>Returns once all lines are on the disk.</summary>
    public void Flush()
    {
        lock (gate)
        {
            stream.Flush(flushToDisk: true);
        }
    }

    /// <inheritdoc />
    public void Dispose() => stream.Dispose();

    private static (long Count, long End) FindEnd(FileStream file, long keep)
    {
        var (count, end, position) = (0L, 0L, 0L);
        var buffer = new byte[ChunkBytes];
        for (int read; count < keep && (read = file.Read(buffer)) > 0; position += read)
        {
            for (var i = 0; i < read && count < keep; i++)
            {
                if (buffer[i] == '\n')
                {
                    count++;
                    end = position + i + 1;
                }
            }
        }

        return (count, end);
    }
}
