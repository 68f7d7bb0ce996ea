using AutoProg.Graphs;
using AutoProg.Ort.Data;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.OnDevice;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Tests.OnDevice;

/// <summary>Trains a sub-network on batches of random images in this engine, and tells what it was fed.</summary>
internal sealed class OwnTraining : IDisposable
{
    public const int BatchSize = 4;

    private const long Seed = 11;

    // What the interface of the WebAssembly build is fixed to.
    private const double LearningRate = 0.001;

    private readonly Device device = Device.Open("cpu", 1);
    private readonly LearningTask task;
    private readonly SubNetwork network;
    private readonly ParameterArena arena;
    private readonly ArenaTrainingSession session;
    private int updates;

    public OwnTraining(LearningTask task, SubNetwork network, UpdateRule rule, double? clipGrad)
    {
        (this.task, this.network) = (task, network);

        // On a device, weight decay knows no exemptions.
        arena = new ParameterArena([.. task.Model.Parameters.Select(static p => p with { WeightDecay = true })], new ArenaOptions { MomentCount = rule.MomentCount });
        ParameterInitialization.Fill(arena, Seed);
        var graphs = new SubNetworkGraphs(task);
        Artifacts = TrainingArtifacts.Build(graphs, network, BatchSize, rule, clipGrad);
        session = new ArenaTrainingSession(device, graphs, Artifacts, arena, rule, clipGrad);
    }

    public TrainingArtifacts Artifacts { get; }

    public int MomentCount => arena.MomentCount;

    public Tensor Weights(string name) => Tensor.FromFloats(arena.Layout[name].Parameter.Shape, arena.Read(ArenaBuffer.Weights, name));

    public float[] Parameters() => [.. Artifacts.Parameters.SelectMany(name => arena.Read(ArenaBuffer.Weights, name).ToArray())];

    public float[] Moments(int moment) => [.. Artifacts.Learnable.SelectMany(name => arena.Read(ArenaBuffer.Moment(moment), name).ToArray())];

    public void Save(string path) => session.Save(path);

    /// <summary>Updates, each with a batch of its own.</summary>
    /// <returns>Losses, and what was fed.</returns>
    public (float[] Losses, IReadOnlyList<IReadOnlyList<Fed>> Feeds) Train(int count)
    {
        var (losses, feeds) = (new float[count], new IReadOnlyList<Fed>[count]);
        for (var i = 0; i < count; i++)
        {
            losses[i] = session.Step(task.Objective.TrainingInputs(Images(updates), new StepKey(Seed, Epoch: updates, Stage: 0)), LearningRate);
            feeds[i] = Fed.Of(session.Training, Artifacts.TrainingManifest);
            updates++;
        }

        return (losses, feeds);
    }

    /// <summary>The model's output for a batch, and what was fed.</summary>
    public (float[] Output, IReadOnlyList<Fed> Feeds) Evaluate()
    {
        var output = session.Evaluate(task.Objective.Evaluate(new EvaluationSettings(Stage: 0, Soft: false)).Inputs(Images(1000)));
        return (output, Fed.Of(session.Evaluation, Artifacts.EvaluationManifest));
    }

    public void Dispose()
    {
        session.Dispose();
        arena.Dispose();
        device.Dispose();
    }

    private Batch Images(int index)
    {
        var batch = Batch.Blank(BatchSize, network.Resolution, task.Model.ClassCount, task.Model.InputChannels);
        var random = new CounterRandom(Seed, RandomPurpose.BuiltinData, epoch: 1, index);
        foreach (ref var pixel in batch.Images.Span)
        {
            pixel = (float)random.NextNormal();
        }

        batch.Targets.Span.Clear();
        for (var i = 0; i < BatchSize; i++)
        {
            var label = random.NextInt(task.Model.ClassCount);
            batch.Labels.Span[i] = label;
            batch.Targets.Span[(i * task.Model.ClassCount) + label] = 1;
        }

        return batch;
    }
}
