using AutoProg.Ort.Data;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Training;

/// <summary>What a recipe will do, before anything is trained: model, data, device, schedule and memory, all of them checked.</summary>
public sealed record RunPlan
{
    /// <summary>The policy, as recipes spell it.</summary>
    public required string Policy { get; init; }

    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>The network of the last stage.</summary>
    public required SubNetwork Complete { get; init; }

    /// <summary>Number of classes.</summary>
    public required int Classes { get; init; }

    /// <summary>Parameters of the complete model.</summary>
    public required long Parameters { get; init; }

    /// <summary>Parameters that training changes; all of them, as long as nothing is frozen.</summary>
    public required long TrainableParameters { get; init; }

    /// <summary>What the training images are.</summary>
    public required string TrainingImages { get; init; }

    /// <summary>Training images per epoch.</summary>
    public required int TrainingCount { get; init; }

    /// <summary>What the evaluation images are.</summary>
    public required string EvaluationImages { get; init; }

    /// <summary>Evaluation images.</summary>
    public required int EvaluationCount { get; init; }

    /// <summary>Device and execution provider.</summary>
    public required string Device { get; init; }

    /// <summary>Threads inside an operator.</summary>
    public required int Threads { get; init; }

    /// <summary>Images per update.</summary>
    public required int BatchSize { get; init; }

    /// <summary>Updates per epoch.</summary>
    public required int StepsPerEpoch { get; init; }

    /// <summary>Updates of the run; repeated epochs of a search without recycling apart.</summary>
    public required long Steps { get; init; }

    /// <summary>Stages in order.</summary>
    public required IReadOnlyList<PlannedStage> Stages { get; init; }

    /// <summary>Checks a recipe against the model catalogue, the data and the device. Builds graphs, allocates no weights and trains nothing.</summary>
    /// <param name="recipe">What would be trained.</param>
    /// <param name="train">Training images, see <see cref="ImageDatasets.Open"/>.</param>
    /// <param name="val">Evaluation images.</param>
    /// <exception cref="RecipeException">The recipe does not make a run.</exception>
    /// <exception cref="DeviceException">The device is not there, or a stage does not fit into the memory limit.</exception>
    public static RunPlan Make(Recipe recipe, IImageDataset train, IImageDataset val)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(val);
        using var device = Runtime.Device.Open(recipe.Runtime.Device, recipe.Runtime.Threads);
        var task = LearningTasks.Of(recipe, train.ClassNames.Count);
        OpenSource.RequireChannels(recipe, task);
        var (model, space) = (task.Model, LearningTasks.SpaceOf(recipe, task));
        var buffers = 2 + UpdateRule.Of(recipe.Optimizer).MomentCount + recipe.Ema.Decays.Count;
        var memory = RunComponents.PlanMemory(recipe, new SubNetworkGraphs(task), buffers * new ArenaLayout(model.Parameters).Length * sizeof(float));
        var parameters = model.CountParameters();
        var schedule = GrowthSchedule.Plan(recipe, space);
        var stepsPerEpoch = TrainingEpoch.BatchCountOf(train, recipe.Training.BatchSize);
        var steps = (long)stepsPerEpoch * schedule.TotalEpochs;
        return new RunPlan
        {
            Policy = PolicyNames.NameOf(recipe.Growth.Policy),
            Model = model.Name,
            Complete = space.Complete,
            Classes = model.ClassCount,
            Parameters = parameters,
            TrainableParameters = parameters,
            TrainingImages = train.Name,
            TrainingCount = train.Count,
            EvaluationImages = val.Name,
            EvaluationCount = val.Count,
            Device = $"{device.Name} ({device.ExecutionProvider})",
            Threads = device.Threads,
            BatchSize = recipe.Training.BatchSize,
            StepsPerEpoch = stepsPerEpoch,
            Steps = recipe.Training.MaxTrainSteps > 0 ? Math.Min(steps, recipe.Training.MaxTrainSteps) : steps,
            Stages = [.. PlanStages(recipe, space, schedule, memory)],
        };
    }

    /// <summary>
    /// The first search knows its candidates. Later ones depend on the winners before them; the smallest and the largest network that they can reach follow from
    /// the smallest and the largest winner, since a larger network never opens less.
    /// </summary>
    private static IEnumerable<PlannedStage> PlanStages(Recipe recipe, GrowthSpace space, GrowthSchedule schedule, MemoryPlan memory)
    {
        (SubNetwork Smallest, SubNetwork Largest)? reach = null;
        foreach (var plan in schedule.Stages)
        {
            IReadOnlyList<SubNetwork> candidates = [];
            if (plan.SubNetwork is { } decided)
            {
                reach = (decided, decided);
            }
            else
            {
                var isFirst = reach is null;
                var least = space.Candidates(reach?.Smallest, recipe.Growth);
                var most = space.Candidates(reach?.Largest, recipe.Growth);
                reach = (least[0], new SubNetwork(most.Max(c => c.Resolution), most.Max(c => c.Depth), most.Max(c => c.Level)));
                candidates = isFirst ? most : [];
            }

            var dropPath = plan.Regularization.DropPath > 0;
            var (smallest, largest) = reach!.Value;
            var microBatch = memory.MicroBatch(largest, recipe.Training.BatchSize, dropPath);
            yield return new PlannedStage(
                plan.Stage, plan.FirstEpoch, plan.Epochs, plan.SearchEpochs, smallest, largest, candidates, microBatch, memory.PredictedPeak(largest, microBatch, dropPath));
        }
    }
}

/// <summary>A stage before it is trained.</summary>
/// <param name="Stage">Index, from 0.</param>
/// <param name="FirstEpoch">Its first epoch.</param>
/// <param name="Epochs">Its length.</param>
/// <param name="SearchEpochs">Epochs of supernet training, part of it; 0 without a search.</param>
/// <param name="Smallest">Smallest network that the stage may end with; without a search the network.</param>
/// <param name="Largest">Largest network that the stage may end with; without a search the network.</param>
/// <param name="Candidates">What a search compares; empty without one, and where it depends on the search before.</param>
/// <param name="MicroBatch">Images per pass of the largest network.</param>
/// <param name="PredictedPeakBytes">Memory predicted for the largest network.</param>
public sealed record PlannedStage(
    int Stage, int FirstEpoch, int Epochs, int SearchEpochs, SubNetwork Smallest, SubNetwork Largest, IReadOnlyList<SubNetwork> Candidates, int MicroBatch, long PredictedPeakBytes);
