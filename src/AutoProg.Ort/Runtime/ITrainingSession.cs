using AutoProg.Ort.Objectives;

namespace AutoProg.Ort.Runtime;

/// <summary>Trains one sub-network with batches of one size: forward, backward and update in one call, whichever runtime computes them. Not thread-safe.</summary>
internal interface ITrainingSession : IDisposable
{
    /// <summary>One update.</summary>
    /// <param name="inputs">A batch, as the objective feeds it for training.</param>
    /// <param name="learningRate">Learning rate of this update.</param>
    /// <returns>The loss before it, averaged over the batch.</returns>
    float Step(IReadOnlyList<FedTensor> inputs, double learningRate);

    /// <summary>Computes the model's output, by running statistics where it has them.</summary>
    /// <param name="inputs">A batch, as the objective feeds it for evaluation.</param>
    float[] Evaluate(IReadOnlyList<FedTensor> inputs);

    /// <summary>Takes over the weights of an arena: what a stage begins with. The optimizer's state stays.</summary>
    /// <exception cref="ArgumentException">The arena lacks a parameter of the sub-network.</exception>
    void Load(ParameterArena arena);

    /// <summary>Writes the weights into an arena: what a stage ends with. Parameters outside the sub-network are left alone.</summary>
    /// <exception cref="ArgumentException">The arena lacks a parameter of the sub-network.</exception>
    void Store(ParameterArena arena);

    /// <summary>Saves a checkpoint of on-device training, the optimizer's state included.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    void Save(string path);
}
