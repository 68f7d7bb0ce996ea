using AutoProg.Graphs;
using AutoProg.Ort.Files.OnDevice;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.OnDevice;

/// <summary>Trains in stock ONNX Runtime, in an arena that the caller owns: the counterpart of <see cref="OrtTrainingApiSession"/>.</summary>
internal sealed class ArenaTrainingSession : ITrainingSession
{
    private readonly TrainingArtifacts artifacts;
    private readonly ParameterArena arena;
    private readonly double? clipGrad;
    private readonly StepSession training;
    private readonly EvalSession evaluation;
    private readonly IParameterUpdate update;
    private readonly ArenaSelection selection;
    private readonly string output;

    /// <summary>Loads the graphs of a sub-network.</summary>
    /// <param name="device">In whose memory the arena lies; stays the property of the caller.</param>
    /// <param name="graphs">The task's graphs.</param>
    /// <param name="artifacts">The same sub-network for on-device training: says what checkpoints hold.</param>
    /// <param name="arena">Keeps gradients and the rule's moments; stays the property of the caller.</param>
    /// <param name="rule">How gradients become new weights.</param>
    /// <param name="clipGrad">Largest norm of all gradients together; null does not clip.</param>
    public ArenaTrainingSession(Device device, SubNetworkGraphs graphs, TrainingArtifacts artifacts, ParameterArena arena, UpdateRule rule, double? clipGrad)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(graphs);
        ArgumentNullException.ThrowIfNull(artifacts);
        ArgumentNullException.ThrowIfNull(arena);
        (this.artifacts, this.arena, this.clipGrad, output) = (artifacts, arena, clipGrad, graphs.Model.OutputName);
        var (train, eval) = (graphs.Training(artifacts.Network, artifacts.Batch, dropPath: false), graphs.Inference(artifacts.Network, artifacts.Batch));
        selection = arena.Layout.Select(p => train.Manifest.Gradients.ContainsKey(p.Name) || train.Manifest.Statistics.ContainsKey(p.Name));
        update = device.CreateUpdate(arena, rule);
        try
        {
            training = new StepSession(device, train.Model, train.Manifest);
            evaluation = new EvalSession(device, eval.Model, eval.Manifest);
            training.Bind(arena, selection);
            evaluation.Bind(name => arena.View(ArenaBuffer.Weights, name));
        }
        catch
        {
            evaluation?.Dispose();
            training?.Dispose();
            update.Dispose();
            throw;
        }
    }

    /// <summary>What a training step is fed.</summary>
    public BoundSession Training => training;

    /// <summary>What an evaluation is fed.</summary>
    public BoundSession Evaluation => evaluation;

    /// <inheritdoc />
    public float Step(IReadOnlyList<FedTensor> inputs, double learningRate)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        Feed(training, inputs);
        training.Run();
        update.Accumulate(selection, 0, 1);
        update.Follow(selection, microBatches: 1);
        update.Step(selection, learningRate, clipGrad is { } limit ? GradientNorm.ClipFactor(update.Norm(selection), limit) : 1);
        return training.Loss;
    }

    /// <inheritdoc />
    public float[] Evaluate(IReadOnlyList<FedTensor> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        Feed(evaluation, inputs);
        evaluation.Run();
        return evaluation.Tensor(output).ToArray();
    }

    /// <inheritdoc />
    public void Load(ParameterArena arena) => Copy(arena, this.arena);

    /// <inheritdoc />
    public void Store(ParameterArena arena) => Copy(this.arena, arena);

    /// <inheritdoc />
    public void Save(string path)
    {
        var moments = artifacts.Learnable.ToDictionary(
            static name => name,
            name => (IReadOnlyList<Tensor>)[.. Enumerable.Range(0, arena.MomentCount).Select(i => Read(ArenaBuffer.Moment(i), name))],
            StringComparer.Ordinal);
        var state = new OnDeviceOptimizerState(arena.Steps[artifacts.Learnable[0]], moments);
        WholeFile.Replace(RunDisk.Instance, path, artifacts.Checkpoint(name => Read(ArenaBuffer.Weights, name), [], state).Span);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        update.Dispose();
        training.Dispose();
        evaluation.Dispose();
    }

    private void Copy(ParameterArena from, ParameterArena to)
    {
        foreach (var name in artifacts.Parameters)
        {
            to.Set(ArenaBuffer.Weights, name, from.Layout[name].Parameter.Shape, from.Read(ArenaBuffer.Weights, name));
        }
    }

    private Tensor Read(ArenaBuffer buffer, string name) => Tensor.FromFloats(arena.Layout[name].Parameter.Shape, arena.Read(buffer, name));

    private void Feed(BoundSession session, IEnumerable<FedTensor> inputs)
    {
        foreach (var input in inputs)
        {
            input.Feed(session, artifacts.Batch, 0, artifacts.Batch);
        }
    }
}
