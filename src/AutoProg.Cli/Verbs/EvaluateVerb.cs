using AutoProg.Ort.Training;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>Accuracy of a trained model.</summary>
[Verb("evaluate", HelpText = "Evaluate a run, a checkpoint or a safetensors file on the evaluation images.")]
[Example("evaluate runs/baseline")]
[Example("evaluate runs/baseline/checkpoints/best --weights all --img-size 64")]
[Example("evaluate model.safetensors --recipe graphs/quickstart.yaml --data-dir photos --json")]
internal sealed record EvaluateVerb : DataOptions, IVerb
{
    [Value(0, MetaName = "model", Required = true, HelpText = "Folder of a run or of a checkpoint, or a safetensors file.")]
    public string Path { get; init; } = "";

    [Option("recipe", MetaValue = "FILE", HelpText = "Recipe of a safetensors file; a run has its own.")]
    public string? Recipe { get; init; }

    [Option("weights", MetaValue = "NAME", Default = ModelEvaluation.Best, HelpText = "online, ema-<decay>, best (what the run's last evaluation found best) or all.")]
    public string Weights { get; init; } = ModelEvaluation.Best;

    [Option("img-size", MetaValue = "PX", HelpText = "Resolution; the default is the network's.")]
    public int? ImgSize { get; init; }

    [Option("batch-size", MetaValue = "N", HelpText = "Images per pass."), RecipeKey("training.eval_batch_size")]
    public string? BatchSize { get; init; }

    /// <inheritdoc />
    public int Run(VerbContext context)
    {
        using var model = TrainedModel.Open(Path, Recipe, Overrides(), context.Log);
        var results = VerbContext.Ask(() => ModelEvaluation.Run(
            model, new EvaluationOptions { Weights = Weights, Resolution = ImgSize, Logger = context.Log }, context.CancellationToken));
        context.Report(new { Model = model.Model.Name, model.Network, Results = results }, console => console.Write(ModelTables.Of(model, results)));
        return ExitCodes.Done;
    }
}
