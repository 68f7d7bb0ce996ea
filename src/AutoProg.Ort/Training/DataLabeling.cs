using AutoProg.Ort.Data;
using AutoProg.Ort.Data.TokenLabels;
using AutoProg.Ort.Files;
using AutoProg.Ort.Metrics;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Training;

/// <summary>How training images are labelled place by place.</summary>
public sealed record LabelOptions
{
    /// <summary>An ONNX model that takes [N, 3, r, r] and gives logits [N, K, g, g] or [N, g g, K].</summary>
    public required string Teacher { get; init; }

    /// <summary>The output to take; null takes the only one.</summary>
    public string? Output { get; init; }

    /// <summary>The file to write.</summary>
    public required string File { get; init; }

    /// <summary>Classes to keep per place.</summary>
    public int Top { get; init; } = 5;

    /// <summary>Pixels per side that the teacher sees; null takes what its file says.</summary>
    public int? Resolution { get; init; }

    /// <summary>Is told what goes on.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
}

/// <summary>What was written.</summary>
/// <param name="File">The file.</param>
/// <param name="Images">Images that have a map.</param>
/// <param name="Grid">Places per side of a map.</param>
public sealed record LabelResult(string File, int Images, int Grid);

/// <summary>Writes the label maps of a recipe's training images, for <c>data.token_labels</c>.</summary>
public static class DataLabeling
{
    /// <summary>Labels all training images of a recipe.</summary>
    /// <exception cref="ArgumentException">The number of classes to keep is not positive, or the teacher has no output of that name.</exception>
    /// <exception cref="DataException">The images cannot be used.</exception>
    /// <exception cref="FileFormatException">The teacher cannot be used.</exception>
    /// <exception cref="DeviceException">The device is not there.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; nothing was written.</exception>
    public static LabelResult Run(Recipe recipe, LabelOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Top, nameof(options));
        var images = ImageDatasets.Open(recipe.Data, recipe.Seed, cancellationToken).Train;
        using var device = Device.Open(recipe.Runtime.Device, recipe.Runtime.Threads);
        using var teacher = FeatureExtractor.Open(device, options.Teacher, new FeatureOptions
        {
            Output = options.Output,
            Resolution = options.Resolution,
            Mean = recipe.Data.Mean,
            Std = recipe.Data.Std,
            WholeImages = true,
            MostFeatures = LabelMapWriter.MostLogits,
        });
        var grid = new LabelMapWriter(teacher, options.Top).Write(options.File, images, recipe.Data.MaxCorruptFraction, options.Logger, cancellationToken);
        options.Logger.LabelsWritten(options.File, grid, images.Count);
        return new LabelResult(options.File, images.Count, grid);
    }
}
