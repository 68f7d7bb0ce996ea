using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Training;

/// <summary>What a model is exported as.</summary>
public enum ExportFormat
{
    /// <summary>A graph with its weights, for any ONNX runtime: <c>image</c> [B, 3, r, r], normalised, to <c>logits</c> [B, classes].</summary>
    Onnx,

    /// <summary>Weights under the reference implementation's names.</summary>
    Safetensors,
}

/// <summary>What to export, and where to.</summary>
public sealed record ExportOptions
{
    /// <summary>Format.</summary>
    public ExportFormat Format { get; init; } = ExportFormat.Onnx;

    /// <summary><c>online</c>, <c>ema-0.998</c>, or <c>best</c> (what the run's last evaluation found best).</summary>
    public string Weights { get; init; } = ModelEvaluation.Best;

    /// <summary>Images per run of the ONNX graph; null leaves it to whoever runs the graph.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Pixels per side of the ONNX graph; null takes the network's.</summary>
    public int? Resolution { get; init; }

    /// <summary>The file; null is <c>export/model.onnx</c> or <c>export/model.safetensors</c> in the run's folder.</summary>
    public string? Output { get; init; }

    /// <summary>Is told what was exported.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
}

/// <summary>An exported file that has been read back and agrees with the live model.</summary>
/// <param name="Path">The file.</param>
/// <param name="Format">Format.</param>
/// <param name="Weights">What it holds: <c>online</c> or <c>ema-0.998</c>.</param>
/// <param name="Resolution">Pixels per side.</param>
/// <param name="BatchSize">Images per run; null is any number, and for weights alone.</param>
/// <param name="WorstDifference">Largest difference of a logit to the live model's, relative to the largest logit; 0 for weights, which are compared bit by bit.</param>
/// <param name="Remark">Why the batch size is fixed although none was asked for, or null.</param>
public sealed record ExportResult(string Path, ExportFormat Format, string Weights, int Resolution, int? BatchSize, double WorstDifference, string? Remark);

/// <summary>Hands trained models over to others.</summary>
public static class ModelExport
{
    /// <summary>Writes a file, reads it back, compares it with the live model on random images, and only then puts it in its place.</summary>
    /// <exception cref="ExportException">What was written does not compute what the model computes.</exception>
    public static ExportResult Run(TrainedModel model, ExportOptions? options = null) => throw new NotSupportedException("Not there yet.");
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
