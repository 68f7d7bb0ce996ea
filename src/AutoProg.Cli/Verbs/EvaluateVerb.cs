using AutoProg.Ort.Data;
using AutoProg.Ort.Training;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>Accuracy of a trained model.</summary>
[Verb("evaluate", HelpText = "Evaluate a run, a checkpoint or a file of weights on the evaluation images: accuracy or loss, or the Frechet distance of samples.")]
[Example("evaluate runs/baseline")]
[Example("evaluate runs/baseline/checkpoints/best --weights all --img-size 64")]
[Example("evaluate runs/dit --metric fid --samples 5000 --features inception.onnx")]
[Example("evaluate model.safetensors --recipe graphs/quickstart.yaml --data-dir photos --json")]
internal sealed record EvaluateVerb : DataOptions, IVerb
{
    [Value(0, MetaName = "model", Required = true, HelpText = "Folder of a run or of a checkpoint, or a file of weights.")]
    public string Path { get; init; } = "";

    [Option("recipe", MetaValue = "FILE", HelpText = "Recipe of a file of weights; a run has its own.")]
    public string? Recipe { get; init; }

    [Option("weights", MetaValue = "NAME", Default = ModelEvaluation.Best, HelpText = "online, ema-<decay>, best (what the run's last evaluation found best) or all.")]
    public string Weights { get; init; } = ModelEvaluation.Best;

    [Option("img-size", MetaValue = "PX", HelpText = "Resolution; the default is the network's.")]
    public int? ImgSize { get; init; }

    [Option("metric", MetaValue = "NAME", Default = EvaluationMetric.Loss, HelpText = "loss (and accuracy, where there is one), or fid: the Frechet distance between samples of a diffusion model and the evaluation images.")]
    public EvaluationMetric Metric { get; init; }

    [Option("samples", MetaValue = "N", Default = 5000, HelpText = "Images that --metric fid samples.")]
    public int Samples { get; init; } = 5000;

    [Option("features", MetaValue = "FILE", HelpText = "The ONNX model whose features --metric fid compares: Inception v3's for FID proper, or a classifier's that was trained here."), RecipeKey("sampling.features")]
    public string? Features { get; init; }

    [Option("batch-size", MetaValue = "N", HelpText = "Images per pass."), RecipeKey("training.eval_batch_size")]
    public string? BatchSize { get; init; }

    /// <inheritdoc />
    public int Run(VerbContext context)
    {
        using var model = TrainedModel.Open(Path, Recipe, Overrides(), context.Log);
        return Metric == EvaluationMetric.Fid ? Frechet(context, model) : Loss(context, model);
    }

    private int Frechet(VerbContext context, TrainedModel model)
    {
        var images = ImageDatasets.Open(model.Recipe.Data, model.Recipe.Seed, context.CancellationToken).Val;
        var result = VerbContext.Ask(() => FrechetEvaluation.Run(model, images, new SampleOptions { Count = Samples, Weights = Weights }, features: null, context.CancellationToken));
        context.Report(result, console => console.Write(Tables.Facts(("Frechet distance", Text.Number(result.Distance, 3)), ("from", result.Basis))));
        return ExitCodes.Done;
    }

    private int Loss(VerbContext context, TrainedModel model)
    {
        var results = VerbContext.Ask(() => ModelEvaluation.Run(
            model, new EvaluationOptions { Weights = Weights, Resolution = ImgSize, Logger = context.Log }, context.CancellationToken));
        context.Report(new { Model = model.Model.Name, model.Network, Results = results }, console => console.Write(ModelTables.Of(model, results)));
        return ExitCodes.Done;
    }
}

/// <summary>What an evaluation measures.</summary>
internal enum EvaluationMetric
{
    /// <summary>Loss, and accuracy where there is one.</summary>
    Loss,

    /// <summary>Frechet distance between samples and the evaluation images.</summary>
    Fid,
}
