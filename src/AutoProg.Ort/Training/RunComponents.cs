using System.Globalization;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Training;

/// <summary>The machinery of a run, made from its recipe, and the run's state.</summary>
internal sealed class RunComponents : IDisposable
{
    private RunComponents(Recipe recipe, LearningTask task, Device device, TrainingState state, ILogger log)
    {
        (Task, State) = (task, state);
        var rule = UpdateRule.Of(recipe.Optimizer);
        Device = device;
        Arena = new ParameterArena(task.Model.Parameters, new ArenaOptions { MomentCount = rule.MomentCount, EmaDecays = recipe.Ema.Decays }, device);
        Network = new GrowingNetwork(task.Model, Arena);
        Sessions = new SubNetworkSessions(new SubNetworkGraphs(task, StoreOf(recipe, log)), device);
        Update = device.CreateUpdate(Arena, rule);
        Memory = PlanMemory(recipe, Sessions.Graphs, Arena.Buffers.Count * Arena.Layout.Length * sizeof(float));
        Step = new SubNetworkStep(Network, Sessions, Update, Memory, recipe.Seed);
        Evaluator = new Evaluator(Network, Sessions);
    }

    public LearningTask Task { get; }

    public TrainingState State { get; }

    public Device Device { get; }

    public ParameterArena Arena { get; }

    public GrowingNetwork Network { get; }

    public SubNetworkSessions Sessions { get; }

    public IParameterUpdate Update { get; }

    public MemoryPlan Memory { get; }

    public SubNetworkStep Step { get; }

    public Evaluator Evaluator { get; }

    /// <summary>What the arena held before the search in progress; null with recycling, and outside of searches.</summary>
    public ArenaSnapshot? BeforeSearch { get; set; }

    public static RunComponents Create(Recipe recipe, int classCount, TrainingState state, TrainerOptions embedding) =>
        Create(recipe, LearningTasks.Of(recipe, classCount), state, embedding);

    public static RunComponents Create(Recipe recipe, LearningTask task, TrainingState state, TrainerOptions embedding)
    {
        var device = embedding.OpenDevice?.Invoke(recipe.Runtime) ?? Device.Open(recipe.Runtime.Device, recipe.Runtime.Threads);
        return new RunComponents(recipe, task, device, state, embedding.Logger);
    }

    /// <summary>Where a recipe keeps its graphs, or null.</summary>
    public static GraphStore? StoreOf(Recipe recipe, ILogger log) => recipe.Runtime.GraphsDir is { } folder ? new GraphStore(folder, log) : null;

    /// <summary>Memory of a recipe's sub-networks.</summary>
    public static MemoryPlan PlanMemory(Recipe recipe, SubNetworkGraphs graphs, long arenaBytes) =>
        new(graphs, arenaBytes, (long)recipe.Runtime.MemoryLimitMb << 20, recipe.Training.MicroBatchSize);

    /// <summary>How logs and files call a network's weights: <c>online</c>, <c>ema-0.998</c>.</summary>
    public string WeightsName(ArenaBuffer buffer) => NameOf(Arena, buffer);

    /// <summary>The same for any arena.</summary>
    public static string NameOf(ParameterArena arena, ArenaBuffer buffer) => buffer.Role == ArenaRole.Weights ? "online" : string.Create(CultureInfo.InvariantCulture, $"ema-{arena.EmaDecays[buffer.Index]}");

    public void Dispose()
    {
        Sessions.Dispose();
        BeforeSearch?.Dispose();
        Update.Dispose();
        Arena.Dispose();
        Device.Dispose();
    }
}
