using System.Globalization;
using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.OnDevice;
using AutoProg.Models;
using AutoProg.Ort.Files.OnDevice;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.OnDevice;

/// <summary>
/// A sub-network as ONNX Runtime's on-device training takes it: three models and, with weights, a checkpoint. Its C, C#, Java, Objective-C and Python interfaces load the four files of a folder and
/// train on phones and wherever else release 1.19.2, the last one with that training, runs.
/// </summary>
/// <remarks>
/// What the format cannot say: weight decay holds for every parameter (see <see cref="Remark"/>); gradients of several runs before an update are summed, not averaged; the learning rate is told to the
/// runtime, not stored; and the evaluation model gives what the inference model gives, without a loss.
/// </remarks>
internal sealed class TrainingArtifacts
{
    /// <summary>Name of the training model's file, which computes loss and gradients.</summary>
    public const string TrainingFile = "training_model.onnx";

    /// <summary>Name of the evaluation model's file.</summary>
    public const string EvaluationFile = "eval_model.onnx";

    /// <summary>Name of the optimizer model's file.</summary>
    public const string OptimizerFile = "optimizer_model.onnx";

    /// <summary>Name of the file of parameters.</summary>
    public const string CheckpointFile = "checkpoint";

    /// <summary>The four files, the checkpoint last.</summary>
    public static IReadOnlyList<string> Files { get; } = [TrainingFile, EvaluationFile, OptimizerFile, CheckpointFile];

    private TrainingArtifacts(SubNetworkGraphs graphs, SubNetwork network, int batch, UpdateRule rule, double? clipGrad, bool dropPath)
    {
        var task = graphs.Task;
        var declared = task.Model.Parameters.ToDictionary(static p => p.Name, StringComparer.Ordinal);
        var training = graphs.TrainingGraphOf(network, batch, dropPath);
        (Network, Batch) = (network, batch);
        Name = graphs.NameOf(network, batch);
        (Parameters, Learnable) = ([.. OnDeviceGraphs.Parameters(training).Select(static p => p.Name)], [.. training.Gradients.Keys]);
        Remark = RemarkOn(rule, Learnable.Select(name => declared[name]));
        var accumulating = OnDeviceGraphs.Training(training, name => declared[name].Running!.Momentum);
        Training = OnnxWriter.Write(accumulating, $"{Name}-train");
        TrainingManifest = GraphManifest.Of(accumulating, $"{Name}-train", Training);
        var evaluation = OnDeviceGraphs.Evaluation(graphs.InferenceGraph(network, batch), training);
        Evaluation = OnnxWriter.Write(evaluation, $"{Name}-eval");
        EvaluationManifest = GraphManifest.Of(evaluation, $"{Name}-eval", Evaluation);
        Optimizer = rule switch
        {
            AdamW adamW => OptimizerModel.AdamW(adamW.WeightDecay, adamW.Beta1, adamW.Beta2, adamW.Eps, clipGrad),
            Sgd { Momentum: 0, WeightDecay: 0 } => OptimizerModel.Sgd(clipGrad),
            _ => throw new ArgumentException("The gradient descent of on-device training has neither momentum nor weight decay; set optimizer.momentum and optimizer.weight_decay to 0, or use adamw.", nameof(rule)),
        };
    }

    /// <summary>Names what was built, e.g. <c>deit_small-r128-l6-b32</c>.</summary>
    public string Name { get; }

    /// <summary>Resolution, depth and unfreeze level.</summary>
    public SubNetwork Network { get; }

    /// <summary>Images per run.</summary>
    public int Batch { get; }

    /// <summary>The training model.</summary>
    public byte[] Training { get; }

    /// <summary>What the training model takes and gives.</summary>
    public GraphManifest TrainingManifest { get; }

    /// <summary>The evaluation model.</summary>
    public byte[] Evaluation { get; }

    /// <summary>What the evaluation model takes and gives.</summary>
    public GraphManifest EvaluationManifest { get; }

    /// <summary>The optimizer model.</summary>
    public byte[] Optimizer { get; }

    /// <summary>Names of the parameters that learn, in the training model's order: that of the runtime's flat buffer.</summary>
    public IReadOnlyList<string> Learnable { get; }

    /// <summary>Names of all parameters in that order, running statistics included.</summary>
    public IReadOnlyList<string> Parameters { get; }

    /// <summary>What the files do otherwise than the recipe, because the format cannot say it; null if nothing.</summary>
    public string? Remark { get; }

    /// <summary>Builds the models of a sub-network.</summary>
    /// <param name="graphs">The task's graphs.</param>
    /// <param name="network">Resolution, depth, and the unfreeze level, which says what is frozen.</param>
    /// <param name="batch">Images per run.</param>
    /// <param name="rule">How gradients become new weights.</param>
    /// <param name="clipGrad">Largest norm of all gradients together; null does not clip.</param>
    /// <param name="dropPath">Whether the training model has stochastic depth, whose factors are then fed to it.</param>
    /// <exception cref="ArgumentException">The runtime has no such optimizer.</exception>
    /// <exception cref="GraphException">Nothing learns.</exception>
    public static TrainingArtifacts Build(SubNetworkGraphs graphs, SubNetwork network, int batch, UpdateRule rule, double? clipGrad, bool dropPath = false)
    {
        ArgumentNullException.ThrowIfNull(graphs);
        ArgumentNullException.ThrowIfNull(rule);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batch);
        return new TrainingArtifacts(graphs, network, batch, rule, clipGrad, dropPath);
    }

    /// <summary>A checkpoint.</summary>
    /// <param name="weights">Elements of every parameter by name, running statistics included.</param>
    /// <param name="properties">Texts that are stored along.</param>
    /// <param name="optimizer">What the optimizer goes on from; null starts it afresh.</param>
    /// <exception cref="ArgumentException">The weights exceed what a checkpoint can hold.</exception>
    public ReadOnlyMemory<byte> Checkpoint(Func<string, Tensor> weights, IEnumerable<KeyValuePair<string, string>> properties, OnDeviceOptimizerState? optimizer = null) =>
        OnDeviceCheckpointWriter.Write([.. Learnable.Select(name => (name, weights(name)))], [.. Parameters.Except(Learnable, StringComparer.Ordinal).Select(name => (name, weights(name)))], properties, optimizer);

    /// <summary>Writes the four files; the checkpoint last, so that where it is, all are.</summary>
    /// <param name="folder">Is created if it is not there; files of these names are replaced.</param>
    /// <param name="checkpoint">See <see cref="Checkpoint"/>.</param>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public void Write(string folder, ReadOnlyMemory<byte> checkpoint)
    {
        Directory.CreateDirectory(folder);
        foreach (var (name, content) in Files.Zip<string, ReadOnlyMemory<byte>>([Training, Evaluation, Optimizer, checkpoint]))
        {
            WholeFile.Replace(RunDisk.Instance, Path.Combine(folder, name), content.Span);
        }
    }

    /// <summary>One optimizer node for all parameters: none can be exempt from decay.</summary>
    private static string? RemarkOn(UpdateRule rule, IEnumerable<Parameter> learnable) =>
        rule.WeightDecay > 0 && learnable.Any(static p => !p.WeightDecay)
            ? string.Create(CultureInfo.InvariantCulture, $"Weight decay {rule.WeightDecay} holds for every parameter there: the optimizer of on-device training cannot exempt norms, biases, tokens and positions, as this engine does")
            : null;
}
