using System.Globalization;
using AutoProg.Ort.Runs;

namespace AutoProg.Ort.Training;

/// <summary>Where a run begins or goes on.</summary>
/// <param name="Checkpoint">Its tensors; null at the beginning.</param>
/// <param name="State">The state to go on from, which the run changes.</param>
/// <param name="Rollbacks">From what the run has gone back to this very place, in order.</param>
internal sealed record RunStartingPoint(Checkpoint? Checkpoint, TrainingState State, IReadOnlyList<RollbackRecord> Rollbacks)
{
    /// <summary>A checkpoint, or, without one, the beginning.</summary>
    public static RunStartingPoint Of(Checkpoint? checkpoint) => new(checkpoint, checkpoint?.ReadState<TrainingState>() ?? new TrainingState(), []);

    /// <summary>
    /// The newest checkpoint, from which the run gets on without the batch that made it diverge; whatever was left out before is left out again. Time that was spent in vain was spent.
    /// </summary>
    public RunStartingPoint Before(DivergedException error, Checkpoint? newest)
    {
        var point = Of(newest);
        var batch = error.Batch!;
        point.State.Skipped = [.. State.Skipped, batch];
        point.State.Times = State.Times;
        var rollback = new RollbackRecord(
            batch, error.Step, error.Result.Loss.ToString(CultureInfo.InvariantCulture), error.Result.GradientNorm.ToString(CultureInfo.InvariantCulture), newest?.Name);

        // The event log is cut back to the checkpoint; what it told after that is told again.
        return point with { Rollbacks = newest?.Name == Checkpoint?.Name ? [.. Rollbacks, rollback] : [rollback] };
    }
}
