using AutoProg.Ort.Data;
using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Metrics;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Training;

/// <summary>How far what a diffusion model draws is from real images: the Frechet distance between their features.</summary>
public static class FrechetEvaluation
{
    /// <summary>Samples as many images as asked for, with the classes of the real images in their order, and compares the features of both.</summary>
    /// <param name="model">A diffusion model of images.</param>
    /// <param name="images">Real images.</param>
    /// <param name="options">How samples are drawn; their number is <see cref="SampleOptions.Count"/>.</param>
    /// <param name="features">The ONNX model that turns images into features; null takes the recipe's.</param>
    /// <param name="cancellationToken">Looked at between steps and batches.</param>
    /// <exception cref="ArgumentException">No feature model is named, the model is no diffusion model, or a setting does not fit it.</exception>
    /// <exception cref="Files.FileFormatException">The feature model cannot be used.</exception>
    /// <exception cref="DataException">A real image cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static FrechetResult Run(TrainedModel model, IImageDataset images, SampleOptions options, string? features = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(options);
        var path = features ?? model.Recipe.Sampling.Features
            ?? throw new ArgumentException("A Frechet distance compares the features of some network: name an ONNX file with sampling.features, Inception v3's for FID proper, or a classifier's that was trained here.", nameof(features));
        using var device = Device.Open(model.Recipe.Runtime.Device, model.Recipe.Runtime.Threads);
        using var extractor = FeatureExtractor.Open(device, path);
        var (real, drawn) = (new FeatureAccumulator(extractor.Dimension), new FeatureAccumulator(extractor.Dimension));
        extractor.AddTo(real, Real(images, extractor.Resolution), cancellationToken);
        int[] labels = [.. Enumerable.Range(0, options.Count).Select(i => images.LabelOf((int)((long)i * images.Count / options.Count)))];
        extractor.AddTo(drawn, Drawn(model, options, labels, cancellationToken), cancellationToken);
        return new FrechetResult(
            FrechetDistance.Between(real.ToStatistics(), drawn.ToStatistics()),
            options.Count,
            images.Count,
            $"{Path.GetFileName(path)}:{extractor.Output}",
            extractor.Sha256,
            ModelSampling.Describe(model, options),
            model.Resolve(options.Weights, allowAll: false)[0]);
    }

    private static IEnumerable<RgbImage> Real(IImageDataset images, int resolution)
    {
        for (var i = 0; i < images.Count; i++)
        {
            RgbImage image;
            try
            {
                image = images.Load(i, resolution);
            }
            catch (ImageUnreadableException unreadable)
            {
                throw new DataException($"{images.Describe(i)}: {unreadable.Message} Remove it; a Frechet distance needs all of its reference images.", unreadable);
            }

            yield return image;
        }
    }

    private static IEnumerable<RgbImage> Drawn(TrainedModel model, SampleOptions options, int[] labels, CancellationToken cancellationToken)
    {
        foreach (var batch in ModelSampling.Draw(model, options, labels, progress: null, cancellationToken))
        {
            var size = batch.Samples.Length / batch.Labels.Count;
            for (var i = 0; i < batch.Labels.Count; i++)
            {
                yield return SampleImages.ToImage(batch.Samples.AsSpan(i * size, size), ModelSampling.SideOf(size), ModelSampling.SideOf(size));
            }
        }
    }
}
