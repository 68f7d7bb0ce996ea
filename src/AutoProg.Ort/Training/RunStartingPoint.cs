using System.Globalization;
using AutoProg.Ort.Runs;

namespace AutoProg.Ort.Training;

/// <summary>Where a run begins or goes on.</summary>
/// <param name="Checkpoint">Its tensors; null at the beginning.</param>
/// <param name="State">The state to go on from, which the run changes.</param>
/// <param name="Rollback">What the run has just gone back from, or null.</param>
internal sealed record RunStartingPoint(Checkpoint? Checkpoint, TrainingState State, RollbackRecord? Rollback = null)
{
    /// <summary>A checkpoint, or, without one, the beginning.</summary>
    public static RunStartingPoint Of(Checkpoint? checkpoint) => new(checkpoint, checkpoint?.ReadState<TrainingState>() ?? new TrainingState());

    /// <summary>The newest checkpoint, from which the run gets on without the batch that made it diverge; whatever was left out before is left out again.</summary>
    public RunStartingPoint Before(DivergedException error, Checkpoint? newest)
    {
        var point = Of(newest);
        var batch = error.Batch!;
        point.State.Skipped = [.. State.Skipped, batch];
        return point with
        {
            Rollback = new RollbackRecord(
                batch, error.Step, error.Result.Loss.ToString(CultureInfo.InvariantCulture), error.Result.GradientNorm.ToString(CultureInfo.InvariantCulture), newest?.Name),
        };
    }
}
