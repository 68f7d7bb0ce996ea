using AutoProg.Ort.Recipes;

namespace AutoProg.Cli;

/// <summary>
/// Settings that have no effect under others. In a recipe they may stand (one recipe serves several policies); whoever types them expects an effect.
/// </summary>
internal static class IgnoredSettings
{
    private static readonly (string Key, Func<Recipe, bool> IsIgnored, string Reason)[] Rules =
    [
        ("growth.", static r => r.Growth.Policy == GrowthPolicyKind.Original, "growth.policy original does not grow"),
        ("growth.search_", static r => r.Growth.Policy != GrowthPolicyKind.AutoprogOne, "only growth.policy autoprog-one searches"),
        ("growth.max_supernet_ratio", static r => r.Growth.Policy != GrowthPolicyKind.AutoprogOne, "only growth.policy autoprog-one searches"),
        ("growth.recycle_weights", static r => r.Growth.Policy != GrowthPolicyKind.AutoprogOne, "only growth.policy autoprog-one searches"),
        ("growth.r_scale", static r => r.Growth.Resolutions.Count > 0, "growth.resolutions lists the resolutions"),
        ("growth.l_scale", static r => r.Growth.Depths.Count > 0, "growth.depths lists the depths"),
        ("ema.growth_decay", static r => r.Growth.Operator != GrowthOperatorKind.MoGrow || r.Growth.Policy == GrowthPolicyKind.Original, "only growth.operator mogrow reads it"),
        ("optimizer.momentum", static r => r.Optimizer.Name == OptimizerKind.Adamw, "optimizer.name adamw has betas instead"),
        ("optimizer.betas", static r => r.Optimizer.Name != OptimizerKind.Adamw, "only optimizer.name adamw has them"),
        ("optimizer.eps", static r => r.Optimizer.Name != OptimizerKind.Adamw, "only optimizer.name adamw has it"),
        ("schedule.min_lr", static r => r.Schedule.Name == LearningRateKind.Constant, "schedule.name constant has no floor"),
        ("schedule.warmup_lr", static r => r.Schedule.WarmupEpochs == 0, "schedule.warmup_epochs is 0"),
        ("augmentation.color_jitter", static r => r.Augmentation.Aa is not null, "augmentation.aa replaces it, as in timm; add --aa null"),
        ("data.train_split", static r => r.Data.Dataset != DatasetKind.ImageFolder, "only data.dataset image-folder has split folders"),
        ("data.val_split", static r => r.Data.Dataset != DatasetKind.ImageFolder, "only data.dataset image-folder has split folders"),
    ];

    /// <summary>Refuses what was typed and would do nothing.</summary>
    /// <exception cref="RecipeException">At least one setting has no effect.</exception>
    public static void Refuse(Recipe recipe, IEnumerable<RecipeOverride> typed)
    {
        RecipeProblem[] problems =
        [
            .. from setting in typed
               let key = setting.Key.Replace('-', '_')
               where key != "growth.policy"
               let rule = Rules.FirstOrDefault(rule => key.StartsWith(rule.Key, StringComparison.Ordinal) && rule.IsIgnored(recipe))
               where rule.Reason is not null
               select new RecipeProblem(setting.Place, key, null, $"has no effect: {rule.Reason}"),
        ];
        if (problems.Length > 0)
        {
            throw new RecipeException(problems);
        }
    }
}
