using System.Globalization;
using System.Text.Json.Serialization;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;

namespace AutoProg.Ort.Training;

/// <summary>Where a run stands, beside its tensors: everything that a resumed run needs to go on as if nothing had happened.</summary>
internal sealed record TrainingState
{
    /// <summary>Updates done.</summary>
    public long Step { get; set; }

    /// <summary>The epoch in progress, from 0; the number of epochs when the run is done.</summary>
    public int Epoch { get; set; }

    /// <summary>The epoch after this one, once this one is trained and only its evaluation is left; null before.</summary>
    public int? NextEpoch { get; set; }

    /// <summary>Batches of the epoch that are done.</summary>
    public int Batch { get; set; }

    /// <summary>The stage that has been entered, from 0; -1 before the first.</summary>
    public int Stage { get; set; } = -1;

    /// <summary>The network of the stage; during a search the supernet.</summary>
    public SubNetwork Network { get; set; }

    /// <summary>Blocks per group in use.</summary>
    public IReadOnlyList<int> Split { get; set; } = [];

    /// <summary>The search in progress, or null.</summary>
    public SearchProgress? Search { get; set; }

    /// <summary>Decisions so far, in order.</summary>
    public List<SearchDecision> Decisions { get; set; } = [];

    /// <summary>Sum of the losses of the epoch's batches.</summary>
    public double LossSum { get; set; }

    /// <summary>Batches that are left out, because loss or gradient were not finite.</summary>
    public IReadOnlyList<SkippedBatch> Skipped { get; set; } = [];

    /// <summary>Time so far.</summary>
    public RunTimes Times { get; set; } = new();

    /// <summary>Time when the epoch began.</summary>
    public RunTimes EpochStart { get; set; } = new();

    /// <summary>Best evaluation so far; null before the first.</summary>
    public EvaluationResult? Best { get; set; }

    /// <summary>Epoch of the best evaluation.</summary>
    public int BestEpoch { get; set; }

    /// <summary>The last evaluation, or null.</summary>
    public EvaluationResult? LastEvaluation { get; set; }

    /// <summary>Stages as they were trained.</summary>
    public List<StageReport> Stages { get; set; } = [];

    /// <summary>Updates of each parameter since its moments were reset, where it is not 0.</summary>
    public Dictionary<string, long> StepCounts { get; set; } = [];

    /// <summary>The images that the run began with; null before it began.</summary>
    public RunData? Data { get; set; }

    /// <summary>Lines of the event log that belong to this state.</summary>
    public long EventCount { get; set; }

    /// <summary>Bytes of the file for TensorBoard that belong to this state.</summary>
    public long TensorBoardLength { get; set; }

    /// <summary>Rows of the metrics table that belong to this state.</summary>
    public long MetricsCount { get; set; }
}

/// <summary>A batch that a run goes without.</summary>
/// <param name="Epoch">From 0.</param>
/// <param name="Batch">Within the epoch, from 0.</param>
/// <param name="Searching">Whether a supernet was trained; its epochs may come again without it.</param>
internal sealed record SkippedBatch(int Epoch, int Batch, bool Searching);

/// <summary>A search in progress.</summary>
internal sealed record SearchProgress
{
    /// <summary>The network before the stage; null in the first stage.</summary>
    public SubNetwork? From { get; init; }

    /// <summary>Blocks per group of the network that the supernet was grown from.</summary>
    public required IReadOnlyList<int> Original { get; init; }

    /// <summary>What is compared.</summary>
    public required IReadOnlyList<SubNetwork> Candidates { get; init; }

    /// <summary>Seconds per step of each candidate; empty before they are measured.</summary>
    public IReadOnlyList<double> StepSeconds { get; set; } = [];

    /// <summary>Per evaluation, the loss of each candidate.</summary>
    public List<IReadOnlyList<double>> Losses { get; set; } = [];

    /// <summary>Sum of the training losses of each candidate's own steps; empty before the first.</summary>
    public double[] TrainingLossSums { get; set; } = [];

    /// <summary>Number of each candidate's own steps; empty before the first.</summary>
    public int[] TrainingSteps { get; set; } = [];

    /// <summary>Updates of each parameter before the search, for runs that do not recycle weights.</summary>
    public IReadOnlyDictionary<string, long> StepCountsBefore { get; init; } = new Dictionary<string, long>(StringComparer.Ordinal);
}

/// <summary>Where the time of a run went, in seconds. What a rollback undid is counted; what a killed process did after its last checkpoint is not.</summary>
public sealed record RunTimes
{
    /// <summary>Forward, backward and update of the networks of the stages.</summary>
    public double Train { get; init; }

    /// <summary>The same for supernets, and evaluating candidates.</summary>
    public double Search { get; init; }

    /// <summary>Building graphs, loading sessions, moving weights, measuring step times.</summary>
    public double Bookkeeping { get; init; }

    /// <summary>Evaluation on the evaluation set.</summary>
    public double Evaluation { get; init; }

    /// <summary>Waiting for images.</summary>
    public double DataWait { get; init; }

    /// <summary>What the paper's runtime counts: training steps, search included; evaluation and data preparation apart.</summary>
    public double Runtime => Train + Search + Bookkeeping;
}

/// <summary>A stage as it was trained.</summary>
/// <param name="Stage">Index, from 0.</param>
/// <param name="FirstEpoch">Its first epoch.</param>
/// <param name="Network">Its network, or that of its supernet while the search goes on.</param>
/// <param name="MicroBatch">Images per pass.</param>
/// <param name="PredictedPeakBytes">Memory predicted for training.</param>
/// <param name="MeasuredPeakBytes">Peak of the process while the stage trained; null where the system does not tell.</param>
/// <param name="Epochs">Epochs done.</param>
/// <param name="Seconds">Training, search and bookkeeping of these epochs.</param>
public sealed record StageReport(
    int Stage, int FirstEpoch, SubNetwork Network, int MicroBatch, long PredictedPeakBytes, long? MeasuredPeakBytes = null, int Epochs = 0, double Seconds = 0);

/// <summary>An evaluation on the evaluation set.</summary>
/// <param name="Weights">Whose accuracy it is: <c>online</c> or <c>ema-0.998</c>; the best of all.</param>
/// <param name="Resolution">Pixels per side.</param>
/// <param name="Loss">Mean loss: a classifier's cross entropy, a diffusion model's squared error of the predicted noise.</param>
/// <param name="Top1">Percent; null where there is no accuracy.</param>
/// <param name="Top5">Percent; null where there is no accuracy.</param>
/// <param name="Count">Images.</param>
public sealed record EvaluationResult(string Weights, int Resolution, double Loss, double? Top1, double? Top5, int Count)
{
    internal static EvaluationResult Of(string weights, int resolution, EvaluationFigures figures) =>
        new(weights, resolution, figures.Loss, figures.Top1, figures.Top5, figures.Count);

    /// <summary>Higher accuracy, or, where there is none, a smaller loss.</summary>
    public bool IsBetterThan(EvaluationResult other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Top1 is { } top1 && other.Top1 is { } otherTop1 ? top1 > otherTop1 : Loss < other.Loss;
    }

    /// <summary>The best of several, the first of equals.</summary>
    public static EvaluationResult BestOf(IReadOnlyList<EvaluationResult> results)
    {
        ArgumentNullException.ThrowIfNull(results);
        return results.Aggregate(static (best, next) => next.IsBetterThan(best) ? next : best);
    }

    /// <summary>The figure that decides, as logs show it: <c>top-1 63.90%</c> or <c>loss 0.0412</c>.</summary>
    [JsonIgnore]
    public string Headline => $"{(Top1 is null ? "loss" : "top-1")} {Figure}";

    /// <summary>The same without its name.</summary>
    internal string Figure => Top1 is { } top1 ? string.Create(CultureInfo.InvariantCulture, $"{top1:F2}%") : Loss.ToString("F4", CultureInfo.InvariantCulture);
}
