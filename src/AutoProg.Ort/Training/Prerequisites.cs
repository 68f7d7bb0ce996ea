using System.Security.Cryptography;
using System.Text;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Training;

/// <summary>
/// What a recipe needs trained first: a recipe (.yaml) in place of initial weights, of a feature model or of an autoencoder. Each is trained once, in a folder beside the run that is
/// named after its content, and taken from there by every later run.
/// </summary>
internal static class Prerequisites
{
    private const string FolderName = "prerequisites";

    /// <summary>
    /// Trains what is missing and puts the files that came out in the recipes' place. A model file gets its absolute path: in the recipe of a run's folder, a relative one would mean
    /// another place.
    /// </summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="options">How runs are embedded; without an output folder prerequisites lie in <c>runs</c>.</param>
    /// <param name="cancellationToken">Cancelling saves the run in progress.</param>
    /// <exception cref="RecipeException">A recipe cannot stand.</exception>
    /// <exception cref="FileNotFoundException">A recipe is not there.</exception>
    public static Recipe Meet(Recipe recipe, TrainerOptions options, CancellationToken cancellationToken)
    {
        var (weights, features, vae) = (recipe.Model.InitialCheckpoint, recipe.Sampling.Features, recipe.Latents.Vae);
        return recipe with
        {
            Model = recipe.Model with
            {
                Onnx = recipe.Model.Onnx is { } onnx ? Path.GetFullPath(onnx) : null,
                InitialCheckpoint = IsRecipe(weights) ? Train(weights!, "model.safetensors") : weights,
            },
            Sampling = recipe.Sampling with { Features = IsRecipe(features) ? Train(features!, "model.onnx") : features },
            Latents = recipe.Latents with { Vae = IsRecipe(vae) ? Path.GetDirectoryName(Train(vae!, VaeExport.DecoderFile)) : vae },
        };

        string Train(string path, string file)
        {
            var first = Adapt(RecipeReader.Read(path), recipe);
            var output = Path.Combine(options.Output ?? "runs", FolderName);
            var name = $"{first.Name}-{Fingerprint(first)}";
            var product = Path.GetFullPath(Path.Combine(output, name, "export", file));
            if (!File.Exists(product))
            {
                options.Logger.PrerequisiteTrained(path, Path.Combine(output, name));
                PolicyComparison.Complete(first, options with { Output = output, Experiment = name, Overwrite = false }, cancellationToken);
            }

            return File.Exists(product)
                ? product
                : throw new IOException($"{product}: the run of {path} is complete, but this file is missing; export it again with 'autoprog export {Path.Combine(output, name)}'.");
        }
    }

    /// <summary>Whether a recipe has to be trained before another.</summary>
    public static bool IsRecipe(string? path) =>
        path is not null && (path.EndsWith(".yaml", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".yml", StringComparison.OrdinalIgnoreCase));

    /// <summary>The same machine, and the same folder where both read the same kind of data.</summary>
    private static Recipe Adapt(Recipe first, Recipe recipe) => first with
    {
        Runtime = recipe.Runtime,
        Data = first.Data.Dataset == recipe.Data.Dataset ? first.Data with { DataDir = recipe.Data.DataDir } : first.Data,
    };

    private static string Fingerprint(Recipe recipe) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(RecipeWriter.Write(recipe))))[..8];
}
