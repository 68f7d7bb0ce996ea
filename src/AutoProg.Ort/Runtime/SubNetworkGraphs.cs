using AutoProg.Graphs;
using AutoProg.Graphs.Analysis;
using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.Passes;
using AutoProg.Models;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;

namespace AutoProg.Ort.Runtime;

/// <summary>A model file with its interface and its cost.</summary>
/// <param name="Model">ONNX.</param>
/// <param name="Manifest">What to bind.</param>
/// <param name="Cost">What a run takes.</param>
internal sealed record GraphArtifact(byte[] Model, GraphManifest Manifest, GraphArtifactCost Cost);

/// <summary>What a run of a graph takes, computed from its shapes.</summary>
/// <param name="MatrixFlops">Floating-point operations in matrix products and convolutions.</param>
/// <param name="ActivationBytes">Peak memory of intermediate results.</param>
internal sealed record GraphArtifactCost(long MatrixFlops, long ActivationBytes);

/// <summary>What a graph is for.</summary>
internal enum GraphPurpose
{
    /// <summary>Forward, loss and backward.</summary>
    Training,

    /// <summary>The same with stochastic depth.</summary>
    TrainingWithDropPath,

    /// <summary>Forward only.</summary>
    Evaluation,

    /// <summary>Forward, and the Gram matrices of the per-sample gradients of its output (eq. 13).</summary>
    TangentKernel,

    /// <summary>Forward by running statistics, and the gradients of the sum of its output: of one sample, where no graph of a tangent kernel can be made.</summary>
    SampleGradients,
}

/// <summary>The graphs of a model's sub-networks, built when they are asked for, and kept from run to run if there is a store.</summary>
internal sealed class SubNetworkGraphs
{
    private const string LossOutput = "loss";

    private readonly Dictionary<(SubNetwork Network, int Batch, GraphPurpose Purpose), GraphArtifact> ready = [];

    /// <summary>Builds nothing yet.</summary>
    /// <param name="task">The architecture, its loss, and what of it learns.</param>
    /// <param name="store">Where graphs are kept; null keeps them in memory only.</param>
    public SubNetworkGraphs(LearningTask task, GraphStore? store = null)
    {
        ArgumentNullException.ThrowIfNull(task);
        Task = task;
        Store = store;
    }

    /// <summary>The architecture, its loss, and what of it learns.</summary>
    public LearningTask Task { get; }

    /// <summary>The architecture.</summary>
    public IElasticModel Model => Task.Model;

    /// <summary>Where graphs are kept, or null.</summary>
    public GraphStore? Store { get; }

    /// <summary>Forward, loss and backward; frozen parameters have no gradient.</summary>
    /// <param name="network">Resolution, depth and unfreeze level.</param>
    /// <param name="batch">Images per run.</param>
    /// <param name="dropPath">Whether the graph has stochastic depth.</param>
    public GraphArtifact Training(SubNetwork network, int batch, bool dropPath) => Get(network, batch, TrainingPurpose(dropPath));

    /// <summary>The purpose of a training graph; stochastic depth is left out where the model has none.</summary>
    public GraphPurpose TrainingPurpose(bool dropPath) => dropPath && Model.HasDropPath ? GraphPurpose.TrainingWithDropPath : GraphPurpose.Training;

    /// <summary>The graph that tangent kernels are measured with, and its batch.</summary>
    /// <param name="batch">Samples of a kernel.</param>
    public (GraphPurpose Purpose, int Batch) KernelGraph(int batch) => Model.KeepsSamplesApart ? (GraphPurpose.TangentKernel, batch) : (GraphPurpose.SampleGradients, 1);

    /// <summary>Forward only.</summary>
    public GraphArtifact Inference(SubNetwork network, int batch) => Get(network, batch, GraphPurpose.Evaluation);

    /// <summary>The graph for a purpose: the one in memory, the stored one, or a new one.</summary>
    public GraphArtifact Get(SubNetwork network, int batch, GraphPurpose purpose)
    {
        network = Distinguishing(network, purpose);
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
    /// <param name="storedWeights">As for <see cref="BatchNormFolding.Apply(Graph, bool)"/>.</param>
    public Graph InferenceGraph(SubNetwork network, int batch, bool features = false, bool storedWeights = false)
    {
        var graph = Model.Build(network.Resolution, network.Depth, batch, ModelGraphOptions.Inference);
        graph.Builder.Output(Model.OutputName, graph.Output);
        if (features && graph.Features is { } vector)
        {
            graph.Builder.Output(ModelGraph.FeaturesOutput, vector);
        }

        return Pass.Standard(BatchNormFolding.Apply(graph.Builder.Build(), storedWeights));
    }

    /// <summary>The training graph itself, to be handed to another runtime: forward, loss and backward; frozen parameters have no gradient.</summary>
    /// <param name="network">Resolution, depth and unfreeze level.</param>
    /// <param name="batch">Images per run.</param>
    /// <param name="dropPath">Whether the graph has stochastic depth.</param>
    public TrainingGraph TrainingGraphOf(SubNetwork network, int batch, bool dropPath)
    {
        var graph = Model.Build(network.Resolution, network.Depth, batch, OptionsFor(TrainingPurpose(dropPath)));
        var learnable = graph.Parameters.Where(p => Task.IsLearnable(p, network)).Select(static p => p.Name).ToHashSet(StringComparer.Ordinal);
        return TrainingGraph.Create(graph.Builder, Task.Objective.AttachLoss(graph), learnable.Contains, [new GraphOutput(Model.OutputName, graph.Output)], graph.Statistics);
    }

    /// <summary>How recipes, file names and reports call a purpose: <c>train</c>, <c>train-dp</c>, <c>eval</c>.</summary>
    public static string NameOf(GraphPurpose purpose) => purpose switch
    {
        GraphPurpose.Training => "train",
        GraphPurpose.TrainingWithDropPath => "train-dp",
        GraphPurpose.TangentKernel => "ntk",
        GraphPurpose.SampleGradients => "sample",
        _ => "eval",
    };

    /// <summary>A graph's name in a store: <c>deit_small-r224-l12-b8-train-1f00ba75</c>.</summary>
    public string StoredName(SubNetwork network, int batch, GraphPurpose purpose)
    {
        network = Distinguishing(network, purpose);
        var graph = Model.Build(network.Resolution, network.Depth, batch, OptionsFor(purpose));
        graph.Builder.Output(Model.OutputName, graph.Output);
        var detail = NameOf(purpose);
        if (purpose is GraphPurpose.Training or GraphPurpose.TrainingWithDropPath)
        {
            graph.Builder.Output(LossOutput, Task.Objective.AttachLoss(graph));
            detail = $"{detail}|{Task.Objective.Name}|{string.Join(',', graph.Parameters.Select(p => Task.IsLearnable(p, network) ? '1' : '0'))}";
        }

        return $"{Name(network, batch, purpose)}-{GraphStore.Fingerprint(OnnxWriter.Write(graph.Builder.Build(), Model.Name), detail)}";
    }

    /// <summary>Neither the forward graph nor the shares of all parameters in the tangent kernel depend on what learns.</summary>
    private static SubNetwork Distinguishing(SubNetwork network, GraphPurpose purpose) =>
        purpose is GraphPurpose.Training or GraphPurpose.TrainingWithDropPath ? network : network with { Level = null };

    private static ModelGraphOptions OptionsFor(GraphPurpose purpose) => new(
        DropPath: purpose == GraphPurpose.TrainingWithDropPath,
        Training: purpose is GraphPurpose.Training or GraphPurpose.TrainingWithDropPath);

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

        if (purpose is GraphPurpose.Training or GraphPurpose.TrainingWithDropPath)
        {
            return Written(TrainingGraphOf(network, batch, dropPath: purpose == GraphPurpose.TrainingWithDropPath), name);
        }

        var graph = Model.Build(network.Resolution, network.Depth, batch, OptionsFor(purpose));
        var counted = graph.Parameters.Where(ProxyWeights.CountsForTangentKernel).Select(static p => p.Name).ToHashSet(StringComparer.Ordinal);
        if (purpose == GraphPurpose.SampleGradients)
        {
            return Written(TrainingGraph.Create(graph.Builder, graph.Builder.ReduceSum(graph.Output, []), counted.Contains), name);
        }

        var kernel = TangentKernelGraph.Create(graph.Builder, graph.Output, counted.Contains);
        var (file, entries) = kernel.Write(name);
        return new GraphArtifact(file, entries, Cost(kernel.Graph));
    }

    private static GraphArtifact Written(TrainingGraph graph, string name)
    {
        var (bytes, manifest) = graph.Write(name);
        return new GraphArtifact(bytes, manifest, Cost(graph.Graph));
    }

    private static GraphArtifactCost Cost(Graph graph) => new(GraphCost.MatrixFlops(graph), GraphCost.PeakActivationBytes(graph));

    /// <summary>A sub-network's name in files: <c>deit_small-r224-l12-b8</c>.</summary>
    public string NameOf(SubNetwork network, int batch) => $"{Model.Name}-r{network.Resolution}-l{network.Depth}{(network.Level is { } level ? $"-u{level}" : "")}-b{batch}";

    private string Name(SubNetwork network, int batch, GraphPurpose purpose) => $"{NameOf(network, batch)}-{NameOf(purpose)}";
}
