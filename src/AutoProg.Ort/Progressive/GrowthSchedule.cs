using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Progressive;

/// <summary>One of the K equispaced stages of a run.</summary>
/// <param name="Stage">Index k, from 0.</param>
/// <param name="FirstEpoch">Its first epoch.</param>
/// <param name="EndEpoch">The epoch after its last; equal to the first where there are more stages than epochs, and the stage is passed over.</param>
/// <param name="SubNetwork">The network psi_k; null as long as a search has to find it.</param>
/// <param name="SearchEpochs">Epochs of supernet training at the start of the stage, part of it; 0 without a search.</param>
/// <param name="Regularization">Augmentation and drop path of the stage.</param>
/// <param name="ZeroShot">True if a zero-shot search finds the network when the stage begins; it takes no epochs.</param>
internal sealed record StagePlan(int Stage, int FirstEpoch, int EndEpoch, SubNetwork? SubNetwork, int SearchEpochs, StageRegularization Regularization, bool ZeroShot = false)
{
    /// <summary>Length in epochs.</summary>
    public int Epochs => EndEpoch - FirstEpoch;

    /// <summary>True if the stage begins with a search, whether or not it has been decided yet.</summary>
    public bool IsSearched => SearchEpochs > 0 || ZeroShot;
}

/// <summary>The growth schedule Psi = (psi_1 .. psi_K); the last one is always the complete model (sec. 3.1.1).</summary>
internal sealed record GrowthSchedule
{
    private GrowthSchedule(IReadOnlyList<StagePlan> stages) => Stages = stages;

    /// <summary>All stages in order, without gaps.</summary>
    public IReadOnlyList<StagePlan> Stages { get; private init; }

    /// <summary>Epochs of the run, cool-down included.</summary>
    public int TotalEpochs => Stages[^1].EndEpoch;

    /// <summary>Lays out a run.</summary>
    /// <param name="recipe">Policy, number of stages, epochs, search epochs, regularisation.</param>
    /// <param name="space">What the stages may use.</param>
    /// <remarks>
    /// Prog takes the k-th resolution and depth (or unfreeze level) of the space. AutoProg-One and AutoProg-Zero search every stage but the last. Original is one stage with the complete
    /// model and the recipe's regularisation. Cool-down belongs to the last stage and does not move the boundaries.
    /// </remarks>
    public static GrowthSchedule Plan(Recipe recipe, GrowthSpace space)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(space);
        var (epochs, cooldown) = (recipe.Training.Epochs, recipe.Schedule.CooldownEpochs);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(epochs, nameof(recipe));
        ArgumentOutOfRangeException.ThrowIfNegative(cooldown, nameof(recipe));
        if (recipe.Growth.Policy == GrowthPolicyKind.Original)
        {
            return new([new(0, 0, epochs + cooldown, space.Complete, SearchEpochs: 0, StageRegularization.Final(recipe))]);
        }

        var regularization = StageRegularization.Grow(recipe, space.Stages);
        return new([.. Enumerable.Range(0, space.Stages).Select(Stage)]);

        StagePlan Stage(int k)
        {
            var isLast = k == space.Stages - 1;
            var first = UniformLinearGrowth.FirstEpoch(k, space.Stages, epochs);
            var end = isLast ? epochs + cooldown : UniformLinearGrowth.FirstEpoch(k + 1, space.Stages, epochs);
            var search = recipe.Growth.Policy == GrowthPolicyKind.AutoprogOne && !isLast ? Math.Min(recipe.Growth.SearchEpochs, end - first) : 0;
            var zeroShot = recipe.Growth.Policy == GrowthPolicyKind.AutoprogZero && !isLast;
            return new(k, first, end, search > 0 || zeroShot ? null : space.AtStage(k), search, regularization[k], zeroShot);
        }
    }

    /// <summary>The stage that an epoch belongs to.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The run has no such epoch.</exception>
    public StagePlan At(int epoch)
    {
        if (epoch < 0 || epoch >= TotalEpochs)
        {
            throw new ArgumentOutOfRangeException(nameof(epoch), epoch, $"The run has epochs 0 to {TotalEpochs - 1}.");
        }

        return Stages.First(stage => epoch >= stage.FirstEpoch && epoch < stage.EndEpoch);
    }

    /// <summary>The schedule with the winner of a stage's search entered.</summary>
    /// <exception cref="ArgumentException">The stage is not searched.</exception>
    public GrowthSchedule Decide(int stage, SubNetwork winner)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(stage);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(stage, Stages.Count);
        if (!Stages[stage].IsSearched)
        {
            throw new ArgumentException($"Stage {stage} is not searched; its network is {Stages[stage].SubNetwork}.", nameof(stage));
        }

        return this with { Stages = [.. Stages.Select(plan => plan.Stage == stage ? plan with { SubNetwork = winner } : plan)] };
    }
}
