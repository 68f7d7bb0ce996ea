using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Runs;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Runtime;

/// <summary>
/// A folder of built graphs, <c>name.onnx</c> with <c>name.json</c>, that outlives runs. A graph that is not what was stored is never used: it is named
/// in a warning and built again.
/// </summary>
internal sealed class GraphStore
{
    private const int Format = 1;
    private const long LongestManifest = 64 << 20;

    private readonly ILogger logger;

    /// <summary>A folder, which need not exist yet.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="logger">Hears of damaged and unwritable files.</param>
    public GraphStore(string folder, ILogger logger)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(logger);
        Folder = Path.GetFullPath(folder);
        this.logger = logger;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>
    /// Eight hexadecimal digits that change with everything a graph is built from: the forward graph (parameters with their names and shapes, options,
    /// constants, opset), the version of this product, and the code that differentiates and writes.
    /// </summary>
    /// <param name="forward">The forward graph as a model file.</param>
    /// <param name="purpose">What the graph is for.</param>
    public static string Fingerprint(ReadOnlySpan<byte> forward, string purpose)
    {
        var assembly = typeof(GraphStore).Assembly;
        var version = assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? assembly.GetName().Version?.ToString();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(System.Text.Encoding.UTF8.GetBytes($"{Format}|{purpose}|{GraphBuilder.Opset}|{version}|{typeof(Graph).Module.ModuleVersionId}|"));
        hash.AppendData(forward);
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..8];
    }

    /// <summary>The model file of a graph.</summary>
    public string ModelFile(string name) => Path.Combine(Folder, name + ".onnx");

    /// <summary>A stored graph whose file is what was stored, or null.</summary>
    /// <param name="name">With its fingerprint.</param>
    public GraphArtifact? TryLoad(string name)
    {
        var (model, manifest) = (ModelFile(name), ManifestFile(name));
        if (!File.Exists(model) || !File.Exists(manifest))
        {
            return null;
        }

        try
        {
            if (new FileInfo(manifest).Length > LongestManifest || new FileInfo(model).Length > OnnxWriter.MaxBytes)
            {
                return Damaged(model, "is larger than any graph");
            }

            using var text = File.OpenRead(manifest);
            if (JsonSerializer.Deserialize<StoredGraph>(text, RunJson.Document) is not { Format: Format } stored || stored.Manifest.Name != name)
            {
                return Damaged(manifest, "describes another graph or is of another version");
            }

            var bytes = File.ReadAllBytes(model);
            return Convert.ToHexStringLower(SHA256.HashData(bytes)) == stored.Manifest.Sha256
                ? new GraphArtifact(bytes, stored.Manifest, stored.Cost)
                : Damaged(model, "differs from what was stored (SHA-256)");
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException)
        {
            return Damaged(manifest, $"cannot be read ({error.Message})");
        }
    }

    /// <summary>Stores a graph. A folder that cannot be written costs time in the next run, not this run.</summary>
    public void Keep(GraphArtifact artifact)
    {
        ArgumentNullException.ThrowIfNull(artifact);
        try
        {
            Write(artifact);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            logger.GraphNotKept(artifact.Manifest.Name, error.Message);
        }
    }

    /// <summary>Stores a graph, whatever was there.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written.</exception>
    public void Write(GraphArtifact artifact)
    {
        ArgumentNullException.ThrowIfNull(artifact);
        Directory.CreateDirectory(Folder);
        WholeFile.Replace(RunDisk.Instance, ModelFile(artifact.Manifest.Name), artifact.Model);
        WholeFile.Replace(ManifestFile(artifact.Manifest.Name), JsonSerializer.Serialize(new StoredGraph(Format, artifact.Manifest, artifact.Cost), RunJson.Document) + "\n");
    }

    private string ManifestFile(string name) => Path.Combine(Folder, name + ".json");

    private GraphArtifact? Damaged(string file, string problem)
    {
        logger.KeptGraphDamaged(file, problem);
        return null;
    }

    private sealed record StoredGraph(int Format, GraphManifest Manifest, GraphArtifactCost Cost);
}
