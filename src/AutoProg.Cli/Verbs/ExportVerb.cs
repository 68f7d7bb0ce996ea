using AutoProg.Ort.Training;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>Hands a trained model over.</summary>
[Verb("export", HelpText = "Export a trained model, and compare the file with the live model before it is kept.")]
[Example("export runs/baseline --format onnx")]
[Example("export runs/baseline --format safetensors --weights online --output model.safetensors")]
[Example("export runs/baseline --format ort-training --batch-size 8 --output phone")]
internal sealed record ExportVerb : RuntimeOptions, IVerb
{
    [Value(0, MetaName = "model", Required = true, HelpText = "Folder of a run or of a checkpoint, or a file of weights.")]
    public string Path { get; init; } = "";

    [Option("format", MetaValue = "FORMAT", Default = ExportFormat.Onnx, HelpText = "onnx, safetensors, or ort-training (a folder for ONNX Runtime's on-device training).")]
    public ExportFormat Format { get; init; }

    [Option("output", MetaValue = "FILE", HelpText = "The file or folder; the default is export/model.onnx, export/model.safetensors or export/ort-training in the run's folder.")]
    public string? Output { get; init; }

    [Option("recipe", MetaValue = "FILE", HelpText = "Recipe of a file of weights; a run has its own.")]
    public string? Recipe { get; init; }

    [Option("weights", MetaValue = "NAME", Default = ModelEvaluation.Best, HelpText = "online, ema-<decay> or best (what the run's last evaluation found best).")]
    public string Weights { get; init; } = ModelEvaluation.Best;

    [Option("img-size", MetaValue = "PX", HelpText = "Resolution of the ONNX graph; the default is the network's.")]
    public int? ImgSize { get; init; }

    [Option("batch-size", MetaValue = "N", HelpText = "Images per run of the ONNX graph; the default leaves it open, and is the recipe's batch for ort-training.")]
    public int? BatchSize { get; init; }

    /// <inheritdoc />
    public int Run(VerbContext context)
    {
        if (BatchSize < 1)
        {
            throw new UsageException("--batch-size is at least 1");
        }

        using var model = TrainedModel.Open(Path, Recipe, Overrides(), context.Log);
        var result = VerbContext.Ask(() => ModelExport.Run(
            model, new ExportOptions { Format = Format, Output = Output, Weights = Weights, Resolution = ImgSize, BatchSize = BatchSize, Logger = context.Log }));
        context.Report(result, console => console.Write(ModelTables.Of(result)));
        return ExitCodes.Done;
    }
}
