using AutoProg.Graphs.Import;
using AutoProg.Models;
using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Foreign;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Training;

/// <summary>From a recipe to what it trains: model, objective, learnable parts, growth space.</summary>
internal static class LearningTasks
{
    /// <summary>The complete model of a recipe, what it learns, and which of it at each unfreeze level.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="classCount">Classes of the data.</param>
    /// <exception cref="RecipeException">The model section does not make a model, or makes one for other classes.</exception>
    public static LearningTask Of(Recipe recipe, int classCount)
    {
        var model = CreateModel(recipe, classCount);
        if (model.Parameters.FirstOrDefault(static p => p.Shape.ElementCount is < 1 or > int.MaxValue) is { } impossible)
        {
            throw recipe.Refuse("model", null, $"'{impossible.Name}' would have shape {impossible.Shape}; expected 1 to {int.MaxValue} elements; choose other sizes");
        }

        return new LearningTask(model, ObjectiveOf(recipe, model), LevelsOf(recipe, model));
    }

    /// <summary>Classes that the recipe's model has whatever the data are; null where it has as many as the data.</summary>
    /// <exception cref="RecipeException">The model section does not make a model.</exception>
    public static int? OwnClassCount(Recipe recipe) => recipe.Model.NumClasses ?? (recipe.Model.Onnx is null ? null : OpenForeign(recipe, classCount: null).ClassCount);

    /// <summary>The growth space of a recipe and its model.</summary>
    /// <exception cref="RecipeException">The growth section does not fit the model.</exception>
    public static GrowthSpace SpaceOf(Recipe recipe, LearningTask task)
    {
        var problems = GrowthSpace.Problems(recipe.Growth, task.Complete, task.Model.ResolutionStep);
        if (problems.Count > 0)
        {
            throw new RecipeException([.. problems.Select(problem => new RecipeProblem(recipe.Origins.PlaceOf(KeyOf(problem)), "", null, problem))]);
        }

        var space = GrowthSpace.From(recipe.Growth, task.Complete, task.Model.ResolutionStep);
        return SplitProblem(space, task.Model) is { } problem ? throw recipe.Refuse("growth.depths", string.Join(", ", space.Depths), problem) : space;
    }

    /// <summary>Blocks of no group may get lost while a network grows (definition 3.1), which an architecture's way of dividing a depth need not ensure.</summary>
    private static string? SplitProblem(GrowthSpace space, IElasticModel model)
    {
        if (space.Depths[0] < model.MinDepth)
        {
            return $"expected at least {model.MinDepth} blocks in the first stage of a {model.Name}; or raise growth.l_scale";
        }

        var splits = space.Depths.Select(depth => (Depth: depth, Groups: model.SplitDepth(depth))).ToList();
        var lost = splits.Zip(splits.Skip(1)).FirstOrDefault(static pair => pair.First.Groups.Zip(pair.Second.Groups).Any(static g => g.First > g.Second));
        return lost == default
            ? null
            : $"{model.Name} has groups of [{string.Join(", ", lost.First.Groups)}] blocks at depth {lost.First.Depth} and of [{string.Join(", ", lost.Second.Groups)}] at depth {lost.Second.Depth}, "
              + "so blocks would get lost; list depths at which no group shrinks";
    }

    private static IElasticModel CreateModel(Recipe recipe, int classCount)
    {
        var m = recipe.Model;
        if (m.Onnx is not null)
        {
            return OpenForeign(recipe, classCount);
        }

        var isDiffusion = DiT.Variants.ContainsKey(m.Name);
        if (m.NumClasses is { } own && (isDiffusion ? own < classCount : own != classCount))
        {
            throw recipe.Refuse("model.num_classes", $"{own}", $"expected {(isDiffusion ? "at least " : "")}the {classCount} classes of the data; set it to that, or leave it out");
        }

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
                InChannels = m.InChannels,
                LearnSigma = m.LearnSigma,
                NumStages = recipe.Growth.StageIdentifier ? recipe.Growth.NumStages : 0,
                BranchScale = recipe.Growth.Policy != GrowthPolicyKind.Original && recipe.Growth.Operator.GatesInsertedBlocks(),
            });
        }
        catch (ArgumentException error)
        {
            // What .NET appends to the message, the parameter's name, means nothing to whoever writes recipes.
            var message = error.Message.Replace($" (Parameter '{error.ParamName}')", "");
            var meant = Spelling.Nearest(m.Name, ModelCatalog.Names.Where(name => !ModelCatalog.Names.Contains(m.Name)));
            throw recipe.Refuse("model", null, meant is null ? message : $"{message} Did you mean '{meant}'?");
        }
    }

    private static IObjective ObjectiveOf(Recipe recipe, IElasticModel model)
    {
        if (recipe.Data.TokenLabels is { } maps && model is not Volo)
        {
            throw recipe.Refuse("data.token_labels", maps, $"{model.Name} does not classify its tokens; remove this key, or take a VOLO");
        }

        if (model is VaeMicro vae)
        {
            return new Reconstruction(vae.Config.LatentChannels, recipe.Latents.DivergenceWeight);
        }

        if (model is Volo volo)
        {
            return new TokenLabeling(volo, recipe.Augmentation.MixToken, recipe.Data.TokenLabels is not null, recipe.Augmentation.Smoothing);
        }

        if (model is not DiT dit)
        {
            return new Classification();
        }

        var loss = recipe.Diffusion.Loss ?? (dit.Config.LearnSigma ? DiffusionLossKind.Hybrid : DiffusionLossKind.Mse);
        return new Denoising(dit, NoiseSchedule.Create(recipe.Diffusion.BetaSchedule), loss, recipe.Diffusion.ClassDropout);
    }

    private static UnfreezeLevels? LevelsOf(Recipe recipe, IElasticModel model)
    {
        var growth = recipe.Growth;
        try
        {
            return growth.Unfreeze switch
            {
                UnfreezeKind.None => null,
                UnfreezeKind.Names => UnfreezeLevels.ByNames(growth.UnfreezeNames, model.Parameters.Select(static p => p.Name)),
                UnfreezeKind.Depth => UnfreezeLevels.ByDepth(model.Parameters.Where(static p => !p.IsBuffer).Select(static p => p.Name)),
                _ when model is ForeignModel => throw recipe.Refuse("growth.unfreeze", null, "a model file has no blocks; expected none, names or depth"),
                var kind => UnfreezeLevels.ByBlocks(model.MaxDepth, kind == UnfreezeKind.Released ? UnfreezeRule.Released : UnfreezeRule.Intended),
            };
        }
        catch (ArgumentException error)
        {
            throw recipe.Refuse("growth.unfreeze_names", null, error.Message.Replace($" (Parameter '{error.ParamName}')", ""));
        }
    }

    private static ForeignModel OpenForeign(Recipe recipe, int? classCount)
    {
        var m = recipe.Model;
        var file = OnnxModelFile.Open(m.Onnx!);
        try
        {
            var model = new ForeignModel(m.Name, file, new ForeignModelOptions
            {
                Learns = TrainableNames.Select(file, m.Trainable, m.Freeze).Contains,
                ImgSize = m.ImgSize,
                ResolutionStep = m.PatchSize ?? ForeignModelOptions.DefaultStep,
                BatchNorm = m.BatchNorm,
                UnbiasedVariance = m.UnbiasedVariance,
            });
            var expected = m.NumClasses ?? classCount ?? model.ClassCount;
            return expected == model.ClassCount && (classCount ?? expected) == expected
                ? model
                : throw recipe.Refuse("model.onnx", m.Onnx, $"has {model.ClassCount} classes, the {(m.NumClasses is null ? "data" : "recipe")} {expected}; export it with a head for these");
        }
        catch (ArgumentException error)
        {
            var key = error.ParamName is "trainable" or "freeze" ? $"model.{error.ParamName}" : "model.onnx";
            throw recipe.Refuse(key, key == "model.onnx" ? m.Onnx : null, error.Message.Replace($" (Parameter '{error.ParamName}')", ""));
        }
    }

    /// <summary>Problems of a growth space begin with the key that they are about.</summary>
    private static string KeyOf(string problem) => problem[..problem.IndexOfAny([' ', '['])];
}
