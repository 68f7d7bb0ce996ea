using AutoProg.Ort.Progressive;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Training;

/// <summary>
/// The one-shot search of a stage (sec. 3.2.3): which candidate each step trains, when candidates are compared, and which one wins.
/// All of it follows from the search's progress and the seed, so a search goes on after an interruption as if there had been none.
/// </summary>
internal sealed class SupernetSearch
{
    private readonly GrowthRecipe recipe;
    private readonly bool ranksByTrainingLoss;
    private readonly ElasticSupernet supernet;

    /// <summary>Lays out a search, or one that was interrupted.</summary>
    /// <param name="recipe">Number of evaluations.</param>
    /// <param name="progress">Candidates, and what is known about them.</param>
    /// <param name="split">How the architecture divides a depth into groups.</param>
    /// <remarks>
    /// Candidates that differ in depth are compared by the loss of the momentum supernet on a fixed subset. Candidates that differ in what learns share one
    /// forward function, so nothing can be read off it: they are compared by the mean training loss of their own steps.
    /// </remarks>
    public SupernetSearch(GrowthRecipe recipe, SearchProgress progress, DepthSplit split)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(progress);
        this.recipe = recipe;
        ranksByTrainingLoss = progress.Candidates.Any(static candidate => candidate.Level is not null);
        Progress = progress;
        supernet = new ElasticSupernet(progress.Original, progress.Candidates.Select(c => c.Depth), split);
        Candidates = [.. progress.Candidates.Select(c => new ActiveNetwork(c, supernet.Active(c.Depth)))];
    }

    /// <summary>What is known so far.</summary>
    public SearchProgress Progress { get; }

    /// <summary>The candidates with the supernet's blocks that they run.</summary>
    public IReadOnlyList<ActiveNetwork> Candidates { get; }

    /// <summary>Blocks per group of the supernet.</summary>
    public IReadOnlyList<int> Split => supernet.Split(Largest.Size.Depth);

    /// <summary>The largest candidate, which is the supernet.</summary>
    public ActiveNetwork Largest => Candidates.MaxBy(c => (c.Size.Depth, c.Size.Level, c.Size.Resolution))!;

    /// <summary>The candidate that a step trains: one of all, uniformly.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">Epoch.</param>
    /// <param name="batch">Batch in the epoch.</param>
    public ActiveNetwork Draw(long seed, int epoch, int batch) =>
        Candidates[new CounterRandom(seed, RandomPurpose.Candidate, epoch, batch).NextInt(Candidates.Count)];

    /// <summary>Takes note of a step.</summary>
    /// <param name="candidate">What was trained.</param>
    /// <param name="loss">Its loss.</param>
    public void Trained(ActiveNetwork candidate, double loss)
    {
        ArgumentNullException.ThrowIfNull(candidate);
        if (Progress.TrainingSteps.Length == 0)
        {
            (Progress.TrainingSteps, Progress.TrainingLossSums) = (new int[Candidates.Count], new double[Candidates.Count]);
        }

        var index = Candidates.ToList().FindIndex(c => c.Size == candidate.Size);
        Progress.TrainingSteps[index]++;
        Progress.TrainingLossSums[index] += loss;
    }

    /// <summary>True if candidates are to be compared before a batch of the last search epoch; the readings are spread evenly from its start to its end.</summary>
    /// <param name="batch">Batches of the epoch that are done.</param>
    /// <param name="batches">Batches of an epoch.</param>
    public bool IsReadingDue(int batch, int batches)
    {
        var readings = Math.Max(1, recipe.SearchEvaluations);
        var next = Progress.Losses.Count;
        return !ranksByTrainingLoss && next < readings && batch >= (readings == 1 ? batches : (int)((long)next * batches / (readings - 1)));
    }

    /// <summary>Scores what was found (eq. 6) and picks the winner.</summary>
    /// <param name="stage">Index of the stage.</param>
    /// <param name="epoch">First epoch that trains the winner alone.</param>
    public SearchDecision Decide(int stage, int epoch) => SearchDecision.Make(
        stage,
        epoch,
        Progress.From,
        [
            .. Progress.Candidates.Select((candidate, i) =>
                (candidate, LossesOf(i), TimeSpan.FromSeconds(Progress.StepSeconds[i]))),
        ]);

    /// <summary>Nothing for a candidate that no step has drawn, which leaves it out.</summary>
    private IReadOnlyList<double> LossesOf(int candidate) =>
        !ranksByTrainingLoss ? [.. Progress.Losses.Select(reading => reading[candidate])]
        : Progress.TrainingSteps.Length > 0 && Progress.TrainingSteps[candidate] > 0 ? [Progress.TrainingLossSums[candidate] / Progress.TrainingSteps[candidate]]
        : [];

    /// <summary>A candidate with its blocks.</summary>
    public ActiveNetwork Find(SubNetwork size) => Candidates.First(c => c.Size == size);
}
