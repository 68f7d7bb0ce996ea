using System.Security.Cryptography;
using System.Text.Json;
using AutoProg.Ort.Files;

namespace AutoProg.Ort.Runs;

/// <summary>A file of tensors to be saved in a checkpoint.</summary>
/// <param name="Name">Plain, lower-case, ending in <c>.safetensors</c>: <c>weights.safetensors</c>, <c>ema-0.998.safetensors</c>.</param>
/// <param name="Tensors">Finite elements only.</param>
/// <param name="Metadata">Free text to save along.</param>
internal sealed record CheckpointFile(string Name, IReadOnlyList<FloatTensor> Tensors, IReadOnlyDictionary<string, string>? Metadata = null);

/// <summary>A complete checkpoint whose every file is what was saved.</summary>
public sealed class Checkpoint
{
    private readonly CheckpointManifest manifest;

    private Checkpoint(string path, CheckpointManifest manifest)
    {
        Path = path;
        this.manifest = manifest;
    }

    /// <summary>Its folder.</summary>
    public string Path { get; }

    /// <summary>Name of its folder, e.g. <c>step-0012500</c>.</summary>
    public string Name => System.IO.Path.GetFileName(Path);

    /// <summary>Updates done.</summary>
    public long Step => manifest.Step;

    /// <summary>Whether it was the best so far when it was saved.</summary>
    public bool IsBest => manifest.Best;

    /// <summary>Names of the tensor files.</summary>
    public IReadOnlyCollection<string> Files => [.. manifest.Files.Keys];

    /// <summary>The trainer's state.</summary>
    /// <exception cref="FileFormatException">The state is not of this type.</exception>
    public TState ReadState<TState>()
    {
        try
        {
            return manifest.State.Deserialize<TState>(RunJson.Document) ?? throw new JsonException("null");
        }
        catch (JsonException error)
        {
            throw new FileFormatException(System.IO.Path.Combine(Path, CheckpointManifest.FileName), $"holds a state of another version ({error.Message})", error);
        }
    }

    /// <summary>Opens a tensor file.</summary>
    /// <exception cref="FileFormatException">The checkpoint has no such file.</exception>
    public SafetensorsReader OpenFile(string name) => manifest.Files.ContainsKey(name)
        ? SafetensorsReader.Open(System.IO.Path.Combine(Path, name))
        : throw new FileFormatException(Path, $"holds no '{name}'; there are {string.Join(", ", Files)}");

    /// <summary>Reads the manifest of a folder and checks every file against it.</summary>
    /// <exception cref="FileFormatException">Something is missing or differs.</exception>
    internal static Checkpoint Verify(string folder)
    {
        var path = System.IO.Path.GetFullPath(folder).TrimEnd(System.IO.Path.DirectorySeparatorChar);
        var read = CheckpointManifest.Read(path);
        foreach (var (name, seal) in read.Files)
        {
            var file = new FileInfo(System.IO.Path.Combine(path, name));
            if (!file.Exists)
            {
                throw new FileFormatException(file.FullName, "is missing; the checkpoint is damaged");
            }

            if (file.Length != seal.Length)
            {
                throw new FileFormatException(file.FullName, $"{file.Length} bytes long instead of {seal.Length}; the checkpoint is damaged");
            }

            using var stream = file.OpenRead();
            if (!string.Equals(Convert.ToHexStringLower(SHA256.HashData(stream)), seal.Sha256, StringComparison.Ordinal))
            {
                throw new FileFormatException(file.FullName, "differs from what was saved (SHA-256); the checkpoint is damaged");
            }
        }

        return new Checkpoint(path, read);
    }
}

/// <summary>A tensor holds NaN or an infinity and must not replace a good checkpoint.</summary>
public sealed class NonFiniteTensorException : Exception
{
    /// <summary>Names the tensor.</summary>
    /// <param name="step">The step that was not saved.</param>
    /// <param name="file">The file in which it would have been.</param>
    /// <param name="tensor">Its name.</param>
    public NonFiniteTensorException(long step, string file, string tensor)
        : base($"Step {step} was not saved: '{tensor}' in {file} holds NaN or infinity. Earlier checkpoints are untouched.")
    {
        Step = step;
        Tensor = tensor;
    }

    /// <summary>The step that was not saved.</summary>
    public long Step { get; }

    /// <summary>Name of the tensor.</summary>
    public string Tensor { get; }
}
