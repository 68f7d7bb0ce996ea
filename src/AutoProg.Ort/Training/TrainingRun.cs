using System.Diagnostics;
using AutoProg.Ort.Data;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Training.LearningRates;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Training;

/// <summary>
/// A run from its first epoch, or from a checkpoint, to its end: the loop over epochs and batches. What happens between stages is in
/// <see cref="StageTransitions"/>, what is written in <see cref="RunRecorder"/>.
/// </summary>
internal sealed class TrainingRun
{
    private const int SamplesShown = 20;

    private readonly Recipe recipe;
    private readonly TrainerOptions options;
    private readonly ILogger log;
    private readonly IBatchSource train;
    private readonly IBatchSource val;
    private readonly RunComponents parts;
    private readonly StageTransitions transitions;
    private readonly RunRecorder recorder;
    private readonly LearningRateSchedule learningRates;
    private readonly int batchesPerEpoch;

    public TrainingRun(Recipe recipe, RunComponents parts, RunRecorder recorder, IBatchSource train, IBatchSource val, TrainerOptions options)
    {
        this.recipe = recipe;
        this.options = options;
        this.parts = parts;
        this.recorder = recorder;
        this.train = train;
        this.val = val;
        log = options.Logger;
        learningRates = LearningRateSchedule.From(recipe);
        batchesPerEpoch = TrainingEpoch.BatchCountOf(train.Dataset, recipe.Training.BatchSize);
        transitions = new StageTransitions(recipe, parts, recorder, train, log);
    }

    private TrainingState State => parts.State;

    /// <summary>Trains to the end.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the step was finished, and, once the first stage has begun, there is a checkpoint.</exception>
    /// <exception cref="DivergedException">Loss or gradient stopped being finite.</exception>
    public RunSummary Execute(CancellationToken cancellationToken)
    {
        recorder.Begin(parts, RunData.Of(train.Dataset, val.Dataset, cancellationToken), batchesPerEpoch, transitions.Schedule);
        try
        {
            while (!IsDone)
            {
                RunEpoch(cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            if (!transitions.IsHalfway)
            {
                recorder.Save(parts);
            }

            throw;
        }

        return recorder.Finish(parts, train.CorruptCount + val.CorruptCount, Frechet(cancellationToken));
    }

    /// <summary>How far samples of the finished model are from the evaluation images, if the recipe asks for it.</summary>
    private FrechetResult? Frechet(CancellationToken cancellationToken)
    {
        if (recipe.Sampling.FrechetSamples == 0 || parts.Task.Objective is not Denoising)
        {
            return null;
        }

        var started = Stopwatch.GetTimestamp();
        parts.Step.Unbind();
        parts.Sessions.ReleaseExcept([]);
        using var model = TrainedModel.Of(recipe, parts, train.Dataset.ClassNames, runFolder: null);
        var result = FrechetEvaluation.Run(model, val.Dataset, new SampleOptions { Count = recipe.Sampling.FrechetSamples }, features: null, cancellationToken);
        recorder.Samples(State, model, Math.Min(recipe.Sampling.FrechetSamples, SamplesShown), cancellationToken);
        State.Times = State.Times with { Evaluation = State.Times.Evaluation + Stopwatch.GetElapsedTime(started).TotalSeconds };
        return result;
    }

    private bool IsDone => State.Epoch >= transitions.Schedule.TotalEpochs || (ReachedStepLimit && State.NextEpoch is null);

    /// <summary>Whether the epoch that has just been trained was one of a search: after a search without recycling its epochs come again.</summary>
    private bool TrainedSupernet(StagePlan plan) =>
        State.Epoch < plan.FirstEpoch + plan.SearchEpochs && (recipe.Growth.RecycleWeights || State.Search is not null || State.NextEpoch <= State.Epoch);

    private bool ReachedStepLimit => recipe.Training.MaxTrainSteps > 0 && State.Step >= recipe.Training.MaxTrainSteps;

    private double LearningRate(int epoch, int batch) =>
        learningRates.At(recipe.Schedule.Per == LearningRateUnit.Step ? epoch + ((double)batch / batchesPerEpoch) : epoch);

    /// <summary>Trains, decides, evaluates, records. At every point where it may be interrupted the state tells what is left to do.</summary>
    private void RunEpoch(CancellationToken cancellationToken)
    {
        var plan = transitions.Schedule.At(State.Epoch);
        if (State.NextEpoch is null)
        {
            if (plan.Stage != State.Stage)
            {
                transitions.Enter(plan, cancellationToken);
            }

            TrainEpoch(plan, cancellationToken);
            State.NextEpoch = transitions.EndOfEpoch(plan, cancellationToken);
        }

        var evaluation = State.Search is null ? Evaluate(plan, cancellationToken) : null;
        recorder.EndOfEpoch(State, evaluation, LearningRate(State.Epoch, batchesPerEpoch - 1), TrainedSupernet(plan));
        var saveIsDue = (State.Epoch + 1) % recipe.Checkpoints.EveryEpochs == 0;
        State.Epoch = State.NextEpoch.Value;
        State.NextEpoch = null;
        State.Batch = 0;
        State.LossSum = 0;
        State.EpochStart = State.Times;
        if (saveIsDue || IsDone || recorder.HasImproved)
        {
            recorder.Save(parts);
        }
    }

    private void TrainEpoch(StagePlan plan, CancellationToken cancellationToken)
    {
        var (epoch, search) = (State.Epoch, transitions.Search);
        transitions.BeforeEpoch(plan, cancellationToken);
        using var batches = train.TrainingBatches(new TrainingEpoch
        {
            Seed = recipe.Seed,
            Epoch = epoch,
            BatchSize = recipe.Training.BatchSize,
            ResolutionOf = index => (search?.Draw(recipe.Seed, epoch, index).Size ?? State.Network).Resolution,
            Augmentation = transitions.Augmentation(plan),
            FirstBatch = State.Batch,
        });
        var waited = TimeSpan.Zero;
        var window = new StepWindow(recipe.Training.LogInterval);
        while (!ReachedStepLimit)
        {
            transitions.ReadCandidatesIfDue(plan, batchesPerEpoch, cancellationToken);
            if (!batches.TryNext(out var batch, cancellationToken))
            {
                break;
            }

            if (State.Skipped.Contains(SkippedAt(batch.Index)))
            {
                State.Batch = batch.Index + 1;
                continue;
            }

            var wait = batches.WaitTime - waited;
            waited = batches.WaitTime;
            Step(plan, search?.Draw(recipe.Seed, epoch, batch.Index) ?? transitions.Whole, batch, wait, window);
            if (recipe.Checkpoints.EverySteps > 0 && State.Step % recipe.Checkpoints.EverySteps == 0)
            {
                recorder.Save(parts);
            }

            cancellationToken.ThrowIfCancellationRequested();
        }

        // The epoch ends here even if the limit on steps has cut it short: readings that are left are taken now, so that a search can decide.
        transitions.ReadCandidatesIfDue(plan, State.Batch, cancellationToken);
    }

    private SkippedBatch SkippedAt(int batch) => new(State.Epoch, batch, State.Search is not null);

    private void Step(StagePlan plan, ActiveNetwork active, Batch batch, TimeSpan wait, StepWindow window)
    {
        var rate = LearningRate(State.Epoch, batch.Index);
        var started = Stopwatch.GetTimestamp();
        var result = parts.Step.Run(active, batch, new StepSettings(rate, plan.Regularization.DropPath, recipe.Training.ClipGrad, State.Epoch, State.Stage));
        var took = Stopwatch.GetElapsedTime(started);
        State.Times = State.Times with
        {
            Train = State.Times.Train + (State.Search is null ? took.TotalSeconds : 0),
            Search = State.Times.Search + (State.Search is null ? 0 : took.TotalSeconds),
            DataWait = State.Times.DataWait + wait.TotalSeconds,
        };
        if (!result.IsFinite)
        {
            throw new DivergedException(State.Step, State.Stage, result, recorder.LastCheckpoint) { Batch = SkippedAt(batch.Index) };
        }

        State.Step++;
        State.Batch = batch.Index + 1;
        State.LossSum += result.Loss;
        transitions.Search?.Trained(active, result.Loss);
        window.Add(result.Loss, took, wait);
        var progress = new TrainingProgress(
            State.Epoch, transitions.Schedule.TotalEpochs, State.Batch, batchesPerEpoch, State.Step, State.Stage, transitions.Schedule.Stages.Count, active.Size, result.Loss, rate, State.Search is not null);
        recorder.Stepped(progress, batch.Count, took);
        options.Progress?.Report(progress);
        if (State.Batch % recipe.Training.LogInterval == 0 || State.Batch == batchesPerEpoch)
        {
            recorder.StepLine(State, active.Size, window, rate, batchesPerEpoch, transitions.Schedule);
        }
    }

    /// <summary>Evaluates the online network and every momentum network; the best of them counts, as in the authors' code.</summary>
    private EvaluationResult? Evaluate(StagePlan plan, CancellationToken cancellationToken)
    {
        var isLast = State.NextEpoch >= transitions.Schedule.TotalEpochs || ReachedStepLimit;
        if (!isLast && (State.Epoch + 1) % recipe.Training.EvalInterval != 0)
        {
            return null;
        }

        var started = Stopwatch.GetTimestamp();
        var batchSize = Math.Min(recipe.Training.EvalBatchSize, val.Dataset.Count);
        var results = new List<EvaluationResult>();
        foreach (var buffer in parts.Network.Arena.Buffers.Where(b => b.Role is ArenaRole.Weights or ArenaRole.Ema))
        {
            var batches = val.EvaluationBatches(batchSize, State.Network.Resolution, recipe.Augmentation.CropPct);
            var figures = parts.Evaluator.Run(transitions.Whole, buffer, batches, new EvaluationSettings(State.Stage, Soft: false), cancellationToken);
            results.Add(EvaluationResult.Of(parts.WeightsName(buffer), State.Network.Resolution, figures));
        }

        State.LastEvaluation = EvaluationResult.BestOf(results);
        State.Times = State.Times with { Evaluation = State.Times.Evaluation + Stopwatch.GetElapsedTime(started).TotalSeconds };
        recorder.Evaluated(State, results, plan);
        return State.LastEvaluation;
    }
}
