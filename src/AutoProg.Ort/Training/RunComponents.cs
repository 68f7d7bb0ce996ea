using AutoProg.Models;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Training;

/// <summary>The machinery of a run, made from its recipe, and the run's state.</summary>
internal sealed class RunComponents : IDisposable
{
    private RunComponents(Recipe recipe, IElasticModel model, Device device, TrainingState state, ILogger log)
    {
        State = state;
        var rule = UpdateRule.Of(recipe.Optimizer);
        Device = device;
        Arena = new ParameterArena(model.Parameters, new ArenaOptions { MomentCount = rule.MomentCount, EmaDecays = recipe.Ema.Decays }, device);
        Network = new GrowingNetwork(model, Arena);
        Sessions = new SubNetworkSessions(new SubNetworkGraphs(model, StoreOf(recipe, log)), device);
        Update = device.CreateUpdate(Arena, rule);
        Memory = PlanMemory(recipe, Sessions.Graphs, Arena.Buffers.Count * Arena.Layout.Length * sizeof(float));
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

    public static RunComponents Create(Recipe recipe, int classCount, TrainingState state, TrainerOptions embedding)
    {
        var device = embedding.OpenDevice?.Invoke(recipe.Runtime) ?? Device.Open(recipe.Runtime.Device, recipe.Runtime.Threads);
        return new RunComponents(recipe, CreateModel(recipe, classCount), device, state, embedding.Logger);
    }

    /// <summary>Where a recipe keeps its graphs, or null.</summary>
    public static GraphStore? StoreOf(Recipe recipe, ILogger log) => recipe.Runtime.GraphsDir is { } folder ? new GraphStore(folder, log) : null;

    /// <summary>The complete model of a recipe.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="classCount">Classes of the data.</param>
    /// <exception cref="RecipeException">The model section does not make a model, or makes one for other classes.</exception>
    public static IElasticModel CreateModel(Recipe recipe, int classCount)
    {
        var m = recipe.Model;
        if (m.NumClasses is { } own && own != classCount)
        {
            throw new RecipeException([new RecipeProblem("recipe", "model.num_classes", $"{own}", $"expected the {classCount} classes of the data; set it to that, or leave it away")]);
        }

        try
        {
            return ModelCatalog.Create(m.Name, new ModelSizes
            {
                ImgSize = m.ImgSize,
                PatchSize = m.PatchSize,
                NumClasses = classCount,
                EmbedDim = m.EmbedDim,
                Depth = m.Depth,
                NumHeads = m.NumHeads,
                MlpRatio = m.MlpRatio,
                BranchScale = recipe.Growth.Policy != GrowthPolicyKind.Original && recipe.Growth.Operator.GatesInsertedBlocks(),
            });
        }
        catch (ArgumentException error)
        {
            // What .NET appends to the message, the parameter's name, means nothing to whoever writes recipes.
            var message = error.Message.Replace($" (Parameter '{error.ParamName}')", "");
            var meant = Spelling.Nearest(m.Name, ModelCatalog.Names.Where(name => !ModelCatalog.Names.Contains(m.Name)));
            throw new RecipeException([new RecipeProblem("recipe", "model", null, meant is null ? message : $"{message} Did you mean '{meant}'?")]);
        }
    }

    /// <summary>The growth space of a recipe and its model.</summary>
    /// <exception cref="RecipeException">The growth section does not fit the model.</exception>
    public static GrowthSpace CreateSpace(Recipe recipe, IElasticModel model)
    {
        var complete = new SubNetwork(model.MaxResolution, model.MaxDepth);
        var problems = GrowthSpace.Problems(recipe.Growth, complete, model.ResolutionStep);
        return problems.Count == 0
            ? GrowthSpace.From(recipe.Growth, complete, model.ResolutionStep)
            : throw new RecipeException([.. problems.Select(problem => new RecipeProblem("recipe", "", null, problem))]);
    }

    /// <summary>Memory of a recipe's sub-networks.</summary>
    public static MemoryPlan PlanMemory(Recipe recipe, SubNetworkGraphs graphs, long arenaBytes) =>
        new(graphs, arenaBytes, (long)recipe.Runtime.MemoryLimitMb << 20, recipe.Training.MicroBatchSize);

    /// <summary>How logs and files call a network's weights: <c>online</c>, <c>ema-0.998</c>.</summary>
    public string WeightsName(ArenaBuffer buffer) => NameOf(Arena, buffer);

    /// <summary>The same for any arena.</summary>
    public static string NameOf(ParameterArena arena, ArenaBuffer buffer) => buffer.Role == ArenaRole.Weights ? "online" : $"ema-{arena.EmaDecays[buffer.Index]}";

    public void Dispose()
    {
        Sessions.Dispose();
        BeforeSearch?.Dispose();
        Update.Dispose();
        Arena.Dispose();
        Device.Dispose();
    }
}
