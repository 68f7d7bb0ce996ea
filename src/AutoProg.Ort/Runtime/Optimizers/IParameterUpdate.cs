namespace AutoProg.Ort.Runtime.Optimizers;

/// <summary>
/// Updates the parameters of an arena where they lie. <see cref="HostParameterUpdate"/> serves memory that the processor reaches; for devices of their own memory
/// <see cref="GraphParameterUpdate"/> does the same maths as a graph over the ranges. Disposing leaves the arena alone.
/// </summary>
public interface IParameterUpdate : IDisposable
{
    /// <summary>
    /// Collects the gradients of micro-batches: call it after each of them. After the last one the arena's gradients hold the sum;
    /// the mean is left to the scale of <see cref="Step"/>.
    /// </summary>
    /// <param name="selection">What the step updates.</param>
    /// <param name="microBatch">Which micro-batch has just been computed, from 0.</param>
    /// <param name="microBatches">How many there are, at least 1.</param>
    void Accumulate(ArenaSelection selection, int microBatch, int microBatches);

    /// <summary>L2 norm of the gradients of everything that the step updates, before any scale. Not finite exactly if a gradient is not.</summary>
    double Norm(ArenaSelection selection);

    /// <summary>
    /// One update: counts it, changes weights and moments of what is selected, and moves every momentum network there and in the ranges that are only averaged.
    /// </summary>
    /// <param name="selection">What to update, and what only to average.</param>
    /// <param name="learningRate">Learning rate of this step, not negative.</param>
    /// <param name="gradientScale">Factor on the gradients: the product of clipping, 1 / micro-batches and 1 / loss scale.</param>
    void Step(ArenaSelection selection, double learningRate, double gradientScale = 1);
}
