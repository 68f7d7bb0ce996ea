using System.Text.Json;
using AutoProg.Graphs;
using AutoProg.Graphs.Analysis;
using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.Passes;
using AutoProg.Models;
using AutoProg.Ort.Progressive;

namespace AutoProg.Ort.Runtime;

/// <summary>A model file with its interface and its cost.</summary>
/// <param name="Model">ONNX.</param>
/// <param name="Manifest">What to bind.</param>
/// <param name="Cost">What a run takes.</param>
public sealed record GraphArtifact(byte[] Model, GraphManifest Manifest, GraphArtifactCost Cost);

/// <summary>What a run of a graph takes, computed from its shapes.</summary>
/// <param name="MatrixFlops">Floating-point operations in matrix products and convolutions.</param>
/// <param name="ActivationBytes">Peak memory of intermediate results.</param>
public sealed record GraphArtifactCost(long MatrixFlops, long ActivationBytes);

/// <summary>The graphs of a model's sub-networks, built when they are asked for, and kept in a folder if one is given.</summary>
public sealed class SubNetworkGraphs
{
    /// <summary>Name of the soft-target input of training graphs, [batch, classes].</summary>
    public const string TargetInput = "target";

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    private readonly IElasticModel model;
    private readonly string? folder;
    private readonly Dictionary<string, GraphArtifact> built = new(StringComparer.Ordinal);

    /// <summary>Builds nothing yet.</summary>
    /// <param name="model">The architecture.</param>
    /// <param name="folder">Where artifacts are kept as <c>name.onnx</c> and <c>name.json</c>; null keeps them in memory only.</param>
    public SubNetworkGraphs(IElasticModel model, string? folder = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        this.model = model;
        this.folder = folder;
    }

    /// <summary>The architecture.</summary>
    public IElasticModel Model => model;

    /// <summary>Forward, soft-target cross entropy and backward.</summary>
    /// <param name="network">Resolution and depth.</param>
    /// <param name="batch">Images per run.</param>
    /// <param name="dropPath">Whether the graph has stochastic depth.</param>
    public GraphArtifact Training(SubNetwork network, int batch, bool dropPath) => Get(Name(network, batch, dropPath ? "train-dp" : "train"), name =>
    {
        var graph = model.Build(network.Resolution, network.Depth, batch, new ModelGraphOptions(dropPath));
        var b = graph.Builder;
        var target = b.Input(TargetInput, ElementType.Float, [batch, model.ClassCount]);
        var training = TrainingGraph.Create(b, Losses.SoftTargetCrossEntropy(b, graph.Logits, target), static _ => true, new GraphOutput(ModelGraph.LogitsOutput, graph.Logits));
        var (bytes, manifest) = training.Write(name);
        return new GraphArtifact(bytes, manifest, Cost(training.Graph));
    });

    /// <summary>Forward only.</summary>
    public GraphArtifact Inference(SubNetwork network, int batch) => Get(Name(network, batch, "eval"), name =>
    {
        var graph = InferenceGraph(network, batch);
        var bytes = OnnxWriter.Write(graph, name);
        return new GraphArtifact(bytes, GraphManifest.Of(graph, name, bytes), Cost(graph));
    });

    /// <summary>The forward graph itself, e.g. for export.</summary>
    public Graph InferenceGraph(SubNetwork network, int batch)
    {
        var graph = model.Build(network.Resolution, network.Depth, batch, ModelGraphOptions.Inference);
        graph.Builder.Output(ModelGraph.LogitsOutput, graph.Logits);
        return Pass.Standard(graph.Builder.Build());
    }

    private static GraphArtifactCost Cost(Graph graph) => new(GraphCost.MatrixFlops(graph), GraphCost.PeakActivationBytes(graph));

    private string Name(SubNetwork network, int batch, string purpose) => $"{model.Name}-r{network.Resolution}-l{network.Depth}-b{batch}-{purpose}";

    private GraphArtifact Get(string name, Func<string, GraphArtifact> build)
    {
        if (!built.TryGetValue(name, out var artifact))
        {
            artifact = build(name);
            built.Add(name, artifact);
            Keep(artifact);
        }

        return artifact;
    }

    private void Keep(GraphArtifact artifact)
    {
        if (folder is null)
        {
            return;
        }

        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, artifact.Manifest.Name + ".onnx"), artifact.Model);
        File.WriteAllText(Path.Combine(folder, artifact.Manifest.Name + ".json"), JsonSerializer.Serialize(new { artifact.Manifest, artifact.Cost }, Json));
    }
}
