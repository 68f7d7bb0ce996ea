using AutoProg.Ort.Progressive;

namespace AutoProg.Ort.Runtime;

/// <summary>
/// The loaded sessions of the sub-networks in use. A stage releases those of the stage before it, so that their memory is free before new memory is taken.
/// </summary>
/// <param name="graphs">Where graphs come from.</param>
/// <param name="device">Where they run.</param>
internal sealed class SubNetworkSessions(SubNetworkGraphs graphs, Device device) : IDisposable
{
    private readonly Dictionary<(SubNetwork Network, int Batch, bool DropPath), StepSession> training = [];
    private readonly Dictionary<(SubNetwork Network, int Batch), EvalSession> evaluation = [];

    /// <summary>Where graphs come from.</summary>
    public SubNetworkGraphs Graphs => graphs;

    /// <summary>The session that trains a sub-network; loaded at the first call.</summary>
    public StepSession Training(SubNetwork network, int batch, bool dropPath)
    {
        if (!training.TryGetValue((network, batch, dropPath), out var session))
        {
            var artifact = graphs.Training(network, batch, dropPath);
            session = new StepSession(device, artifact.Model, artifact.Manifest);
            training.Add((network, batch, dropPath), session);
        }

        return session;
    }

    /// <summary>The session that evaluates a sub-network; loaded at the first call.</summary>
    public EvalSession Evaluation(SubNetwork network, int batch)
    {
        network = network with { Level = null };
        if (!evaluation.TryGetValue((network, batch), out var session))
        {
            var artifact = graphs.Inference(network, batch);
            session = new EvalSession(device, artifact.Model, artifact.Manifest);
            evaluation.Add((network, batch), session);
        }

        return session;
    }

    /// <summary>What measures a sub-network's tangent kernels: needed for a few runs, so the caller disposes it.</summary>
    internal KernelMeasurement OpenTangentKernel(SubNetwork network, int batch) => new(device, graphs, network, batch);

    /// <summary>Unloads the sessions that evaluate; what they had taken stays with the arena for those that train.</summary>
    public void ReleaseEvaluations()
    {
        foreach (var session in evaluation.Values)
        {
            session.Dispose();
        }

        evaluation.Clear();
    }

    /// <summary>Unloads every session of other sub-networks, and gives their memory back.</summary>
    /// <param name="keep">Sub-networks that stay loaded.</param>
    public void ReleaseExcept(IReadOnlyCollection<SubNetwork> keep)
    {
        var loaded = training.Count + evaluation.Count;
        foreach (var key in training.Keys.Where(k => !keep.Contains(k.Network)).ToList())
        {
            training.Remove(key, out var session);
            session!.Dispose();
        }

        foreach (var key in evaluation.Keys.Where(k => !keep.Any(kept => kept with { Level = null } == k.Network)).ToList())
        {
            evaluation.Remove(key, out var session);
            session!.Dispose();
        }

        if (training.Count + evaluation.Count < loaded)
        {
            device.ReleaseUnusedMemory();
        }
    }

    /// <inheritdoc />
    public void Dispose() => ReleaseExcept([]);
}
