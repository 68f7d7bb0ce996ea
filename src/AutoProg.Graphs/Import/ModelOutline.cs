using AutoProg.Graphs.Artifacts.Protos;
using Google.Protobuf;
using Microsoft.Win32.SafeHandles;

namespace AutoProg.Graphs.Import;

/// <summary>A model file without the elements of its initialisers: they stay in the file until they are asked for, so that they take memory only once, where they are used.</summary>
internal sealed class ModelOutline
{
    private const int ReadAhead = 1 << 16;

    private readonly string path;
    private readonly (long Length, DateTime Written) state;
    private readonly IReadOnlyDictionary<TensorProto, (long Start, long End)> places;

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidProtocolBufferException">It is no protobuf message.</exception>
    /// <exception cref="GraphException">It is damaged, or too large.</exception>
    public ModelOutline(string path)
    {
        this.path = Path.GetFullPath(path);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, ReadAhead);
        state = StateOf(file.SafeFileHandle);
        (Model, places) = state.Length <= OnnxLimits.FileBytes
            ? OutlineParser.Parse(file)
            : throw new GraphException($"has {state.Length} bytes, a model file has at most {OnnxLimits.FileBytes}.");
    }

    /// <summary>The file; what its initialisers hold as floats, doubles or raw bytes is missing.</summary>
    public ModelProto Model { get; }

    /// <summary>An initialiser of <see cref="Model"/> as the file has it.</summary>
    /// <exception cref="GraphException">The file has changed, or is not there any more.</exception>
    public TensorProto Complete(TensorProto initializer)
    {
        var (start, end) = places[initializer];
        try
        {
            using var file = File.OpenHandle(path);
            return StateOf(file) == state ? TensorProto.Parser.ParseFrom(FileBytes.Read(file, start, end - start)) : throw new GraphException(
                "the file has changed since it was opened. Elements stay in it until they are needed: put the old one back, or begin again with the new one.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new GraphException($"elements stay in the file until they are needed, and it cannot be read any more: {error.Message} Put it back.", error);
        }
    }

    private static (long Length, DateTime Written) StateOf(SafeFileHandle file) => (RandomAccess.GetLength(file), File.GetLastWriteTimeUtc(file));
}
