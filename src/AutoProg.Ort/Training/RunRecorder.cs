using System.Globalization;
using AutoProg.Ort.Diffusion;
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
    private readonly EventLog? events;
    private readonly MetricsTable? metrics;
    private readonly TensorBoardLog? tensorBoard;
    private readonly CheckpointStore? checkpoints;
    private readonly RunEnvironment environment = RunEnvironment.Capture();
    private (long Step, string Fingerprint) saved = (-1, "");

    public RunRecorder(Recipe recipe, RunDirectory? folder, ILogger log, TimeProvider clock, TrainingState state)
    {
        this.recipe = recipe;
        this.folder = folder;
        this.log = log;
        if (folder is not null)
        {
            events = EventLog.Open(folder.EventsFile, clock, state.EventCount);
            metrics = MetricsTable.Open(folder.MetricsFile, state.MetricsCount);
            tensorBoard = recipe.Training.Tensorboard ? TensorBoardLog.Open(folder.TensorBoardFile, clock, state.TensorBoardLength) : null;
            checkpoints = folder.Checkpoints(recipe.Checkpoints.Keep, log);
        }
    }

    /// <summary>Name of the newest checkpoint of this process, or null.</summary>
    public string? LastCheckpoint { get; private set; }

    /// <summary>Whether the last evaluation was the best so far and is not saved yet.</summary>
    public bool HasImproved { get; private set; }

    public void Begin(RunComponents parts, RunData data, int batchesPerEpoch, GrowthSchedule schedule)
    {
        var (model, state) = (parts.Network.Model, parts.State);
        log.LogInformation(
            "Model: {Model}, {Parameters:N0} parameters, {Resolution} px, {Depth} blocks, {Classes} classes.",
            model.Name, model.CountParameters(), model.MaxResolution, model.MaxDepth, model.ClassCount);
        log.LogInformation(
            "Data: {Train} ({TrainCount:N0} images), evaluation {Val} ({ValCount:N0}); batch {Batch}, {Steps} steps per epoch.",
            data.Training.Name, data.Training.Images, data.Evaluation.Name, data.Evaluation.Images, recipe.Training.BatchSize, batchesPerEpoch);
        log.LogInformation("Device: {Device} ({Provider}), {Threads} threads, float32.", parts.Device.Name, parts.Device.ExecutionProvider, parts.Device.Threads);
        foreach (var stage in schedule.Stages)
        {
            log.LogInformation(
                "Schedule: stage {Stage}, epochs {First}-{Last}, {Network}.",
                stage.Stage + 1, stage.FirstEpoch, stage.EndEpoch - 1, stage.SubNetwork?.ToString() ?? (stage.ZeroShot ? "searched by proxies" : $"searched for {stage.SearchEpochs} epochs"));
        }

        if (state.Step > 0)
        {
            log.LogInformation("Resumed after step {Step}, epoch {Epoch}, batch {Batch}.", state.Step, state.Epoch, state.Batch);
        }

        if (state.Data is { } before && before != data)
        {
            log.LogWarning("The images are not those that the run began with (fingerprints of {Training} and {Evaluation}); its figures belong to both.", data.Training.Name, data.Evaluation.Name);
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
            log.LogWarning("Stage {Stage}: {MicroBatch} images at a time instead of {BatchSize}, to stay within memory; the batch is the same.", report.Stage + 1, report.MicroBatch, batchSize);
        }

        log.LogInformation(
            "Stage {Stage} from epoch {Epoch}: {Network}, predicted peak memory {Peak} MiB.", report.Stage + 1, report.FirstEpoch, report.Network, report.PredictedPeakBytes >> 20);
        state.Stages.Add(report);
        Event(state, "stage", report);
        tensorBoard?.Stage(state.Step, report);
    }

    public void Decided(TrainingState state, SearchDecision decision)
    {
        foreach (var candidate in decision.Candidates)
        {
            log.LogInformation("{Line}", string.Create(
                CultureInfo.InvariantCulture,
                $"  {(candidate.SubNetwork == decision.Winner ? "*" : " ")} {candidate.SubNetwork}: {Evidence(candidate)}, {candidate.StepTime * 1000:F1} ms, {Outcome(candidate)}"));
        }

        log.LogInformation(
            "Stage {Stage}: {Winner} wins{Alpha}.", decision.Stage + 1, decision.Winner, decision.BalancingFactor is { } alpha ? string.Create(CultureInfo.InvariantCulture, $" (alpha {alpha:F4})") : "");
        Event(state, "decision", decision);
        tensorBoard?.Decision(state.Step, decision);
    }

    private static string Evidence(SearchedCandidate candidate) => candidate.Proxies is { } proxies
        ? string.Create(CultureInfo.InvariantCulture, $"kappa {proxies.Kappa:F1}, ZiCo {proxies.ZiCo:F1}")
        : string.Create(CultureInfo.InvariantCulture, $"loss {candidate.Loss:F4}");

    private static string Outcome(SearchedCandidate candidate) => candidate.Proxies is { } proxies
        ? string.Create(CultureInfo.InvariantCulture, $"ranks {proxies.TimeRank} {proxies.KappaRank} {proxies.ZiCoRank}, total {candidate.Score:F1}")
        : string.Create(CultureInfo.InvariantCulture, $"score {candidate.Exclusion ?? candidate.Score?.ToString("F4", CultureInfo.InvariantCulture)}");

    public void StepLine(TrainingState state, SubNetwork network, StepWindow window, double rate, int batches, GrowthSchedule schedule)
    {
        var (recent, mean) = (window.Recent, window.Mean);
        double PerSecond(TimeSpan step) => recipe.Training.BatchSize / step.TotalSeconds;
        var left = (recent.Took + recent.Wait) * (((long)schedule.TotalEpochs * batches) - ((long)state.Epoch * batches) - state.Batch);
        log.LogInformation("{Line}", string.Create(
            CultureInfo.InvariantCulture,
            $"Train: {state.Epoch} [{state.Batch,4}/{batches} ({100.0 * state.Batch / batches,3:F0}%)]  Loss: {recent.Loss:F4} ({mean.Loss:F4})  Time: {recent.Took.TotalSeconds:F3}s, {PerSecond(recent.Took):F1}/s ({mean.Took.TotalSeconds:F3}s, {PerSecond(mean.Took):F1}/s)  LR: {rate:E1}  Data: {recent.Wait.TotalSeconds:F3} ({mean.Wait.TotalSeconds:F3})  Stage: {state.Stage + 1}/{schedule.Stages.Count} {network}  Memory: {Environment.WorkingSet >> 20} MiB  ETA: {(long)left.TotalHours}:{left:mm\\:ss}"));
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
        log.LogInformation(
            "Eval: {Epoch} stage {Stage} {Network}  {Accuracy}loss {Loss:F4}  ({Weights}; {All})  best {Best} in epoch {BestEpoch}",
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
            state.LossSum / Math.Max(1, state.Batch),
            evaluation?.Loss,
            evaluation?.Top1,
            evaluation?.Top5,
            rate,
            now.Train - start.Train,
            now.Search + now.Bookkeeping - start.Search - start.Bookkeeping,
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
        state.TensorBoardLength = tensorBoard?.Length ?? 0;
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
            log.LogInformation("Frechet distance {Distance:F3}: {Basis}.", frechet.Distance, frechet.Basis);
        }

        log.LogInformation(
            "Done: best {Best} in epoch {BestEpoch}; runtime {Runtime:F1} s (train {Train:F1}, search {Search:F1}, bookkeeping {Bookkeeping:F1}), evaluation {Evaluation:F1} s, waiting for data {Wait:F1} s.",
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
        log.LogInformation("Stage {Stage}: measured peak memory of the process {Peak} MiB.", state.Stages[^1].Stage + 1, peak >> 20);
    }
}
