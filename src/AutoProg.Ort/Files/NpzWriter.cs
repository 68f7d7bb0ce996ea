using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using AutoProg.Graphs;
using AutoProg.Ort.Runs;

namespace AutoProg.Ort.Files;

/// <summary>
/// Writes NumPy's <c>.npz</c>: named arrays in a zip file, one after the other, piece by piece. The file appears under its name when it is complete, and equal
/// content gives equal bytes.
/// </summary>
public sealed class NpzWriter : IDisposable
{
    /// <summary>The name that NumPy gives to the first array that has none: where image sets lie.</summary>
    public const string FirstArray = "arr_0";

    private const int WriteChunkBytes = 1 << 20;

    // The earliest time that a zip file knows, and NumPy's choice.
    private static readonly DateTimeOffset Epoch = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly string temporary;
    private readonly CompressionLevel compression;
    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private FileStream? file;
    private ZipArchive? archive;
    private Stream? entry;
    private string current = "";
    private NpyHeader header = new(TensorType.U8, Shape.Of(0));
    private long remaining;

    private NpzWriter(string path, CompressionLevel compression)
    {
        (Path, this.compression) = (path, compression);
        temporary = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path)!, WholeFile.TemporaryPrefix + System.IO.Path.GetFileName(path));
        file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None);
        archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true);
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Begins a file.</summary>
    /// <param name="path">Replaced if it exists, once the new one is complete.</param>
    /// <param name="compress">Whether the arrays are deflated; images of noise gain nothing.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static NpzWriter Create(string path, bool compress = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new(System.IO.Path.GetFullPath(path), compress ? CompressionLevel.Fastest : CompressionLevel.NoCompression);
    }

    /// <summary>Begins an array; the one before must be complete.</summary>
    /// <param name="name">Unique in the file, without slashes.</param>
    /// <param name="type">Element type; NumPy knows all but BF16.</param>
    /// <param name="shape">Dimensions, row-major.</param>
    /// <exception cref="ArgumentException">The name is taken or no name, or NumPy has no such type.</exception>
    /// <exception cref="InvalidOperationException">The array before is not complete, or the file is.</exception>
    public void Begin(string name, TensorType type, Shape shape)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(shape);
        if (name.AsSpan().ContainsAny('/', '\\') || !names.Add(name))
        {
            throw new ArgumentException($"Array '{name}' of {Path}: the name is taken already, or has a slash.", nameof(name));
        }

        End();
        (header, current) = (new NpyHeader(type, shape), name);
        var bytes = header.ToBytes();
        var item = archive!.CreateEntry($"{name}.npy", compression);
        item.LastWriteTime = Epoch;
        entry = item.Open();
        entry.Write(bytes);
        remaining = header.ByteLength;
    }

    /// <summary>Writes the next elements of the array.</summary>
    /// <param name="elements">Of the array's element type.</param>
    /// <exception cref="ArgumentException">They are of another size, or more than the array has.</exception>
    /// <exception cref="InvalidOperationException">No array was begun.</exception>
    public void Write<T>(ReadOnlySpan<T> elements)
        where T : unmanaged
    {
        var bytes = MemoryMarshal.AsBytes(elements);
        if (entry is null)
        {
            throw new InvalidOperationException($"{Path}: no array was begun.");
        }

        if (Unsafe.SizeOf<T>() != header.Type.Size() || bytes.Length > remaining)
        {
            throw new ArgumentException(
                $"Array '{current}' of {Path} is {header.Type.Spelling()}{header.Shape}, with {remaining} bytes to come; got {elements.Length} elements of {Unsafe.SizeOf<T>()} bytes.", nameof(elements));
        }

        remaining -= bytes.Length;
        for (; bytes.Length > WriteChunkBytes; bytes = bytes[WriteChunkBytes..])
        {
            entry.Write(bytes[..WriteChunkBytes]);
        }

        entry.Write(bytes);
    }

    /// <summary>Ends the file, flushes it to the disk and puts it in its place.</summary>
    /// <exception cref="InvalidOperationException">The last array is not complete, or the file was ended before.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Complete()
    {
        End();
        archive!.Dispose();
        archive = null;
        file!.Flush(flushToDisk: true);
        file.Dispose();
        file = null;
        File.Move(temporary, Path, overwrite: true);
    }

    /// <summary>Gives up a file that was not completed.</summary>
    public void Dispose()
    {
        if (file is null)
        {
            return;
        }

        entry?.Dispose();
        archive?.Dispose();
        file.Dispose();
        file = null;
        File.Delete(temporary);
    }

    private void End()
    {
        if (file is null)
        {
            throw new InvalidOperationException($"{Path}: the file is complete already.");
        }

        if (remaining > 0)
        {
            throw new InvalidOperationException($"{Path}: {remaining} bytes of array '{current}' ({header.Type.Spelling()}{header.Shape}) were not written.");
        }

        entry?.Dispose();
        entry = null;
    }
}
