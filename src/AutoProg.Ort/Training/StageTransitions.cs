using System.Diagnostics;
using AutoProg.Ort.Data;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Training;

/// <summary>What happens between stages: growing, opening a search, comparing candidates, deciding, extracting (sec. 3.1.3 and 3.2.3).</summary>
internal sealed class StageTransitions
{
    private readonly Recipe recipe;
    private readonly RunComponents parts;
    private readonly RunRecorder recorder;
    private readonly IBatchSource images;
    private readonly Lazy<IBatchSource> searchImages;
    private readonly Recalibration recalibration;
    private readonly ILogger log;
    private readonly GrowthSpace space;
    private ActiveNetwork? whole;

    public StageTransitions(Recipe recipe, RunComponents parts, RunRecorder recorder, IBatchSource train, ILogger log)
    {
        this.recipe = recipe;
        this.parts = parts;
        this.recorder = recorder;
        images = train;
        recalibration = new Recalibration(recipe, parts, train);
        searchImages = new(() => train.Subset(recipe.Growth.SearchSamples, recipe.Seed));
        this.log = log;
        space = LearningTasks.SpaceOf(recipe, parts.Task);
        Schedule = GrowthSchedule.Plan(recipe, space);
        foreach (var decision in State.Decisions)
        {
            Schedule = Schedule.Decide(decision.Stage, decision.Winner);
        }

        if (State.Search is { } progress)
        {
            Search = new SupernetSearch(recipe.Growth, progress, SplitOf);
        }
    }

    /// <summary>The schedule with the decisions so far.</summary>
    public GrowthSchedule Schedule { get; private set; }

    /// <summary>The search in progress, or null.</summary>
    public SupernetSearch? Search { get; private set; }

    /// <summary>The network of the stage with all its blocks; the same instance as long as the network is the same.</summary>
    public ActiveNetwork Whole => whole ??= new ActiveNetwork(State.Network, parts.Network.Blocks);

    /// <summary>
    /// Whether the network is on its way from one stage to the next. What is half done is not saved: the state was saved before, and a resumed run begins the transition afresh.
    /// </summary>
    public bool IsHalfway { get; private set; }

    private TrainingState State => parts.State;

    /// <summary>Whether a transition takes long enough to be interrupted: it measures proxies, or runs the network to compute its statistics.</summary>
    private bool TakesLong(StagePlan plan) => (plan.ZeroShot && plan.SubNetwork is null) || recalibration.IsDue;

    private IReadOnlyList<int> SplitOf(int depth) => parts.Network.Model.SplitDepth(depth);

    /// <summary>The recipe's augmentation in the strength of a stage.</summary>
    public AugmentationRecipe Augmentation(StagePlan plan) => recipe.Augmentation with
    {
        Aa = plan.Regularization.Aa,
        Reprob = plan.Regularization.Reprob,
        Scale = [plan.Regularization.CropScaleMin, plan.Regularization.CropScaleMax],
    };

    /// <summary>Begins a stage: grows to its network, or to the supernet in which its network will be searched.</summary>
    public void Enter(StagePlan plan, CancellationToken cancellationToken) => Transition(plan, () =>
    {
        Clocked(() =>
        {
            SubNetwork? from = State.Stage < 0 ? null : State.Network;
            State.Stage = plan.Stage;
            if (plan.SubNetwork is { } decided)
            {
                Change(plan, from, decided, cancellationToken);
            }
            else
            {
                OpenSearch(plan, from, cancellationToken);
            }
        });
        if (plan.ZeroShot && plan.SubNetwork is null)
        {
            SearchZeroShot(plan, cancellationToken);
        }

        Report(plan, State.Epoch);
    });

    /// <summary>Ranks the candidates by proxies on the inherited weights, and goes on with the winner at once (sec. 4.2).</summary>
    private void SearchZeroShot(StagePlan plan, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var decision = Vote(plan, cancellationToken);
        State.Times = State.Times with { Search = State.Times.Search + Stopwatch.GetElapsedTime(started).TotalSeconds };
        Clocked(() => Conclude(plan, decision, cancellationToken));
    }

    /// <summary>What a zero-shot search at the beginning of a stage would decide; nothing is trained.</summary>
    public SearchDecision Preview(StagePlan plan, CancellationToken cancellationToken)
    {
        SubNetwork? from = State.Stage < 0 ? null : State.Network;
        State.Stage = plan.Stage;
        OpenSearch(plan, from, cancellationToken);
        return Vote(plan, cancellationToken);
    }

    private SearchDecision Vote(StagePlan plan, CancellationToken cancellationToken)
    {
        var search = Search!;
        var times = CandidateSeconds(search, plan, cancellationToken);
        var proxies = new ProxySearch(recipe, parts, images).Measure(search.Candidates, plan, Augmentation(plan), cancellationToken);
        return SearchDecision.Vote(
            plan.Stage, State.Epoch, search.Progress.From,
            [.. search.Candidates.Zip(times, proxies).Select(static c => new ProxyMeasurement(c.First.Size, TimeSpan.FromSeconds(c.Second), c.Third.Kappa, c.Third.ZiCo))]);
    }

    private void Conclude(StagePlan plan, SearchDecision decision, CancellationToken cancellationToken)
    {
        var winner = Search!.Find(decision.Winner);
        State.Decisions.Add(decision);
        Schedule = Schedule.Decide(plan.Stage, decision.Winner);
        if (recipe.Growth.RecycleWeights || plan.ZeroShot)
        {
            parts.Network.Extract(winner.Blocks, OptimizerState);
            Settle(decision.Winner);
            Recalibrate(plan, Search.Candidates.Select(static candidate => candidate.Size), cancellationToken);
        }
        else
        {
            // The network from before the search returns, and grows to the winner as if it had been known.
            parts.BeforeSearch!.Restore(parts.Arena);
            parts.BeforeSearch.Dispose();
            parts.BeforeSearch = null;
            parts.Network.Use(Search.Progress.Original);
            Change(plan, decision.From, decision.Winner, cancellationToken);
        }

        State.Search = null;
        Search = null;
        recorder.Decided(State, decision);
    }

    /// <summary>Measures the candidates' step times, once per search, before its first step.</summary>
    public void BeforeEpoch(StagePlan plan, CancellationToken cancellationToken)
    {
        if (Search is { Progress.StepSeconds.Count: 0 } search)
        {
            Clocked(() => search.Progress.StepSeconds = CandidateSeconds(search, plan, cancellationToken));
            recorder.Event(State, "search_times", new { search.Progress.Candidates, search.Progress.StepSeconds });

            // Measured times decide and cannot be measured again with the same result, so they are saved at once.
            recorder.Save(parts);
        }
    }

    /// <summary>Compares the candidates if it is time: mean training loss of the momentum supernet on a fixed subset (algorithm step 5).</summary>
    public void ReadCandidatesIfDue(StagePlan plan, int batchesPerEpoch, CancellationToken cancellationToken)
    {
        if (Search is null || State.Epoch != plan.FirstEpoch + plan.SearchEpochs - 1)
        {
            return;
        }

        while (Search.IsReadingDue(State.Batch, batchesPerEpoch))
        {
            var started = Stopwatch.GetTimestamp();
            var weights = parts.Arena.EmaDecays.Count > 0 ? ArenaBuffer.Ema(0) : ArenaBuffer.Weights;
            var losses = Search.Candidates.Select(c => ReadLoss(c, weights, plan, cancellationToken)).ToList();
            Search.Progress.Losses.Add(losses);
            State.Times = State.Times with { Search = State.Times.Search + Stopwatch.GetElapsedTime(started).TotalSeconds };
            recorder.Event(State, "search_reading", new { reading = Search.Progress.Losses.Count, losses });
            if (State.Batch < batchesPerEpoch)
            {
                return;
            }
        }
    }

    /// <summary>Ends a search whose last epoch is over: decides, extracts the winner, and either goes on with its weights or pays the epochs again.</summary>
    /// <returns>The epoch to go on with.</returns>
    public int EndOfEpoch(StagePlan plan, CancellationToken cancellationToken)
    {
        var next = State.Epoch + 1;
        if (Search is null || next < plan.FirstEpoch + plan.SearchEpochs)
        {
            return next;
        }

        next = recipe.Growth.RecycleWeights ? next : plan.FirstEpoch;
        Transition(plan, () =>
        {
            Clocked(() => Conclude(plan, Search.Decide(plan.Stage, next), cancellationToken));
            Report(plan, next);
        });
        return next;
    }

    private void OpenSearch(StagePlan plan, SubNetwork? from, CancellationToken cancellationToken)
    {
        var candidates = space.Candidates(from, recipe.Growth);
        if (from is null)
        {
            var smallest = candidates.MinBy(c => (c.Depth, c.Level, c.Resolution));
            Initialize(SplitOf(smallest.Depth));
            State.Network = smallest;
        }

        var progress = new SearchProgress { From = from, Original = parts.Network.Split, Candidates = candidates, StepCountsBefore = CheckpointFiles.StepCounts(parts.Arena) };
        var search = new SupernetSearch(recipe.Growth, progress, SplitOf);
        if (!recipe.Growth.RecycleWeights && !plan.ZeroShot)
        {
            parts.BeforeSearch = ArenaSnapshot.Take(parts.Arena);
        }

        Grow(search.Split);
        Settle(search.Largest.Size, candidates);
        if (from is { } smaller)
        {
            Recalibrate(plan, [smaller], cancellationToken);
        }

        (State.Search, Search) = (progress, search);
        log.SearchBegun(plan.Stage + 1, candidates.Count, search.Largest.Size, plan.ZeroShot ? "by proxies" : $"for {plan.SearchEpochs} epochs");
        recorder.Event(State, "search", new { plan.Stage, from, candidates });
    }

    /// <summary>Grows to another network; a first network is drawn instead.</summary>
    private void Change(StagePlan plan, SubNetwork? from, SubNetwork to, CancellationToken cancellationToken)
    {
        var split = SplitOf(to.Depth);
        if (from is null)
        {
            Initialize(split);
        }
        else if (from == to)
        {
            log.NothingToGrow(State.Stage + 1, to);
        }
        else
        {
            Grow(split);
        }

        Settle(to);
        if (from is { } smaller)
        {
            Recalibrate(plan, [smaller], cancellationToken);
        }
    }

    /// <summary>Statistics are those of a depth and a resolution. Unfreezing alone leaves the function as it was, and with it the statistics.</summary>
    /// <param name="plan">The stage that begins.</param>
    /// <param name="before">What the statistics come from.</param>
    /// <param name="cancellationToken">Ends the transition half-way.</param>
    private void Recalibrate(StagePlan plan, IEnumerable<SubNetwork> before, CancellationToken cancellationToken)
    {
        if (!recalibration.IsDue || before.All(b => (b.Resolution, b.Depth) == (State.Network.Resolution, State.Network.Depth)))
        {
            return;
        }

        if (recalibration.Run(Whole, plan, Augmentation(plan), cancellationToken) is { } failure)
        {
            throw new DivergedException(State.Step, State.Stage, failure, recorder.LastCheckpoint);
        }

        log.StatisticsRecomputed(State.Stage + 1, State.Network);
        recorder.Event(State, "recalibrated", new { plan.Stage, State.Network });
    }

    /// <summary>Moments restart with a grown network. Unfreezing changes no weight, so they go on.</summary>
    private OptimizerStateKind OptimizerState => parts.Task.Unfreezing is null ? recipe.Growth.OptimizerState : OptimizerStateKind.Carry;

    private void Grow(IReadOnlyList<int> split)
    {
        if (parts.Task.Unfreezing is not null)
        {
            parts.Network.Use(split);
            return;
        }

        var growth = recipe.Growth;
        var momentum = parts.Arena.EmaDecays.Count == 0 ? 0
            : recipe.Ema.GrowthDecay is { } decay ? parts.Arena.EmaDecays.ToList().IndexOf(decay)
            : parts.Arena.EmaDecays.Count - 1;

        // The first network has no history: its momentum network is its own copy, so MoGrow and Interpolation are the same.
        parts.Network.Grow(split, new GrowthStep(growth.Operator, momentum, OptimizerState, recipe.Seed, State.Stage));
    }

    private void Initialize(IReadOnlyList<int> split)
    {
        InitialWeights.Fill(parts.Arena, recipe, log);
        parts.Arena.ResetEma();
        parts.Network.Use(split);
    }

    /// <summary>Makes a network the stage's: sessions of others are released before new ones take memory.</summary>
    private void Settle(SubNetwork network, IReadOnlyCollection<SubNetwork>? keep = null)
    {
        State.Network = network;
        State.Split = parts.Network.Split;
        whole = null;
        parts.Step.Unbind();
        parts.Sessions.ReleaseExcept(keep ?? [network]);
    }

    private double ReadLoss(ActiveNetwork candidate, ArenaBuffer weights, StagePlan plan, CancellationToken cancellationToken)
    {
        var subset = searchImages.Value;
        var batches = subset.SearchBatches(new SearchReading
        {
            Seed = recipe.Seed,
            Search = plan.Stage,
            BatchSize = Math.Min(recipe.Training.EvalBatchSize, subset.Dataset.Count),
            Resolution = candidate.Size.Resolution,
            Augmentation = Augmentation(plan),
        });
        try
        {
            return parts.Evaluator.Run(candidate, weights, batches, new EvaluationSettings(plan.Stage, Soft: true), cancellationToken).Loss;
        }
        finally
        {
            // Every session costs memory of its own, and those that train all candidates are loaded already.
            parts.Sessions.ReleaseEvaluations();
        }
    }

    private IReadOnlyList<double> CandidateSeconds(SupernetSearch search, StagePlan plan, CancellationToken cancellationToken) => recipe.Growth.SearchTime == SearchTimeKind.Flops
        ? [.. search.Candidates.Select(c => ComputedSeconds(c, plan))]
        : [.. search.Candidates.Select(c => MeasuredSeconds(c, plan, cancellationToken))];

    /// <summary>Median of forward and backward over a batch.</summary>
    private double MeasuredSeconds(ActiveNetwork candidate, StagePlan plan, CancellationToken cancellationToken)
    {
        var batch = Batch.Blank(recipe.Training.BatchSize, candidate.Size.Resolution, parts.Task.Model.ClassCount, parts.Task.Model.InputChannels);
        var settings = new StepSettings(0, plan.Regularization.DropPath, null, State.Epoch, State.Stage);
        parts.Step.Differentiate(candidate, batch, settings);
        var seconds = new List<double>();
        for (var i = 0; i < Math.Max(1, recipe.Growth.SearchTimingSteps); i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var started = Stopwatch.GetTimestamp();
            parts.Step.Differentiate(candidate, batch, settings);
            seconds.Add(Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        return seconds.Order().ElementAt(seconds.Count / 2);
    }

    /// <summary>Time in proportion to the matrix work, at 10^12 operations per second: the same on every machine.</summary>
    private double ComputedSeconds(ActiveNetwork candidate, StagePlan plan)
    {
        var dropPath = plan.Regularization.DropPath > 0;
        var microBatch = parts.Memory.MicroBatch(candidate.Size, recipe.Training.BatchSize, dropPath);
        return parts.Sessions.Graphs.Training(candidate.Size, microBatch, dropPath).Cost.MatrixFlops * (recipe.Training.BatchSize / microBatch) / 1e12;
    }

    private void Report(StagePlan plan, int epoch)
    {
        var dropPath = plan.Regularization.DropPath > 0;
        var microBatch = parts.Memory.MicroBatch(State.Network, recipe.Training.BatchSize, dropPath);
        recorder.StageBegins(State, new StageReport(plan.Stage, epoch, State.Network, microBatch, parts.Memory.PredictedPeak(State.Network, microBatch, dropPath)), recipe.Training.BatchSize);
    }

    private void Transition(StagePlan plan, Action action)
    {
        if (TakesLong(plan))
        {
            recorder.Save(parts);
        }

        IsHalfway = true;
        action();
        IsHalfway = false;
    }

    private void Clocked(Action action)
    {
        var started = Stopwatch.GetTimestamp();
        action();
        State.Times = State.Times with { Bookkeeping = State.Times.Bookkeeping + Stopwatch.GetElapsedTime(started).TotalSeconds };
    }
}
