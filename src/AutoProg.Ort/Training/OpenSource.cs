using AutoProg.Ort.Data;
using AutoProg.Ort.Data.TokenLabels;
using AutoProg.Ort.Diffusion.Latents;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using Microsoft.Extensions.Logging;

namespace AutoProg.Ort.Training;

/// <summary>A data set as what a recipe's model sees, with what has to be open meanwhile.</summary>
internal sealed class OpenSource : IDisposable
{
    private const int ImageChannels = 3;

    private readonly IDisposable? open;

    private OpenSource(IBatchSource batches, IDisposable? open = null) => (Batches, this.open) = (batches, open);

    /// <summary>Pixels or latents.</summary>
    public IBatchSource Batches { get; }

    /// <summary>Opens training images, with their label maps where the recipe names some.</summary>
    /// <inheritdoc cref="Open"/>
    public static OpenSource OpenTraining(Recipe recipe, LearningTask task, IImageDataset images, Device device, ILogger log, CancellationToken cancellationToken)
    {
        if (recipe.Data.TokenLabels is not { } path)
        {
            return Open(recipe, task, images, device, log, cancellationToken);
        }

        RequireChannels(recipe, task);
        var maps = LabelMapFile.Open(path, images, cancellationToken);
        return new OpenSource(new ImageSource(images, recipe.Data, log, new LabelMaps(maps, task.Model.ResolutionStep)), maps);
    }

    /// <summary>Opens a data set; where the recipe names an autoencoder, images that have no latents yet are encoded.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="task">What it trains.</param>
    /// <param name="images">The data set.</param>
    /// <param name="device">Where the encoder runs.</param>
    /// <param name="log">Hears of corrupt images and of encoding.</param>
    /// <param name="cancellationToken">Ends encoding.</param>
    /// <exception cref="RecipeException">The model does not see what the recipe gives it.</exception>
    /// <exception cref="Files.FileFormatException">The autoencoder cannot be used.</exception>
    public static OpenSource Open(Recipe recipe, LearningTask task, IImageDataset images, Device device, ILogger log, CancellationToken cancellationToken)
    {
        RequireChannels(recipe, task);
        if (recipe.Latents.Vae is null)
        {
            return new OpenSource(new ImageSource(images, recipe.Data, log));
        }

        using var vae = OpenVae(recipe, device);
        if (vae.LatentChannels != task.Model.InputChannels)
        {
            throw recipe.Refuse("model.in_channels", $"{task.Model.InputChannels}", $"expected {vae.LatentChannels}, the channels of the latents of {recipe.Latents.Vae}");
        }

        var request = new LatentCacheRequest
        {
            Folder = recipe.Latents.CacheDir ?? Path.Combine(recipe.Latents.Vae, "latents"),
            Dataset = images,
            Vae = vae,
            BatchSize = recipe.Training.EvalBatchSize,
            Loading = recipe.Data,
            Logger = log,
        };
        var sides = GraphNeeds.Networks(recipe, task).Select(static network => network.Resolution);
        var encoded = LatentDataset.Open(request, sides.Select(side => side * vae.Factor), cancellationToken);
        return new OpenSource(new LatentSource(images, encoded, recipe.Data, vae.LatentChannels, vae.Factor), encoded);
    }

    /// <summary>The autoencoder of a recipe that has one.</summary>
    public static VaeSession OpenVae(Recipe recipe, Device device)
    {
        var folder = recipe.Latents.Vae!;
        return new VaeSession(device, new VaeFiles(Path.Combine(folder, "encoder.onnx"), Path.Combine(folder, "decoder.onnx")) { ScaleFactor = recipe.Latents.ScaleFactor });
    }

    /// <summary>Refuses a model of latents that no autoencoder gives.</summary>
    /// <exception cref="RecipeException">The recipe names no autoencoder, and the model does not see images.</exception>
    public static void RequireChannels(Recipe recipe, LearningTask task)
    {
        if (recipe.Latents.Vae is null && task.Model.InputChannels != ImageChannels)
        {
            throw recipe.Refuse("model.in_channels", $"{task.Model.InputChannels}", $"expected {ImageChannels}, the channels of images; or name an autoencoder with latents.vae");
        }
    }

    /// <inheritdoc />
    public void Dispose() => open?.Dispose();
}
