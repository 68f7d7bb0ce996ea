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

/// <summary>What a graph is for.</summary>
public enum GraphPurpose
{
    /// <summary>Forward, soft-target cross entropy and backward.</summary>
    Training,

    /// <summary>The same with stochastic depth.</summary>
    TrainingWithDropPath,

    /// <summary>Forward only.</summary>
    Evaluation,
}

/// <summary>The graphs of a model's sub-networks, built when they are asked for, and kept from run to run if there is a store.</summary>
public sealed class SubNetworkGraphs
{
    /// <summary>Name of the soft-target input of training graphs, [batch, classes].</summary>
    public const string TargetInput = "target";

    private readonly Dictionary<(SubNetwork Network, int Batch, GraphPurpose Purpose), GraphArtifact> ready = [];

    /// <summary>Builds nothing yet.</summary>
    /// <param name="model">The architecture.</param>
    /// <param name="store">Where graphs are kept; null keeps them in memory only.</param>
    public SubNetworkGraphs(IElasticModel model, GraphStore? store = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        Model = model;
        Store = store;
    }

    /// <summary>The architecture.</summary>
    public IElasticModel Model { get; }

    /// <summary>Where graphs are kept, or null.</summary>
    public GraphStore? Store { get; }

    /// <summary>Forward, soft-target cross entropy and backward.</summary>
    /// <param name="network">Resolution and depth.</param>
    /// <param name="batch">Images per run.</param>
    /// <param name="dropPath">Whether the graph has stochastic depth.</param>
    public GraphArtifact Training(SubNetwork network, int batch, bool dropPath) => Get(network, batch, dropPath ? GraphPurpose.TrainingWithDropPath : GraphPurpose.Training);

    /// <summary>Forward only.</summary>
    public GraphArtifact Inference(SubNetwork network, int batch) => Get(network, batch, GraphPurpose.Evaluation);

    /// <summary>The graph for a purpose: the one in memory, the stored one, or a new one.</summary>
    public GraphArtifact Get(SubNetwork network, int batch, GraphPurpose purpose)
    {
        if (!ready.TryGetValue((network, batch, purpose), out var artifact))
        {
            artifact = Load(network, batch, purpose);
            ready.Add((network, batch, purpose), artifact);
        }

        return artifact;
    }

    /// <summary>The forward graph itself, e.g. for export.</summary>
    /// <param name="network">Resolution and depth.</param>
    /// <param name="batch">Images per run.</param>
    /// <param name="features">Whether it also gives what its head is applied to, if the architecture has such a vector.</param>
    public Graph InferenceGraph(SubNetwork network, int batch, bool features = false)
    {
        var graph = Model.Build(network.Resolution, network.Depth, batch, ModelGraphOptions.Inference);
        graph.Builder.Output(Model.OutputName, graph.Output);
        if (features && graph.Features is { } vector)
        {
            graph.Builder.Output(ModelGraph.FeaturesOutput, vector);
        }

        return Pass.Standard(graph.Builder.Build());
    }

    /// <summary>How recipes, file names and reports call a purpose: <c>train</c>, <c>train-dp</c>, <c>eval</c>.</summary>
    public static string NameOf(GraphPurpose purpose) => purpose switch
    {
        GraphPurpose.Training => "train",
        GraphPurpose.TrainingWithDropPath => "train-dp",
        _ => "eval",
    };

    /// <summary>A graph's name in a store: <c>deit_small-r224-l12-b8-train-1f00ba75</c>.</summary>
    public string StoredName(SubNetwork network, int batch, GraphPurpose purpose)
    {
        var options = new ModelGraphOptions(DropPath: purpose == GraphPurpose.TrainingWithDropPath);
        var forward = Model.Build(network.Resolution, network.Depth, batch, options);
        forward.Builder.Output(Model.OutputName, forward.Output);
        return $"{Name(network, batch, purpose)}-{GraphStore.Fingerprint(OnnxWriter.Write(forward.Builder.Build(), Model.Name), NameOf(purpose))}";
    }

    private GraphArtifact Load(SubNetwork network, int batch, GraphPurpose purpose)
    {
        if (Store is null)
        {
            return Build(Name(network, batch, purpose), network, batch, purpose);
        }

        var name = StoredName(network, batch, purpose);
        if (Store.TryLoad(name) is { } stored)
        {
            return stored;
        }

        var artifact = Build(name, network, batch, purpose);
        Store.Keep(artifact);
        return artifact;
    }

    private GraphArtifact Build(string name, SubNetwork network, int batch, GraphPurpose purpose)
    {
        if (purpose == GraphPurpose.Evaluation)
        {
            var inference = InferenceGraph(network, batch);
            var model = OnnxWriter.Write(inference, name);
            return new GraphArtifact(model, GraphManifest.Of(inference, name, model), Cost(inference));
        }

        var graph = Model.Build(network.Resolution, network.Depth, batch, new ModelGraphOptions(DropPath: purpose == GraphPurpose.TrainingWithDropPath));
        var b = graph.Builder;
        var target = b.Input(TargetInput, ElementType.Float, [batch, Model.ClassCount]);
        var training = TrainingGraph.Create(b, Losses.SoftTargetCrossEntropy(b, graph.Output, target), static _ => true, new GraphOutput(Model.OutputName, graph.Output));
        var (bytes, manifest) = training.Write(name);
        return new GraphArtifact(bytes, manifest, Cost(training.Graph));
    }

    private static GraphArtifactCost Cost(Graph graph) => new(GraphCost.MatrixFlops(graph), GraphCost.PeakActivationBytes(graph));

    private string Name(SubNetwork network, int batch, GraphPurpose purpose) => $"{Model.Name}-r{network.Resolution}-l{network.Depth}-b{batch}-{NameOf(purpose)}";
}
