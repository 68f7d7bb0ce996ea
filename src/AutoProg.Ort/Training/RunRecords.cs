using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runs;

namespace AutoProg.Ort.Training;

/// <summary>Events <c>started</c> and <c>resumed</c>: what goes on from here, on what, and on which images.</summary>
/// <param name="Name">Name in the recipe.</param>
/// <param name="Policy">The policy, as recipes spell it.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="Device">Device in use.</param>
/// <param name="Threads">Threads in use.</param>
/// <param name="Environment">Versions and processor; null in logs that were written before they told.</param>
/// <param name="Data">The images; null in logs that were written before they told.</param>
internal sealed record RunStart(string Name, string Policy, long Seed, string Device, int Threads = 0, RunEnvironment? Environment = null, RunData? Data = null);

/// <summary>Event <c>step</c>, one per log line.</summary>
/// <param name="Epoch">From 0.</param>
/// <param name="Batch">Batches of the epoch that are done.</param>
/// <param name="Loss">Mean over the steps since the last such event, or since the run was resumed.</param>
/// <param name="Rate">Learning rate.</param>
/// <param name="Network">What the step trained.</param>
/// <param name="Seconds">Of a step, mean over the same steps.</param>
/// <param name="Runtime">Of the run so far, in seconds, as the paper counts it; null in logs that were written before they told.</param>
internal sealed record StepRecord(int Epoch, int Batch, double Loss, double Rate, SubNetwork Network, double Seconds, double? Runtime = null);

/// <summary>Event <c>rollback</c>: what the run goes back from, and to where.</summary>
/// <param name="Batch">The batch that is left out from now on.</param>
/// <param name="DivergedAt">Updates done when it came.</param>
/// <param name="Loss">Its loss, as text: JSON has no NaN.</param>
/// <param name="GradientNorm">Its gradient norm, as text.</param>
/// <param name="Checkpoint">Where the run goes on; null at its beginning.</param>
internal sealed record RollbackRecord(SkippedBatch Batch, long DivergedAt, string Loss, string GradientNorm, string? Checkpoint);

/// <summary>Event <c>evaluation</c>.</summary>
/// <param name="Epoch">From 0.</param>
/// <param name="Results">One per network: online, and every momentum network.</param>
internal sealed record EvaluationRecord(int Epoch, IReadOnlyList<EvaluationResult> Results);

/// <summary>Event <c>epoch</c>: its end.</summary>
/// <param name="Epoch">From 0.</param>
/// <param name="TrainLoss">Mean over the epoch.</param>
/// <param name="Searched">Whether it trained a supernet.</param>
/// <param name="Times">Of the run so far.</param>
internal sealed record EpochRecord(int Epoch, double TrainLoss, bool Searched, RunTimes Times);
