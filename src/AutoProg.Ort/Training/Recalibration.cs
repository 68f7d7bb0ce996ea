using AutoProg.Ort.Data;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Training;

/// <summary>
/// Computes the running statistics of a network afresh, as the means over some training batches, since those that it has inherited are of another depth, resolution or mixture of
/// sub-networks. Nothing learns meanwhile.
/// </summary>
/// <param name="recipe">How many batches.</param>
/// <param name="parts">The network.</param>
/// <param name="images">Training images.</param>
internal sealed class Recalibration(Recipe recipe, RunComponents parts, IBatchSource images)
{
    // Batches of epochs that no run reaches, and no proxy: they are shuffled like training batches, and never the same.
    private const int FirstEpoch = 1 << 29;

    /// <summary>Whether there is anything to compute.</summary>
    public bool IsDue => recipe.Growth.RecalibrateBatches > 0 && parts.Task.Model.Parameters.Any(static p => p.IsBuffer);

    /// <summary>Goes through the batches once for the online network and once for every momentum network.</summary>
    /// <param name="active">The network.</param>
    /// <param name="plan">The stage that begins.</param>
    /// <param name="augmentation">Its augmentation.</param>
    /// <param name="cancellationToken">Looked at between batches; what has been computed until then is of no use.</param>
    /// <returns>The first result that is not finite, after which the rest was left; null where all went well.</returns>
    public StepResult? Run(ActiveNetwork active, StagePlan plan, AugmentationRecipe augmentation, CancellationToken cancellationToken)
    {
        foreach (var network in parts.Arena.Buffers.Where(static buffer => buffer.Role is ArenaRole.Weights or ArenaRole.Ema))
        {
            if (Run(active, network, plan, augmentation, cancellationToken) is { } failure)
            {
                return failure;
            }
        }

        return null;
    }

    /// <summary>With share 1 / (i + 1) for batch i, the statistics are the mean over the batches so far.</summary>
    private StepResult? Run(ActiveNetwork active, ArenaBuffer network, StagePlan plan, AugmentationRecipe augmentation, CancellationToken cancellationToken)
    {
        var settings = new StepSettings(0, plan.Regularization.DropPath, null, FirstEpoch + plan.Stage, plan.Stage);
        using var batches = images.TrainingBatches(new TrainingEpoch
        {
            Seed = recipe.Seed,
            Epoch = FirstEpoch + plan.Stage,
            BatchSize = recipe.Training.BatchSize,
            ResolutionOf = _ => active.Size.Resolution,
            Augmentation = augmentation,
        });
        for (var i = 0; i < recipe.Growth.RecalibrateBatches && batches.TryNext(out var batch, cancellationToken); i++)
        {
            var result = parts.Step.Observe(active, batch, settings, network, 1.0 / (i + 1));
            if (!result.IsFinite)
            {
                return result;
            }
        }

        return null;
    }
}
