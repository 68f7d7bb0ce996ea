using AutoProg.Graphs;
using AutoProg.Graphs.Analysis;
using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.Import;
using AutoProg.Ort.Files;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Foreign;

/// <summary>What is made of a forward model.</summary>
public sealed record DifferentiationOptions
{
    /// <summary>Loss behind the model's output.</summary>
    public required LossKind Loss { get; init; }

    /// <summary>Folder for what is written; made if it is not there.</summary>
    public required string Output { get; init; }

    /// <summary>Patterns of names of what learns.</summary>
    public IReadOnlyList<string> Trainable { get; init; } = TrainableNames.All;

    /// <summary>Patterns of names of what does not learn, although it is among the trainable.</summary>
    public IReadOnlyList<string> Freeze { get; init; } = [];

    /// <summary>Size of the first axis of all inputs without a shape; null takes the file's.</summary>
    public int? Batch { get; init; }

    /// <summary>Shapes of inputs by name.</summary>
    public IReadOnlyDictionary<string, Shape> Shapes { get; init; } = new Dictionary<string, Shape>();

    /// <summary>The output that the loss compares; null takes the first.</summary>
    public string? Result { get; init; }

    /// <summary>What batch normalisation does.</summary>
    public BatchNormMode BatchNorm { get; init; }

    /// <summary>Whether the batch's variance is told unbiased, as PyTorch's running variance takes it; otherwise as ONNX defines it.</summary>
    public bool UnbiasedVariance { get; init; } = true;
}

/// <summary>A training graph that has been written.</summary>
/// <param name="Folder">Its folder.</param>
/// <param name="Inputs">What a run is fed, beside the parameters.</param>
/// <param name="Trainable">Parameters with a gradient.</param>
/// <param name="Parameters">Their elements.</param>
/// <param name="Statistics">Running statistics that the graph tells the batch's values of.</param>
/// <param name="Nodes">Nodes of the graph, forward and backward.</param>
/// <param name="ActivationBytes">Predicted memory of a run's intermediate results.</param>
public sealed record DifferentiatedModel(
    string Folder, IReadOnlyList<TensorEntry> Inputs, IReadOnlyList<string> Trainable, long Parameters, IReadOnlyList<string> Statistics, int Nodes, long ActivationBytes);

/// <summary>Makes a training graph of any forward model.</summary>
public static class ModelDifferentiation
{
    /// <summary>The training graph, <c>training.onnx</c>, with its manifest <c>training.json</c>.</summary>
    public const string GraphName = "training";

    /// <summary>The values that the parameters and running statistics have in the model file.</summary>
    public const string WeightsFile = "weights.safetensors";

    /// <summary>Reads a model file, adds loss and gradients, and writes graph, manifest and initial weights.</summary>
    /// <param name="path">The model file.</param>
    /// <param name="options">What to make of it.</param>
    /// <exception cref="OnnxFormatException">The file is damaged, or has nodes that are not supported; all of them are named.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="ArgumentException">The options name what the file does not have.</exception>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static DifferentiatedModel Run(string path, DifferentiationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var file = OnnxModelFile.Open(path);
        var learns = TrainableNames.Select(file, options.Trainable, options.Freeze);
        var imported = OnnxImport.Build(file, new OnnxImportOptions
        {
            Batch = options.Batch,
            Shapes = options.Shapes,
            IsParameter = learns.Contains,
            Outputs = options.Result is { } result ? [result] : null,
            BatchNorm = options.BatchNorm,
            UnbiasedVariance = options.UnbiasedVariance,
        });
        var training = Differentiate(file, imported, options);
        var (model, manifest) = training.Write(GraphName);
        var cost = new GraphArtifactCost(GraphCost.MatrixFlops(training.Graph), GraphCost.PeakActivationBytes(training.Graph));
        new GraphStore(options.Output, NullLogger.Instance).Write(new GraphArtifact(model, manifest, cost));
        WriteWeights(file, options.Output, [.. manifest.Parameters.Select(static p => p.Name), .. imported.Statistics.Select(static s => s.Buffer)]);
        return new DifferentiatedModel(
            Path.GetFullPath(options.Output), manifest.Inputs, [.. training.Gradients.Keys], imported.Builder.Parameters.Sum(static p => p.Shape.ElementCount),
            [.. imported.Statistics.Select(static s => s.Buffer)], training.Graph.Nodes.Count, cost.ActivationBytes);
    }

    private static TrainingGraph Differentiate(OnnxModelFile file, ImportedGraph imported, DifferentiationOptions options)
    {
        try
        {
            var (name, output) = imported.Outputs.Single();
            var loss = Losses.Attach(imported.Builder, options.Loss, output);
            return TrainingGraph.Create(
                imported.Builder, loss, static _ => true, [new GraphOutput(name, output)], imported.Statistics.ToDictionary(static s => s.Buffer, static s => s.OfBatch, StringComparer.Ordinal));
        }
        catch (GraphException error)
        {
            throw new OnnxFormatException(file.Path, error.Message, error);
        }
    }

    private static void WriteWeights(OnnxModelFile file, string folder, IReadOnlyList<string> names)
    {
        var temporary = Path.Combine(folder, WholeFile.TemporaryPrefix + WeightsFile);
        try
        {
            SafetensorsWriter.Write(temporary, [.. names.Select(name => new FloatTensor(name, file.Initializers[name].Shape, () => file.Read(name).Floats()))]);
            File.Move(temporary, Path.Combine(folder, WeightsFile), overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }
}
