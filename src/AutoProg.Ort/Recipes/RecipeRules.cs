using System.Globalization;
using AutoProg.Graphs.Import;
using AutoProg.Ort.Foreign;

namespace AutoProg.Ort.Recipes;

/// <summary>What must hold between keys, as far as a recipe alone can tell. What needs the model catalogue or the data is checked where they are opened.</summary>
public static class RecipeRules
{
    /// <summary>Checks a recipe that was put together in code: every range, then every rule between keys.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="sourceName">Stands for the file in messages.</param>
    /// <exception cref="RecipeException">Something cannot stand.</exception>
    public static void ThrowIfInvalid(Recipe recipe, string sourceName = "recipe")
    {
        var outOfRange = RecipeKeys.All
            .Where(key => !key.Accepts(recipe))
            .Select(key => new RecipeProblem(sourceName, key.Path, key.Write(recipe).Shown, $"expected {key.Expected}"))
            .ToList();
        var refused = outOfRange.Select(static problem => problem.Key).ToHashSet(StringComparer.Ordinal);
        var keys = RecipeKeys.All.ToDictionary(static key => key.Path, StringComparer.Ordinal);
        var broken = Check(recipe)
            .Where(finding => !finding.Involved.Any(refused.Contains))
            .Select(finding => new RecipeProblem(sourceName, finding.Key, keys[finding.Key].Write(recipe).Shown, finding.Message));
        RecipeProblem[] problems = [.. outOfRange, .. broken];
        if (problems.Length > 0)
        {
            throw new RecipeException(problems);
        }
    }

    /// <summary>Every broken rule. Rules about growth hold only for policies that grow.</summary>
    internal static IEnumerable<RecipeFinding> Check(Recipe recipe)
    {
        IEnumerable<RecipeFinding?> findings =
            [.. Model(recipe.Model), .. Images(recipe), .. Training(recipe), .. Ema(recipe), .. recipe.Growth.Policy == GrowthPolicyKind.Original ? [] : Growth(recipe)];
        return findings.OfType<RecipeFinding>();
    }

    private static IEnumerable<RecipeFinding?> Model(ModelRecipe model)
    {
        yield return Rule(model.Onnx is null || model is { EmbedDim: null, Depth: null, NumHeads: null, MlpRatio: null, InChannels: null, LearnSigma: null }, "model.onnx",
            "a model file is what it is: leave out model.embed_dim, depth, num_heads, mlp_ratio, in_channels and learn_sigma",
            "model.embed_dim", "model.depth", "model.num_heads", "model.mlp_ratio", "model.in_channels", "model.learn_sigma");
        var ofFile = model.Onnx is not null;
        yield return Rule(ofFile || model.Trainable.SequenceEqual(TrainableNames.All), "model.trainable", "expected ['*'], since only what a model file (model.onnx) learns is chosen by names; use growth.unfreeze", "model.onnx");
        yield return Rule(ofFile || model.Freeze.Count == 0, "model.freeze", "expected none, since only a model file (model.onnx) is frozen by names; use growth.unfreeze", "model.onnx");
        yield return Rule(ofFile || model.BatchNorm == BatchNormMode.File, "model.batch_norm", "expected file, since only normalisations of a model file (model.onnx) have a choice", "model.onnx");
        yield return Rule(ofFile || model.UnbiasedVariance, "model.unbiased_variance", "expected true, since only normalisations of a model file (model.onnx) have a choice", "model.onnx");
        yield return Rule(model is not { ImgSize: { } size, PatchSize: { } patch } || size % patch == 0, "model.img_size",
            $"expected a multiple of model.patch_size ({model.PatchSize})", "model.patch_size");
        yield return Rule(model is not { EmbedDim: { } width, NumHeads: { } heads } || width % heads == 0, "model.embed_dim",
            $"expected a multiple of model.num_heads ({model.NumHeads})", "model.num_heads");
    }

    private static IEnumerable<RecipeFinding?> Images(Recipe recipe)
    {
        var (data, augmentation, resize) = (recipe.Data, recipe.Augmentation, recipe.Growth.ResizeScale);
        var generated = data.Dataset is DatasetKind.Builtin or DatasetKind.BuiltinPlain;
        yield return Rule(data.DataDir is not null || generated, "data.data_dir",
            "expected the path of a folder; only the builtin datasets need none", "data.dataset");
        yield return Rule(data.DataDir is null || !generated, "data.data_dir",
            "the builtin datasets read no files; set data.dataset or remove this key", "data.dataset");
        yield return Rule(Ascending(augmentation.Scale), "augmentation.scale", "expected the lower bound first");
        yield return Rule(Ascending(augmentation.Ratio), "augmentation.ratio", "expected the lower bound first");
        yield return Rule(data.TokenLabels is null || augmentation is { Mixup: 0, Cutmix: 0 }, "data.token_labels",
            "expected augmentation.mixup: 0 and augmentation.cutmix: 0 beside label maps, which say nothing about mixed images; augmentation.mix_token mixes tokens",
            "augmentation.mixup", "augmentation.cutmix");
        if (augmentation.Scale.Count == 2 && resize.Count == 2 && Ascending(augmentation.Scale))
        {
            double[] first = [augmentation.Scale[0] * resize[0], augmentation.Scale[1] * resize[1]];
            yield return Rule(first[1] <= 1 && Ascending(first), "growth.resize_scale",
                string.Create(CultureInfo.InvariantCulture, $"expected factors that keep the crop area of the first stage ascending and at most 1, found [{first[0]}, {first[1]}]"), "augmentation.scale");
        }
    }

    private static IEnumerable<RecipeFinding?> Training(Recipe recipe)
    {
        var training = recipe.Training;
        yield return Rule(training.MicroBatchSize == 0 || training.BatchSize % training.MicroBatchSize == 0, "training.micro_batch_size",
            $"expected a divisor of training.batch_size ({training.BatchSize}), or 0", "training.batch_size");
        yield return Rule(recipe.Schedule.Name == LearningRateKind.Constant || recipe.Schedule.MinLr <= recipe.Optimizer.Lr, "schedule.min_lr",
            string.Create(CultureInfo.InvariantCulture, $"expected at most the peak, optimizer.lr ({recipe.Optimizer.Lr})"), "optimizer.lr", "schedule.name");
    }

    private static IEnumerable<RecipeFinding?> Ema(Recipe recipe)
    {
        var (ema, growth) = (recipe.Ema, recipe.Growth);
        yield return Rule(ema.Decays.Distinct().Count() == ema.Decays.Count, "ema.decays", "expected every decay once");
        yield return Rule(ema.GrowthDecay is not { } decay || ema.Decays.Contains(decay), "ema.growth_decay",
            $"expected one of ema.decays ([{string.Join(", ", ema.Decays)}]), or null", "ema.decays");
        yield return Rule(growth.Policy == GrowthPolicyKind.Original || growth.Operator != GrowthOperatorKind.MoGrow || growth.Unfreeze != UnfreezeKind.None || ema.Decays.Count > 0, "ema.decays",
            "expected at least one decay, since growth.operator mogrow copies from a momentum network; or use interpolation", "growth.operator", "growth.policy", "growth.unfreeze");
    }

    private static IEnumerable<RecipeFinding?> Growth(Recipe recipe)
    {
        var (model, growth, epochs) = (recipe.Model, recipe.Growth, recipe.Training.Epochs);
        var stages = growth.NumStages;
        yield return Rule(stages <= epochs, "growth.num_stages", $"expected at most training.epochs ({epochs}), so that every stage has an epoch", "training.epochs");

        var searched = growth.Policy == GrowthPolicyKind.AutoprogOne && stages > 1 && stages <= epochs;
        var shortest = searched ? Enumerable.Range(0, stages - 1).Min(k => StageStart(k + 1) - StageStart(k)) : int.MaxValue;
        yield return Rule(growth.SearchEpochs < shortest, "growth.search_epochs",
            $"expected fewer epochs than the shortest searched stage has ({shortest}): {epochs} epochs in {stages} stages", "training.epochs", "growth.num_stages", "growth.policy");

        yield return Rule((growth.Unfreeze == UnfreezeKind.Names) == (growth.UnfreezeNames.Count > 0), "growth.unfreeze_names",
            "expected patterns per level for growth.unfreeze: names, and none otherwise", "growth.unfreeze");

        var divisor = growth.ResolutionDivisor;
        yield return Rule(divisor == 0 || model.PatchSize is not { } patch || divisor % patch == 0, "growth.resolution_divisor",
            $"expected a multiple of model.patch_size ({model.PatchSize}), or 0", "model.patch_size");

        var step = divisor > 0 ? divisor : model.PatchSize ?? 1;
        var misfit = growth.Resolutions.FirstOrDefault(resolution => resolution % step != 0);
        yield return Rule(misfit == 0, "growth.resolutions",
            $"{misfit} is not a multiple of {step} ({(divisor > 0 ? "growth.resolution_divisor" : "model.patch_size")}); use {Math.Max(step, misfit / step * step)} or {((misfit / step) + 1) * step}",
            "growth.resolution_divisor", "model.patch_size");

        foreach (var finding in StageList("growth.resolutions", growth.Resolutions, stages, "model.img_size", model.ImgSize)
            .Concat(StageList("growth.depths", growth.Depths, stages, "model.depth", model.Depth)))
        {
            yield return finding;
        }

        int StageStart(int stage) => (int)((long)stage * epochs / stages);
    }

    private static IEnumerable<RecipeFinding?> StageList(string key, IReadOnlyList<int> values, int stages, string completeKey, int? complete)
    {
        if (values.Count == 0)
        {
            yield break;
        }

        yield return Rule(values.Count == stages, key, $"expected one value for each of the {stages} stages (growth.num_stages), found {values.Count}", "growth.num_stages");
        yield return Rule(values.Zip(values.Skip(1)).All(static pair => pair.First <= pair.Second), key, "expected values that never fall from stage to stage");
        yield return Rule(complete is null || values[^1] == complete, key, $"expected the last stage to be the complete model, {completeKey} ({complete})", completeKey);
    }

    private static bool Ascending(IReadOnlyList<double> bounds) => bounds.Zip(bounds.Skip(1)).All(static pair => pair.First <= pair.Second);

    private static RecipeFinding? Rule(bool holds, string key, string message, params string[] others) =>
        holds ? null : new RecipeFinding(key, message, [key, .. others]);
}

/// <summary>A broken rule.</summary>
/// <param name="Key">The key to change.</param>
/// <param name="Message">What was expected.</param>
/// <param name="Involved">All keys that the rule looks at; it says nothing when one of them could not be read.</param>
internal sealed record RecipeFinding(string Key, string Message, IReadOnlyList<string> Involved);
