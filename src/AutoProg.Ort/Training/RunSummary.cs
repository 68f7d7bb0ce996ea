using System.Text.Json;
using AutoProg.Ort.Data;
using AutoProg.Ort.Files;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runs;

namespace AutoProg.Ort.Training;

/// <summary>The images of a run.</summary>
/// <param name="Training">What it was trained on.</param>
/// <param name="Evaluation">What it was evaluated on.</param>
public sealed record RunData(DatasetFingerprint Training, DatasetFingerprint Evaluation)
{
    internal static RunData Of(IImageDataset train, IImageDataset val, CancellationToken cancellationToken) =>
        new(DatasetFingerprint.Of(train, cancellationToken), DatasetFingerprint.Of(val, cancellationToken));
}

/// <summary>What came out of a run.</summary>
public sealed record RunSummary
{
    private const long LargestFile = 64L << 20;

    /// <summary>Name in the recipe.</summary>
    public required string Name { get; init; }

    /// <summary>The policy, as recipes spell it.</summary>
    public required string Policy { get; init; }

    /// <summary>Name of the model.</summary>
    public required string Model { get; init; }

    /// <summary>Device and execution provider in use.</summary>
    public required string Device { get; init; }

    /// <summary>The run's seed: the root of all its randomness.</summary>
    public required long Seed { get; init; }

    /// <summary>Threads of ONNX Runtime and of the optimizer.</summary>
    public int Threads { get; init; }

    /// <summary>What the run ended on: versions, processor; null in summaries that were written before they told.</summary>
    public RunEnvironment? Environment { get; init; }

    /// <summary>Which images it was trained and evaluated on; null in summaries that were written before they told.</summary>
    public RunData? Data { get; init; }

    /// <summary>Parameters of the complete model.</summary>
    public required long Parameters { get; init; }

    /// <summary>Updates done.</summary>
    public required long Steps { get; init; }

    /// <summary>Epochs done.</summary>
    public required int Epochs { get; init; }

    /// <summary>Stages as they were trained.</summary>
    public required IReadOnlyList<StageReport> Stages { get; init; }

    /// <summary>Searches with all candidates.</summary>
    public required IReadOnlyList<SearchDecision> Decisions { get; init; }

    /// <summary>The last evaluation: that of the complete model.</summary>
    public EvaluationResult? Final { get; init; }

    /// <summary>The best evaluation; null without any.</summary>
    public EvaluationResult? Best { get; init; }

    /// <summary>How far sampled images are from the evaluation images; null where the recipe asks for no samples.</summary>
    public FrechetResult? Frechet { get; init; }

    /// <summary>Epoch of the best evaluation.</summary>
    public int BestEpoch { get; init; }

    /// <summary>Where the time went.</summary>
    public required RunTimes Times { get; init; }

    /// <summary>Images that could not be read.</summary>
    public required int CorruptImages { get; init; }

    /// <summary>The run's folder; null if no files were written.</summary>
    public string? Folder { get; init; }

    /// <summary>Reads a run's summary.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The summary; null where there is none, since the run has not come to its end.</returns>
    /// <exception cref="FileFormatException">The file is no summary.</exception>
    internal static RunSummary? TryRead(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            return null;
        }

        if (file.Length > LargestFile)
        {
            throw new FileFormatException(path, $"has {file.Length} bytes; a summary of a run has {LargestFile} at most");
        }

        try
        {
            using var stream = file.OpenRead();
            return JsonSerializer.Deserialize<RunSummary>(stream, RunJson.Document) ?? throw new JsonException("it is null");
        }
        catch (JsonException error)
        {
            throw new FileFormatException(path, $"is no summary of a run ({error.Message}); delete it to have the run completed again", error);
        }
    }
}
