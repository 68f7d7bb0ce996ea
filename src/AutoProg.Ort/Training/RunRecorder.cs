using System.Globalization;
using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.TensorBoard;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Training;

/// <summary>Everything that a run tells: log lines, events, metrics, checkpoints, summary. Without a folder only the log.</summary>
internal sealed class RunRecorder : IDisposable
{
    private readonly Recipe recipe;
    private readonly RunDirectory? folder;
    private readonly ILogger log;
    private readonly TrainingMeter meter;
    private readonly EventLog? events;
    private readonly MetricsTable? metrics;
    private readonly TensorBoardLog? tensorBoard;
    private readonly CheckpointStore? checkpoints;
    private readonly RunEnvironment environment = RunEnvironment.Capture();
    private (long Step, string Fingerprint) saved = (-1, "");

    public RunRecorder(Recipe recipe, RunDirectory? folder, TrainerOptions embedding, TrainingState state, string? lastCheckpoint = null)
    {
        this.recipe = recipe;
        this.folder = folder;
        LastCheckpoint = lastCheckpoint;
        log = embedding.Logger;
        var clock = embedding.Clock;
        meter = new TrainingMeter(embedding.Meters, folder is null ? recipe.Name : Path.GetFileName(folder.Path), PolicyNames.NameOf(recipe.Growth.Policy));
        if (folder is null)
        {
            return;
        }

        checkpoints = folder.Checkpoints(recipe.Checkpoints.Keep, log);
        try
        {
            events = EventLog.Open(folder.EventsFile, clock, state.EventCount);
            metrics = MetricsTable.Open(folder.MetricsFile, state.MetricsCount);
            tensorBoard = recipe.Training.Tensorboard ? TensorBoardLog.Open(folder.TensorBoardFile, clock, state.TensorBoardLength) : null;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Name of the run's newest checkpoint, or null.</summary>
    public string? LastCheckpoint { get; private set; }

    /// <summary>Whether the last evaluation was the best so far and is not saved yet.</summary>
    public bool HasImproved { get; private set; }

    public void Begin(RunComponents parts, RunData data, int batchesPerEpoch, GrowthSchedule schedule)
    {
        var (model, state) = (parts.Network.Model, parts.State);
        log.ModelBuilt(model.Name, model.CountParameters(), model.MaxResolution, model.MaxDepth, model.ClassCount);
        log.DataOpened(data.Training.Name, data.Training.Images, data.Evaluation.Name, data.Evaluation.Images, recipe.Training.BatchSize, batchesPerEpoch);
        log.DeviceOpened(parts.Device.Name, parts.Device.ExecutionProvider, parts.Device.Threads);
        foreach (var stage in schedule.Stages)
        {
            log.StageScheduled(
                stage.Stage + 1, stage.FirstEpoch, stage.EndEpoch - 1, stage.SubNetwork?.ToString() ?? (stage.ZeroShot ? "searched by proxies" : $"searched for {stage.SearchEpochs} epochs"));
        }

        if (state.Step > 0)
        {
            log.RunResumed(state.Step, state.Epoch, state.Batch);
        }

        if (state.Data is { } before && before != data)
        {
            log.ImagesChanged(data.Training.Name, data.Evaluation.Name);
        }

        state.Data ??= data;
        Event(state, state.Step > 0 ? "resumed" : "started", new RunStart(
            recipe.Name, PolicyNames.NameOf(recipe.Growth.Policy), recipe.Seed, parts.Device.Name, parts.Device.Threads, environment, data));
    }

    public void Event<T>(TrainingState state, string kind, T payload) => events?.Append(kind, state.Step, payload);

    public void StageBegins(TrainingState state, StageReport report, int batchSize)
    {
        NoteMeasuredPeak(state);
        ProcessMemory.ResetPeak();
        if (report.MicroBatch < batchSize)
        {
            log.BatchSplit(report.Stage + 1, report.MicroBatch, batchSize);
        }

        log.StageBegun(report.Stage + 1, report.FirstEpoch, report.Network, report.PredictedPeakBytes >> 20);
        state.Stages.Add(report);
        Event(state, "stage", report);
        tensorBoard?.Stage(state.Step, report);
    }

    public void Decided(TrainingState state, SearchDecision decision)
    {
        foreach (var candidate in decision.Candidates)
        {
            log.CandidateJudged(candidate.SubNetwork == decision.Winner ? "*" : " ", candidate.SubNetwork, Evidence(candidate), candidate.StepTime * 1000, Outcome(candidate));
        }

        log.SearchDecided(decision.Stage + 1, decision.Winner, decision.BalancingFactor is { } alpha ? string.Create(CultureInfo.InvariantCulture, $" (alpha {alpha:F4})") : "");
        Event(state, "decision", decision);
        tensorBoard?.Decision(state.Step, decision);
    }

    /// <summary>What a candidate was judged by.</summary>
    internal static string Evidence(SearchedCandidate candidate) => candidate.Proxies is { } proxies
        ? string.Create(CultureInfo.InvariantCulture, $"kappa {proxies.Kappa:F1}, ZiCo {proxies.ZiCo:F1}")
        : string.Create(CultureInfo.InvariantCulture, $"loss {candidate.Loss:F4}");

    private static string Outcome(SearchedCandidate candidate) => candidate.Proxies is { } proxies
        ? string.Create(CultureInfo.InvariantCulture, $"ranks {proxies.TimeRank} {proxies.KappaRank} {proxies.ZiCoRank}, total {candidate.Score:F1}")
        : string.Create(CultureInfo.InvariantCulture, $"score {candidate.Exclusion ?? candidate.Score?.ToString("F4", CultureInfo.InvariantCulture)}");

    /// <summary>A step, for those who measure.</summary>
    public void Stepped(TrainingProgress step, int images, TimeSpan took) => meter.Step(step, images, took);

    public void StepLine(TrainingState state, SubNetwork network, StepWindow window, double rate, int batches, GrowthSchedule schedule)
    {
        var (recent, mean) = (window.Recent, window.Mean);
        double PerSecond(TimeSpan step) => recipe.Training.BatchSize / step.TotalSeconds;
        var left = (recent.Took + recent.Wait) * (((long)schedule.TotalEpochs * batches) - ((long)state.Epoch * batches) - state.Batch);
        log.StepTrained(
            state.Epoch,
            state.Batch,
            batches,
            percent: 100.0 * state.Batch / batches,
            recent.Loss,
            mean.Loss,
            recent.Took.TotalSeconds,
            PerSecond(recent.Took),
            mean.Took.TotalSeconds,
            PerSecond(mean.Took),
            rate,
            recent.Wait.TotalSeconds,
            mean.Wait.TotalSeconds,
            state.Stage + 1,
            schedule.Stages.Count,
            network,
            Environment.WorkingSet >> 20,
            string.Create(CultureInfo.InvariantCulture, $"{(long)left.TotalHours}:{left:mm\\:ss}"));
        var record = new StepRecord(state.Epoch, state.Batch, recent.Loss, rate, network, recent.Took.TotalSeconds, state.Times.Runtime);
        Event(state, "step", record);
        tensorBoard?.Step(state.Step, record, recipe.Training.BatchSize);
    }

    public void Evaluated(TrainingState state, IReadOnlyList<EvaluationResult> results, StagePlan plan)
    {
        var best = state.LastEvaluation!;
        HasImproved = state.Best is not { } before || best.IsBetterThan(before);
        if (HasImproved)
        {
            (state.Best, state.BestEpoch) = (best, state.Epoch);
        }

        var accuracy = best.Top1 is null ? "" : string.Create(CultureInfo.InvariantCulture, $"top-1 {best.Top1:F2}%  top-5 {best.Top5:F2}%  ");
        log.Evaluated(
            state.Epoch, plan.Stage + 1, state.Network, accuracy, best.Loss, best.Weights, string.Join(", ", results.Select(r => $"{r.Weights} {r.Figure}")), state.Best!.Figure, state.BestEpoch);
        Event(state, "evaluation", new EvaluationRecord(state.Epoch, results));
        tensorBoard?.Evaluation(state.Step, best);
    }

    /// <summary>Shows samples of a diffusion model to those who watch; without TensorBoard nobody does, and none are drawn.</summary>
    public void Samples(TrainingState state, TrainedModel model, int count, CancellationToken cancellationToken)
    {
        if (tensorBoard is not null)
        {
            using var grid = ModelSampling.DrawGrid(model, new SampleOptions { Count = count }, cancellationToken);
            tensorBoard.Picture(state.Step, "samples", SampleImages.ToPng(grid), grid.Width, grid.Height);
        }
    }

    public void EndOfEpoch(TrainingState state, EvaluationResult? evaluation, double rate, bool searched)
    {
        var (now, start) = (state.Times, state.EpochStart);
        var row = new EpochMetrics(
            state.Epoch,
            state.Stage + 1,
            state.Network.Resolution,
            state.Network.Depth,
            state.LossSum / Math.Max(1, state.Batch - state.Skipped.Count(s => s.Epoch == state.Epoch && s.Searching == searched)),
            evaluation?.Loss,
            evaluation?.Top1,
            evaluation?.Top5,
            rate,
            now.Train - start.Train,
            (now.Search - start.Search) + (now.Bookkeeping - start.Bookkeeping),
            now.Evaluation - start.Evaluation,
            state.Network.Level);
        metrics?.Append(row);

        // The epoch that ends a search belongs to the supernet, whose report is the one before the winner's.
        var report = state.Stages.Count - (searched && state.Search is null ? 2 : 1);
        state.Stages[report] = state.Stages[report] with { Epochs = state.Stages[report].Epochs + 1, Seconds = state.Stages[report].Seconds + row.TrainSeconds + row.SearchSeconds };
        Event(state, "epoch", new EpochRecord(row.Epoch, row.TrainLoss, searched, state.Times));
    }

    /// <summary>Saves a checkpoint, unless this very state is saved already.</summary>
    public void Save(RunComponents parts)
    {
        var state = parts.State;
        var fingerprint = $"{state.Epoch}/{state.NextEpoch}/{state.Batch}/{state.Stage}/{state.Search?.StepSeconds.Count}/{state.Search?.Losses.Count}";
        if (checkpoints is null || state.Stage < 0 || saved == (state.Step, fingerprint))
        {
            return;
        }

        state.StepCounts = CheckpointFiles.StepCounts(parts.Arena);
        events!.Flush();
        metrics!.Flush();
        tensorBoard?.Flush();
        state.EventCount = events.Count;
        state.MetricsCount = metrics.Count;
        state.TensorBoardLength = tensorBoard?.Length ?? state.TensorBoardLength;
        LastCheckpoint = checkpoints.Save(state.Step, CheckpointFiles.Of(parts), state, HasImproved);
        HasImproved = false;
        saved = (state.Step, fingerprint);
    }

    public RunSummary Finish(RunComponents parts, int corruptImages, FrechetResult? frechet)
    {
        var (state, model) = (parts.State, parts.Network.Model);
        NoteMeasuredPeak(state);
        var summary = new RunSummary
        {
            Name = recipe.Name,
            Policy = PolicyNames.NameOf(recipe.Growth.Policy),
            Model = model.Name,
            Device = $"{parts.Device.Name} ({parts.Device.ExecutionProvider})",
            Seed = recipe.Seed,
            Threads = parts.Device.Threads,
            Environment = environment,
            Data = state.Data,
            Parameters = model.CountParameters(),
            Steps = state.Step,
            Epochs = state.Epoch,
            Stages = state.Stages,
            Decisions = state.Decisions,
            Final = state.LastEvaluation,
            Best = state.Best,
            Frechet = frechet,
            BestEpoch = state.BestEpoch,
            Times = state.Times,
            CorruptImages = corruptImages,
            Folder = folder?.Path,
        };
        folder?.WriteSummary(summary);
        Event(state, "finished", new { summary.Times, summary.Final, summary.Best, summary.Frechet });
        if (frechet is not null)
        {
            log.FrechetDistanceMeasured(frechet.Distance, frechet.Basis);
        }

        log.RunFinished(
            state.Best?.Headline ?? "evaluation: none", state.BestEpoch, state.Times.Runtime, state.Times.Train, state.Times.Search, state.Times.Bookkeeping, state.Times.Evaluation, state.Times.DataWait);
        return summary;
    }

    public void Dispose()
    {
        events?.Dispose();
        metrics?.Dispose();
        tensorBoard?.Dispose();
    }

    private void NoteMeasuredPeak(TrainingState state)
    {
        if (state.Stages.Count == 0 || state.Stages[^1].MeasuredPeakBytes is not null)
        {
            return;
        }

        var peak = ProcessMemory.PeakBytes();
        state.Stages[^1] = state.Stages[^1] with { MeasuredPeakBytes = peak };
        log.PeakMeasured(state.Stages[^1].Stage + 1, peak >> 20);
    }
}
