using AutoProg.Models;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;

namespace AutoProg.Ort.Training;

/// <summary>The machinery of a run, made from its recipe, and the run's state.</summary>
internal sealed class RunComponents : IDisposable
{
    private RunComponents(Recipe recipe, IElasticModel model, Device device, TrainingState state)
    {
        State = state;
        var rule = UpdateRule.Of(recipe.Optimizer);
        Device = device;
        Arena = new ParameterArena(model.Parameters, new ArenaOptions { MomentCount = rule.MomentCount, EmaDecays = recipe.Ema.Decays }, device);
        Network = new GrowingNetwork(model, Arena);
        Sessions = new SubNetworkSessions(new SubNetworkGraphs(model), device);
        Update = device.CreateUpdate(Arena, rule);
        Memory = new MemoryPlan(Sessions.Graphs, Arena.Buffers.Count * Arena.Layout.Length * sizeof(float), (long)recipe.Runtime.MemoryLimitMb << 20, recipe.Training.MicroBatchSize);
        Step = new SubNetworkStep(Network, Sessions, Update, Memory, recipe.Seed);
        Evaluator = new Evaluator(Network, Sessions);
    }

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

    public static RunComponents Create(Recipe recipe, int classCount, TrainingState state, TrainerOptions? embedding = null)
    {
        var device = embedding?.OpenDevice?.Invoke(recipe.Runtime) ?? Device.Open(recipe.Runtime.Device, recipe.Runtime.Threads);
        return new RunComponents(recipe, CreateModel(recipe, classCount), device, state);
    }

    /// <summary>The complete model of a recipe.</summary>
    /// <exception cref="RecipeException">The model section does not make a model.</exception>
    public static IElasticModel CreateModel(Recipe recipe, int classCount)
    {
        var m = recipe.Model;
        try
        {
            return ModelCatalog.Create(m.Name, new ModelSizes
            {
                ImgSize = m.ImgSize,
                PatchSize = m.PatchSize,
                NumClasses = m.NumClasses ?? classCount,
                EmbedDim = m.EmbedDim,
                Depth = m.Depth,
                NumHeads = m.NumHeads,
                MlpRatio = m.MlpRatio,
                BranchScale = recipe.Growth.Policy != GrowthPolicyKind.Original && recipe.Growth.Operator.GatesInsertedBlocks(),
            });
        }
        catch (ArgumentException error)
        {
            throw new RecipeException([new RecipeProblem("recipe", "model", null, error.Message)]);
        }
    }

    /// <summary>How logs and files call a network: <c>online</c>, <c>ema-0.998</c>.</summary>
    public string WeightsName(ArenaBuffer buffer) => buffer.Role == ArenaRole.Weights ? "online" : $"ema-{Arena.EmaDecays[buffer.Index]}";

    public void Dispose()
    {
        Sessions.Dispose();
        BeforeSearch?.Dispose();
        Update.Dispose();
        Arena.Dispose();
        Device.Dispose();
    }
}
