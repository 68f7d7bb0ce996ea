using System.Globalization;
using System.Reflection;
using System.Text.Json;
using AutoProg.Models;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Training;

/// <summary>What an exported file says about itself: what it holds, and how images must be prepared for it.</summary>
internal static class ExportMetadata
{
    public static IEnumerable<KeyValuePair<string, string>> Of(TrainedModel model, string weights, SubNetwork network)
    {
        var (recipe, culture) = (model.Recipe, CultureInfo.InvariantCulture);
        var assembly = typeof(ExportMetadata).Assembly;
        yield return new("producer", $"AutoProg.Ort {assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? assembly.GetName().Version?.ToString()}");

        // Readers of the transformers library refuse files that do not say whose layout they have.
        yield return new("format", "pt");
        yield return new("recipe", recipe.Name);
        yield return new("model", model.Model.Name);
        yield return new("policy", PolicyNames.NameOf(recipe.Growth.Policy));
        yield return new("weights", weights);
        yield return new("resolution", network.Resolution.ToString(culture));
        yield return new("depth", network.Depth.ToString(culture));
        yield return new("mean", JsonSerializer.Serialize(recipe.Data.Mean));
        yield return new("std", JsonSerializer.Serialize(recipe.Data.Std));
        yield return new("crop_pct", recipe.Augmentation.CropPct.ToString(culture));
        if (model.Model is DiT dit)
        {
            yield return new("prediction", dit.Config.LearnSigma ? "epsilon, learned variance" : "epsilon");
            yield return new("beta_schedule", recipe.Diffusion.BetaSchedule.ToString().ToLowerInvariant());
            yield return new("timesteps", DiT.Timesteps.ToString(culture));
            yield return new("stages", dit.Config.NumStages.ToString(culture));
            yield return new("stage", model.Stage.ToString(culture));
        }

        yield return new("classes", model.Model.ClassCount.ToString(culture));
        if (model.ClassNames.Count > 0)
        {
            yield return new("class_names", JsonSerializer.Serialize(model.ClassNames));
        }
    }
}
