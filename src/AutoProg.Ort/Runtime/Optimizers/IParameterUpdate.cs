namespace AutoProg.Ort.Runtime.Optimizers;

/// <summary>
/// Updates the parameters of an arena where they lie. <see cref="HostParameterUpdate"/> serves memory that the processor reaches; for devices of their own memory
/// <see cref="GraphParameterUpdate"/> does the same maths as a graph over the ranges. Disposing leaves the arena alone.
/// </summary>
internal interface IParameterUpdate : IDisposable
{
    /// <summary>
    /// Collects the gradients and statistics of micro-batches: call it after each of them. After the last one the arena's gradients hold the sum;
    /// the mean is left to <see cref="Follow"/> and to the scale of <see cref="Step"/>.
    /// </summary>
    /// <param name="selection">What the step changes.</param>
    /// <param name="microBatch">Which micro-batch has just been computed, from 0.</param>
    /// <param name="microBatches">How many there are, at least 1.</param>
    void Accumulate(ArenaSelection selection, int microBatch, int microBatches);

    /// <summary>
    /// L2 norm of the gradients of everything that the step updates, before any scale; NaN if a statistic of the batch is not finite, though statistics are no part of it.
    /// Not finite exactly if a gradient or a statistic is not.
    /// </summary>
    double Norm(ArenaSelection selection);

    /// <summary>
    /// Lets running statistics follow the mean of the micro-batches': <c>running = (1 - share) running + share mean</c>. Belongs before <see cref="Step"/>, whose averages go on
    /// with the result. A step of several micro-batches moves them once, by the mean of statistics of which each knows its micro-batch alone.
    /// </summary>
    /// <param name="selection">Which of them follow.</param>
    /// <param name="microBatches">How many micro-batches the arena's gradients are the sum of, at least 1.</param>
    /// <param name="share">Share of the newest, above 0, up to 1, where nothing of the old remains; null is each one's own momentum.</param>
    /// <param name="network">The weights, or a momentum network whose statistics were computed.</param>
    void Follow(ArenaSelection selection, int microBatches, double? share = null, ArenaBuffer network = default);

    /// <summary>
    /// One update: counts it, changes weights and moments of what is selected, and moves every momentum network there and in the ranges that are only averaged.
    /// </summary>
    /// <param name="selection">What to update, and what only to average, running statistics among it.</param>
    /// <param name="learningRate">Learning rate of this step, not negative.</param>
    /// <param name="gradientScale">Factor on the gradients: the product of clipping, 1 / micro-batches and 1 / loss scale.</param>
    void Step(ArenaSelection selection, double learningRate, double gradientScale = 1);
}
