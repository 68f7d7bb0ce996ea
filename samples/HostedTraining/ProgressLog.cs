using AutoProg.Ort.Training;
using Microsoft.Extensions.Logging;

namespace HostedTraining;

/// <summary>
/// Hands progress on to a logger, now and then. <see cref="Progress{T}"/> would post every step to the thread pool, where reports may overtake each other;
/// this one is called on the training thread, in order.
/// </summary>
internal sealed class ProgressLog(ILogger logger, int every) : IProgress<TrainingProgress>
{
    /// <inheritdoc />
    public void Report(TrainingProgress value)
    {
        if (value.Step % every == 0)
        {
            logger.LogInformation(
                "Step {Step}: epoch {Epoch} of {Epochs}, stage {Stage} of {Stages}, {Network}{Search}, loss {Loss:F3}",
                value.Step, value.Epoch + 1, value.Epochs, value.Stage + 1, value.Stages, value.Network, value.IsSearching ? " (search)" : "", value.Loss);
        }
    }
}
