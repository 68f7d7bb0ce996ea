using System.Globalization;
using System.Runtime.InteropServices;
using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Files;
using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.OnDevice;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Training;

/// <summary>What a model is exported as.</summary>
public enum ExportFormat
{
    /// <summary>
    /// A graph with its weights, for any ONNX runtime: <c>image</c> [B, 3, r, r], normalised, to <c>logits</c> [B, classes], and to <c>features</c> [B, width] where the head stands
    /// on one vector per image. What began as a model file is that file with the new weights.
    /// </summary>
    Onnx,

    /// <summary>Weights under the reference implementation's names.</summary>
    Safetensors,

    /// <summary>A folder with what ONNX Runtime's on-device training loads: see <see cref="TrainingArtifacts"/>.</summary>
    OrtTraining,
}

/// <summary>What to export, and where to.</summary>
public sealed record ExportOptions
{
    /// <summary>Format.</summary>
    public ExportFormat Format { get; init; } = ExportFormat.Onnx;

    /// <summary><c>online</c>, <c>ema-0.998</c>, or <c>best</c> (what the run's last evaluation found best).</summary>
    public string Weights { get; init; } = ModelEvaluation.Best;

    /// <summary>Images per run of the ONNX graph; null leaves it to whoever runs the graph. On-device training always has a size, and null takes the recipe's.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Pixels per side of the ONNX graph; null takes the network's.</summary>
    public int? Resolution { get; init; }

    /// <summary>The file, or folder of on-device training; null is <c>export/model.onnx</c>, <c>export/model.safetensors</c> or <c>export/ort-training</c> in the run's folder.</summary>
    public string? Output { get; init; }

    /// <summary>Is told what was exported.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
}

/// <summary>An exported file, or folder of on-device training, that has been read back and agrees with the live model.</summary>
/// <param name="Path">The file.</param>
/// <param name="Format">Format.</param>
/// <param name="Weights">What it holds: <c>online</c> or <c>ema-0.998</c>.</param>
/// <param name="Resolution">Pixels per side.</param>
/// <param name="BatchSize">Images per run; null is any number, and for weights alone.</param>
/// <param name="WorstDifference">Largest difference of a result to the live model's, relative to the largest; 0 for weights, which are compared bit by bit.</param>
/// <param name="Remark">Why the batch size is fixed although none was asked for, or null.</param>
public sealed record ExportResult(string Path, ExportFormat Format, string Weights, int Resolution, int? BatchSize, double WorstDifference, string? Remark);

/// <summary>Hands trained models over to others.</summary>
public static class ModelExport
{
    // Other kernels and fusions than in training: rounding only.
    private const double Tolerance = 1e-4;

    // Two batch sizes for a graph that takes any, so that a size that was baked in cannot hide.
    private static readonly int[] TriedBatches = [1, 3];

    /// <summary>Writes a file, reads it back, compares it with the live model on random images, and only then puts it in its place.</summary>
    /// <exception cref="ArgumentException">There are no such weights, the model cannot have that resolution, or there is no run's folder to write to and no file was named.</exception>
    /// <exception cref="ExportException">What was written does not compute what the model computes, or the format cannot hold the model: its weights exceed one ONNX file, a name is reserved, nothing learns.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static ExportResult Run(TrainedModel model, ExportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new ExportOptions();
        if (options.BatchSize is { } size)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size, nameof(options));
        }

        if (model.Model is ForeignModel && options is { Format: ExportFormat.Onnx } and not { BatchSize: null, Resolution: null })
        {
            throw new ArgumentException("A model file keeps its interface; leave out batch size and resolution.", nameof(options));
        }

        var weights = model.Resolve(options.Weights, allowAll: false)[0];
        var network = model.Network with { Resolution = options.Resolution ?? model.Network.Resolution };
        var path = Path.GetFullPath(options.Output ?? DefaultPath(model, options.Format));
        try
        {
            var result = options.Format == ExportFormat.OrtTraining
                ? OnDeviceExport.Run(model, weights, network, options.BatchSize ?? model.Recipe.Training.BatchSize, path)
                : WriteFile(model, weights, network, options, path);
            return Told(result, network, options.Logger);
        }
        catch (GraphException error)
        {
            throw new ExportException($"{path}: {error.Message}", error);
        }
    }

    /// <summary>Name of the file or folder in a run's folder of exports.</summary>
    internal static string FileName(ExportFormat format) => format switch
    {
        ExportFormat.Onnx => "model.onnx",
        ExportFormat.Safetensors => "model.safetensors",
        _ => "ort-training",
    };

    /// <summary>All that is left of a model at the end of its run. A run that is complete stays complete where its export fails; the log says how to repeat it.</summary>
    internal static void AfterTraining(TrainedModel model, ILogger log)
    {
        if (model.Model is VaeMicro vae)
        {
            Try($"{VaeExport.EncoderFile} and {VaeExport.DecoderFile}", $"train --resume {model.RunFolder}", log, () =>
            {
                var files = VaeExport.Write(vae, model.Parts.Arena, model.Choices[model.BestWeights], RunDirectory.Open(model.RunFolder!).ExportFolder);
                log.AutoencoderExported(files.Encoder, files.Decoder, model.BestWeights);
            });
        }

        foreach (var format in new[] { ExportFormat.Onnx, ExportFormat.Safetensors })
        {
            Try(FileName(format), $"export {model.RunFolder}", log, () => Run(model, new ExportOptions { Format = format, Logger = log }));
        }
    }

    private static void Try(string files, string again, ILogger log, Action export)
    {
        try
        {
            export();
        }
        catch (Exception error) when (error is ExportException or GraphException or DeviceException or OnnxRuntimeException or IOException or UnauthorizedAccessException)
        {
            log.ExportFailed(files, error.Message, again);
        }
    }

    /// <summary>Writes beside the file's place, compares, and moves it there.</summary>
    private static ExportResult WriteFile(TrainedModel model, string weights, SubNetwork network, ExportOptions options, string path)
    {
        var temporary = WholeFile.TemporaryFor(path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            var result = options.Format == ExportFormat.Onnx
                ? WriteOnnx(model, weights, network, options.BatchSize, temporary)
                : WriteSafetensors(model, weights, network, temporary);
            File.Move(temporary, path, overwrite: true);
            return result with { Path = path };
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static ExportResult Told(ExportResult result, SubNetwork network, ILogger log)
    {
        log.ModelExported(result.Path, result.Weights, network, Proof(result));
        if (result.Remark is { } remark)
        {
            log.ExportRemarked(remark);
        }

        return result;
    }

    private static string Proof(ExportResult result) => result.Format == ExportFormat.Safetensors
        ? "; read back bit by bit"
        : string.Create(CultureInfo.InvariantCulture, $", {(result.BatchSize is { } batch ? $"batch {batch}" : "any batch")}; its results differ from the live model's by {result.WorstDifference:E1} of the largest");

    private static string DefaultPath(TrainedModel model, ExportFormat format) => model.RunFolder is { } run
        ? Path.Combine(RunDirectory.Open(run).ExportFolder, FileName(format))
        : throw new ArgumentException("The model lies in no run's folder; name the file to write.", nameof(model));

    private static ExportResult WriteSafetensors(TrainedModel model, string weights, SubNetwork network, string file)
    {
        var arena = model.Parts.Arena;
        var tensors = CheckpointFiles.Tensors(arena, model.Choices[weights], model.Parts.Split);
        SafetensorsWriter.Write(file, tensors, ExportMetadata.Of(model, weights, network).ToDictionary(StringComparer.Ordinal));
        using var reader = SafetensorsReader.Open(file);
        foreach (var tensor in tensors)
        {
            var read = new float[tensor.Shape.ElementCount];
            reader.Read(tensor.Name, read);
            if (!MemoryMarshal.AsBytes<float>(read).SequenceEqual(MemoryMarshal.AsBytes(tensor.Elements())))
            {
                throw new ExportException($"{file}: tensor '{tensor.Name}' is not what was written; the disk may be failing.");
            }
        }

        return new ExportResult(file, ExportFormat.Safetensors, weights, network.Resolution, BatchSize: null, WorstDifference: 0, Remark: null);
    }

    private static ExportResult WriteOnnx(TrainedModel model, string weights, SubNetwork network, int? batchSize, string file)
    {
        using var device = Device.Open(model.Recipe.Runtime.Device, model.Recipe.Runtime.Threads);
        using var sessions = new SubNetworkSessions(new SubNetworkGraphs(model.Task), device);
        var buffer = model.Choices[weights];
        if (model.Model is ForeignModel foreign)
        {
            File.WriteAllBytes(file, ForeignExport.Write(model, foreign, weights, network));
            var difference = Compare(model, sessions, network, buffer, file, foreign.Batch is { } only ? [only] : TriedBatches, foreign.NamesInFile);
            return new ExportResult(file, ExportFormat.Onnx, weights, network.Resolution, foreign.Batch, difference, Remark: null);
        }

        var anyBatch = batchSize is null ? DynamicBatch.Of(batch => sessions.Graphs.InferenceGraph(network, batch, features: true, storedWeights: true)) : null;
        var (symbolic, fixedBatch) = (anyBatch?.Graph is not null, batchSize ?? TriedBatches[0]);
        var graph = anyBatch?.Graph ?? sessions.Graphs.InferenceGraph(network, fixedBatch, features: true, storedWeights: true);
        var bytes = OnnxWriter.WriteWithWeights(
            graph,
            model.Model.Name,
            name => Tensor.FromFloats(model.Parts.Arena.Layout[name].Parameter.Shape, model.Parts.Arena.Read(buffer, name)),
            ExportMetadata.Of(model, weights, network),
            symbolic ? anyBatch!.BatchAxes : null);
        File.WriteAllBytes(file, bytes);
        var worst = Compare(model, sessions, network, buffer, file, symbolic ? TriedBatches : [fixedBatch], new Dictionary<string, string>());
        return new ExportResult(
            file, ExportFormat.Onnx, weights, network.Resolution, symbolic ? null : fixedBatch, worst,
            anyBatch?.Obstacle is { } obstacle ? $"The batch size is fixed: {obstacle}." : null);
    }

    private static double Compare(TrainedModel model, SubNetworkSessions sessions, SubNetwork network, ArenaBuffer buffer, string file, IEnumerable<int> batches, IReadOnlyDictionary<string, string> namesInFile)
    {
        using var options = new SessionOptions { LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        using var session = new InferenceSession(file, options);
        var worst = 0.0;
        foreach (var batch in batches)
        {
            var live = sessions.Evaluation(network, batch);
            live.Bind(name => model.Parts.Arena.View(buffer, name));
            foreach (var input in model.Task.Objective.Evaluate(new EvaluationSettings(model.Stage, Soft: false)).Inputs(RandomImages(model, network.Resolution, batch)))
            {
                input.Feed(live, batch, 0, batch);
            }

            live.Run();
            var entries = sessions.Graphs.Inference(network, batch).Manifest.Inputs;
            var fed = entries.Select(entry => Fed(live, entry)).ToList();
            using var runOptions = new RunOptions();
            using var outputs = session.Run(runOptions, [.. entries.Select(entry => NameInFile(entry.Name))], fed, [NameInFile(model.Model.OutputName)]);
            worst = Math.Max(worst, RelativeDifference(outputs[0].GetTensorDataAsSpan<float>(), live.Tensor(model.Model.OutputName)));
            fed.ForEach(static value => value.Dispose());
        }

        return Tolerated(worst, file);

        string NameInFile(string name) => namesInFile.GetValueOrDefault(name, name);
    }

    /// <exception cref="ExportException">The difference is not that of rounding.</exception>
    internal static double Tolerated(double worst, string file) => worst <= Tolerance
        ? worst
        : throw new ExportException(string.Create(CultureInfo.InvariantCulture, $"{file}: its results differ from the live model's by {worst:E1} of the largest, allowed is {Tolerance:E0}; the file was not kept."));

    internal static Batch RandomImages(TrainedModel model, int resolution, int count)
    {
        var images = Batch.Blank(count, resolution, model.Model.ClassCount, model.Model.InputChannels);
        var random = new CounterRandom(model.Recipe.Seed, RandomPurpose.BuiltinData, epoch: 0, index: count);
        foreach (ref var pixel in images.Images.Span)
        {
            pixel = (float)random.NextNormal();
        }

        return images;
    }

    private static OrtValue Fed(EvalSession session, TensorEntry input) => Enum.Parse<ElementType>(input.Type) == ElementType.Int64
        ? OrtValue.CreateTensorValueFromMemory(session.Tensor<long>(input.Name).ToArray(), [.. input.Shape])
        : OrtValue.CreateTensorValueFromMemory(session.Tensor(input.Name).ToArray(), [.. input.Shape]);

    internal static double RelativeDifference(ReadOnlySpan<float> exported, ReadOnlySpan<float> live)
    {
        if (exported.Length != live.Length)
        {
            return double.PositiveInfinity;
        }

        var (difference, largest) = (0f, float.Epsilon);
        for (var i = 0; i < live.Length; i++)
        {
            difference = Math.Max(difference, Math.Abs(exported[i] - live[i]));
            largest = Math.Max(largest, Math.Abs(live[i]));
        }

        // NaN compares as larger than every tolerance only when it is made so.
        return float.IsNaN(difference) ? double.PositiveInfinity : difference / largest;
    }
}

/// <summary>An exported model does not compute what the live one computes; the file was not kept.</summary>
public sealed class ExportException : Exception
{
    /// <summary>Creates the exception.</summary>
    public ExportException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public ExportException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    public ExportException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
