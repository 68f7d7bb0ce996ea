using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Files;
using AutoProg.Ort.Runtime;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Metrics;

/// <summary>How images become features. What is null is taken from the model file, where models exported by this engine say it.</summary>
public sealed record FeatureOptions
{
    /// <summary>The output to take, of any rank; what follows its batch axis is one vector. Null takes <c>features</c>, else the last output of rank 2, else the only one.</summary>
    public string? Output { get; init; }

    /// <summary>Pixels per side of the network's input.</summary>
    public int? Resolution { get; init; }

    /// <summary>Three channel means on the scale 0 to 1.</summary>
    public IReadOnlyList<double>? Mean { get; init; }

    /// <summary>Three positive channel standard deviations on the same scale.</summary>
    public IReadOnlyList<double>? Std { get; init; }

    /// <summary>Whether a whole image is squeezed into the square, so that places of the result are places of the image; otherwise its middle is taken.</summary>
    public bool WholeImages { get; init; }

    /// <summary>The middle's side over that of the resized image, above 0 to 1.</summary>
    public double CropPct { get; init; } = 1;

    /// <summary>Numbers per image that the model may give.</summary>
    public int MostFeatures { get; init; } = FeatureAccumulator.MaxDimension;

    /// <summary>Images per run where the model leaves it open, 1 to 4096.</summary>
    public int BatchSize { get; init; } = 32;
}

/// <summary>Turns images into feature vectors with any ONNX model that takes one batch of RGB images, [N, 3, H, W].</summary>
public sealed class FeatureExtractor : IDisposable
{
    private const int LargestBatch = 4096;
    private const int LargestResolution = 4096;
    private const long LargestFile = int.MaxValue;
    private const long MostElements = 1L << 28;

    private readonly InferenceSession session;
    private readonly RunOptions runOptions = new();
    private readonly Normalization normalization;
    private readonly Canvas canvas = new();
    private readonly float[] pixels;
    private readonly bool fixedBatch;

    private FeatureExtractor(string path, string sha256, InferenceSession session, FeatureOptions options)
    {
        (Path, Sha256, this.session, Options) = (path, sha256, session, options);
        var (input, dims) = FindInput();
        Input = input;
        fixedBatch = dims[0] > 0;
        BatchSize = Within(fixedBatch ? dims[0] : options.BatchSize, LargestBatch, "images per run");
        Resolution = FindResolution(dims, options);
        if (options.CropPct is not (> 0 and <= 1))
        {
            throw Refused(string.Create(CultureInfo.InvariantCulture, $"a crop of {options.CropPct} was asked for, expected above 0 to 1"));
        }

        var (mean, std) = (options.Mean ?? Numbers("mean"), options.Std ?? Numbers("std"));
        try
        {
            normalization = new Normalization(mean, std);
        }
        catch (ArgumentException error)
        {
            throw new FileFormatException(path, $"its images cannot be normalised: {error.Message}", error);
        }

        Output = FindOutput(options.Output);
        var elements = 3L * BatchSize * Resolution * Resolution;
        pixels = new float[elements <= MostElements ? elements : throw Refused($"{BatchSize} images of {Resolution} x {Resolution} pixels in one run need {elements * sizeof(float) >> 20} MiB, expected at most {MostElements * sizeof(float) >> 20}")];
        Dimension = FindDimension();
    }

    /// <summary>The model file.</summary>
    public string Path { get; }

    /// <summary>Its SHA-256, hexadecimal: a distance means nothing without the network that it was measured with.</summary>
    public string Sha256 { get; }

    /// <summary>Name of the input that takes the images.</summary>
    public string Input { get; }

    /// <summary>Name of the output that is taken.</summary>
    public string Output { get; }

    /// <summary>Features of an image.</summary>
    public int Dimension { get; }

    /// <summary>Dimensions of what is given for an image: those of the output without its first.</summary>
    public IReadOnlyList<long> FeatureShape { get; private set; } = [];

    /// <summary>Pixels per side of the network's input.</summary>
    public int Resolution { get; }

    /// <summary>Images of one run.</summary>
    public int BatchSize { get; }

    /// <summary>What the model was opened with.</summary>
    internal FeatureOptions Options { get; }

    /// <summary>What the file says about itself.</summary>
    internal IReadOnlyDictionary<string, string> Metadata => session.ModelMetadata.CustomMetadataMap;

    /// <summary>Loads a model.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="path">The ONNX file.</param>
    /// <param name="options">Settings; null leaves everything to the file.</param>
    /// <exception cref="FileFormatException">The file is no ONNX model, does not take one batch of RGB images, gives no float vectors, or does not say how images are prepared for it.</exception>
    /// <exception cref="ArgumentException">The options name an output that the file does not have.</exception>
    /// <exception cref="DeviceException">The device cannot run it.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static FeatureExtractor Open(Device device, string path, FeatureOptions? options = null) => OpenFor(device, path, _ => options ?? new FeatureOptions());

    /// <summary>Loads a model with options that depend on it.</summary>
    internal static FeatureExtractor OpenFor(Device device, string path, Func<InferenceSession, FeatureOptions> optionsFor)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentException.ThrowIfNullOrEmpty(path);
        var length = new FileInfo(path).Length;
        if (length > LargestFile)
        {
            throw new FileFormatException(path, $"{length} bytes long; one ONNX file holds at most {LargestFile}");
        }

        var model = File.ReadAllBytes(path);
        InferenceSession loaded;
        try
        {
            loaded = device.Load(model, System.IO.Path.GetFileName(path));
        }
        catch (OnnxRuntimeException error)
        {
            throw new FileFormatException(path, $"ONNX Runtime does not load it: {error.Message}", error);
        }

        try
        {
            return new FeatureExtractor(path, Convert.ToHexStringLower(SHA256.HashData(model)), loaded, optionsFor(loaded));
        }
        catch (OnnxRuntimeException error)
        {
            loaded.Dispose();
            throw new FileFormatException(path, $"ONNX Runtime does not run it: {error.Message}", error);
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Computes the features of images of any size: the shorter side is resized to <see cref="Resolution"/> / <see cref="FeatureOptions.CropPct"/>, bicubic with antialiasing, and the
    /// middle is taken, so that of a square image nothing is lost where that is 1. With <see cref="FeatureOptions.WholeImages"/> both sides are resized to <see cref="Resolution"/> instead.
    /// </summary>
    /// <param name="images">At most <see cref="BatchSize"/>; they stay the caller's.</param>
    /// <returns>[count, <see cref="Dimension"/>].</returns>
    /// <exception cref="ArgumentException">There are none, or more.</exception>
    public float[] Extract(IReadOnlyList<RgbImage> images)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Count < 1 || images.Count > BatchSize)
        {
            throw new ArgumentException($"{images.Count} images were given, expected 1 to {BatchSize}.", nameof(images));
        }

        var size = 3 * Resolution * Resolution;
        for (var i = 0; i < images.Count; i++)
        {
            Place(images[i]);
            normalization.Apply(canvas, pixels.AsSpan(i * size, size));
        }

        return Run(images.Count)[..(images.Count * Dimension)];
    }

    /// <summary>Adds the features of any number of images, batch by batch.</summary>
    /// <param name="images">They are disposed when they have been used.</param>
    /// <param name="accumulator">Receives the features.</param>
    /// <param name="cancellation">Looked at between batches.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void AddTo(FeatureAccumulator accumulator, IEnumerable<RgbImage> images, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(accumulator);
        ArgumentNullException.ThrowIfNull(images);
        foreach (var batch in images.Chunk(BatchSize))
        {
            cancellation.ThrowIfCancellationRequested();
            accumulator.Add(Extract(batch));
            foreach (var image in batch)
            {
                image.Dispose();
            }
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        runOptions.Dispose();
        session.Dispose();
    }

    private void Place(RgbImage image)
    {
        if (!Options.WholeImages)
        {
            EvaluationCrop.Apply(image, Resolution, Options.CropPct, canvas);
            return;
        }

        canvas.Resize(Resolution, Resolution);
        BicubicResize.Resize(
            image.Pixels, image.Width, new Box(0, 0, image.Width, image.Height), Resolution, Resolution, new Box(0, 0, Resolution, Resolution), canvas.Pixels, canvas.Resampling);
    }

    /// <summary>A model of a fixed batch runs it whole; what stands in the unused places does not matter.</summary>
    private float[] Run(int count)
    {
        var rows = fixedBatch ? BatchSize : count;
        var length = rows * 3 * Resolution * Resolution;
        using var input = OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, pixels.AsMemory(0, length), [rows, 3, Resolution, Resolution]);
        using var outputs = session.Run(runOptions, [Input], [input], [Output]);
        var shape = outputs[0].GetTensorTypeAndShape().Shape;
        var features = outputs[0].GetTensorDataAsSpan<float>();
        if (shape.Length < 2 || shape[0] != rows || features.IsEmpty || (Dimension != 0 && features.Length != (long)rows * Dimension))
        {
            throw Refused($"output '{Output}' is [{string.Join(", ", shape)}] for {rows} images, expected [{rows}, {(Dimension == 0 ? "..." : $"{Dimension} numbers")}]; name another output");
        }

        FeatureShape = shape[1..];
        return features.ToArray();
    }

    private int FindDimension()
    {
        var dimension = Run(1).Length / (fixedBatch ? BatchSize : 1);
        return dimension <= Options.MostFeatures
            ? dimension
            : throw Refused($"output '{Output}' has {dimension} features per image, expected at most {Options.MostFeatures}; name another output");
    }

    private (string Name, int[] Dims) FindInput()
    {
        var inputs = session.InputMetadata;
        return inputs.Count == 1 && inputs.First() is var (name, input) && input.IsTensor && input.ElementType == typeof(float) && input.Dimensions is [_, 3, _, _]
            ? (name, input.Dimensions)
            : throw Refused($"it takes {string.Join(", ", inputs.Select(static i => Described(i.Key, i.Value)))}; expected one float input [N, 3, H, W]");
    }

    private int FindResolution(int[] dims, FeatureOptions options)
    {
        var (height, width) = (dims[2], dims[3]);
        if (height > 0 && width > 0)
        {
            return height != width ? throw Refused($"its images are {height} x {width}, expected squares")
                : options.Resolution is { } asked && asked != height ? throw Refused($"its images have {height} pixels per side, and {asked} were asked for")
                : Within(height, LargestResolution, "pixels per side");
        }

        var resolution = options.Resolution ?? (int.TryParse(Metadata.GetValueOrDefault("resolution"), NumberStyles.Integer, CultureInfo.InvariantCulture, out var told) ? told : 0);
        return resolution == 0
            ? throw Refused("neither its input nor its metadata 'resolution' says how large images must be; set the resolution")
            : Within(resolution, LargestResolution, "pixels per side");
    }

    private string FindOutput(string? asked)
    {
        var outputs = session.OutputMetadata;
        var names = session.OutputNames;
        if (asked is not null && !outputs.ContainsKey(asked))
        {
            throw new ArgumentException($"{Path} has no output '{asked}'; it gives {string.Join(", ", outputs.Select(static o => Described(o.Key, o.Value)))}.");
        }

        var name = asked ?? names.FirstOrDefault(static n => n == ModelGraph.FeaturesOutput) ?? names.LastOrDefault(n => outputs[n].IsTensor && outputs[n].Dimensions.Length == 2) ?? (names.Count == 1 ? names[0] : null);
        return name is not null && outputs.TryGetValue(name, out var output) && output.IsTensor && output.ElementType == typeof(float) && output.Dimensions.Length >= 2
            ? name
            : throw Refused($"it gives {string.Join(", ", outputs.Select(static o => Described(o.Key, o.Value)))}; {(asked is null ? "name the output to take" : $"'{asked}' is none that holds float vectors")}");
    }

    private double[] Numbers(string key)
    {
        try
        {
            return Metadata.GetValueOrDefault(key) is { } text
                ? JsonSerializer.Deserialize<double[]>(text) ?? throw new JsonException("is null")
                : throw Refused($"its metadata has no '{key}'; set mean and std, for instance 0.5,0.5,0.5 each for a network that takes -1 to 1");
        }
        catch (JsonException error)
        {
            throw new FileFormatException(Path, $"its metadata '{key}' is no list of numbers ({error.Message}); set mean and std", error);
        }
    }

    private int Within(int number, int largest, string what) =>
        number >= 1 && number <= largest ? number : throw Refused($"{number} {what}, expected 1 to {largest}");

    private FileFormatException Refused(string problem) => new(Path, problem);

    private static string Described(string name, NodeMetadata node) =>
        node.IsTensor ? $"'{name}' ({node.ElementType.Name}[{string.Join(", ", node.Dimensions.Select(static dim => dim > 0 ? $"{dim}" : "?"))}])" : $"'{name}'";
}
