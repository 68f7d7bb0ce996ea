using System.Globalization;
using System.Numerics.Tensors;
using System.Text.Json;
using AutoProg.Ort.Data;
using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Data.Formats;
using AutoProg.Ort.Files;
using AutoProg.Ort.Metrics;
using AutoProg.Ort.Runtime;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Inference;

/// <summary>A class and how probable it is.</summary>
/// <param name="Name">Its name; its number, from 0, where the model does not tell names.</param>
/// <param name="Probability">0 to 1.</param>
public sealed record ClassProbability(string Name, double Probability);

/// <summary>
/// Classifies images with a model that this engine has exported as ONNX. Size, crop and normalisation are taken from the file, so that images are prepared as they were when the model was
/// evaluated. Thread-safe; one image after the other.
/// </summary>
public sealed class ImageClassifier : IDisposable
{
    private readonly Lock gate = new();
    private readonly Device device;
    private readonly FeatureExtractor logits;
    private readonly int minimumSide;
    private bool disposed;

    private ImageClassifier(Device device, FeatureExtractor logits, double cropPct, IReadOnlyList<string> classNames)
    {
        (this.device, this.logits, ClassNames) = (device, logits, classNames);
        minimumSide = EvaluationCrop.MinimumSide(logits.Resolution, cropPct);
    }

    /// <summary>Names of the classes in the order of the logits.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Pixels per side of what the network sees.</summary>
    public int Resolution => logits.Resolution;

    /// <summary>Loads a model.</summary>
    /// <param name="path">The ONNX file, e.g. <c>export/model.onnx</c> in a run's folder.</param>
    /// <param name="threads">Threads inside an operator; 0 takes the number of processors.</param>
    /// <exception cref="FileFormatException">The file is no classifier that was exported by this engine.</exception>
    /// <exception cref="DeviceException">ONNX Runtime cannot run it.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static ImageClassifier Open(string path, int threads = 0)
    {
        var cpu = Device.Open("cpu", threads);
        FeatureExtractor? model = null;
        try
        {
            model = FeatureExtractor.OpenFor(cpu, path, static session => new FeatureOptions { Output = session.OutputNames is [var first, ..] ? first : null, CropPct = CropPctOf(session.ModelMetadata), BatchSize = 1 });
            return new ImageClassifier(cpu, model, model.Options.CropPct, ClassNamesOf(model));
        }
        catch
        {
            model?.Dispose();
            cpu.Dispose();
            throw;
        }
    }

    /// <summary>Classifies the content of an image file (JPEG, PNG, BMP, WebP).</summary>
    /// <param name="file">The content; nothing of it is trusted.</param>
    /// <returns>All classes, the most probable first.</returns>
    /// <exception cref="ImageUnreadableException">It is no image, cut off, or larger than <see cref="RgbImage.MaxPixels"/>.</exception>
    public IReadOnlyList<ClassProbability> Classify(ReadOnlySpan<byte> file)
    {
        using var image = ImageDecoder.Decode(file, minimumSide);
        return Classify(image);
    }

    /// <summary>Classifies an image of any size.</summary>
    /// <param name="image">Stays the caller's.</param>
    /// <returns>All classes, the most probable first.</returns>
    /// <exception cref="ObjectDisposedException">The classifier is disposed.</exception>
    public IReadOnlyList<ClassProbability> Classify(RgbImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        float[] scores;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            scores = logits.Extract([image]);
        }

        // SoftMax takes exponentials as they are: of large logits they would be infinite.
        TensorPrimitives.Subtract<float>(scores, TensorPrimitives.Max<float>(scores), scores);
        TensorPrimitives.SoftMax(scores, scores);
        return [.. scores.Select((probability, i) => new ClassProbability(ClassNames[i], probability)).OrderByDescending(static c => c.Probability)];
    }

    /// <inheritdoc />
    public void Dispose()
    {
        lock (gate)
        {
            if (!disposed)
            {
                disposed = true;
                logits.Dispose();
                device.Dispose();
            }
        }
    }

    private static double CropPctOf(ModelMetadata model) => double.TryParse(model.CustomMetadataMap.GetValueOrDefault("crop_pct"), CultureInfo.InvariantCulture, out var crop) && crop is > 0 and <= 1 ? crop : 1;

    private static string[] ClassNamesOf(FeatureExtractor model)
    {
        var names = model.Metadata.GetValueOrDefault("class_names") is { } text ? ParsedNames(text) : [.. Enumerable.Range(0, model.Dimension).Select(static i => i.ToString(CultureInfo.InvariantCulture))];
        return names.Length == model.Dimension && !Array.Exists(names, static name => name is null)
            ? names
            : throw new FileFormatException(model.Path, $"it gives {model.Dimension} numbers per image and names {names.Length} classes; export a classifier with 'autoprog export'");

        string[] ParsedNames(string json)
        {
            try
            {
                return JsonSerializer.Deserialize<string[]>(json) ?? [];
            }
            catch (JsonException error)
            {
                throw new FileFormatException(model.Path, $"its metadata 'class_names' is no list of texts ({error.Message}); export it again with 'autoprog export'", error);
            }
        }
    }
}
