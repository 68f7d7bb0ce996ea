using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Training;
using CommandLine;

namespace AutoProg.Cli;

/// <summary>Draws images from a diffusion model.</summary>
[Verb("sample", HelpText = "Sample images from a trained diffusion model, as a PNG grid and for evaluation suites as .npz.")]
[Example("sample runs/dit --count 40 --steps 50 --cfg 1.5")]
[Example("sample runs/dit --class 3 --sampler ddpm --steps 250 --seed 7 --output threes.png")]
[Example("sample runs/dit --count 5000 --npz samples.npz")]
internal sealed record SampleVerb : RuntimeOptions, IVerb
{
    [Value(0, MetaName = "model", Required = true, HelpText = "Folder of a run or of a checkpoint, or a file of weights.")]
    public string Path { get; init; } = "";

    [Option("class", MetaValue = "N", HelpText = "The class of all samples; the default goes through all classes in turn.")]
    public int? ClassLabel { get; init; }

    [Option("cfg", MetaValue = "X", HelpText = "Scale of classifier-free guidance; 1 is none. The default is the recipe's.")]
    public double? Cfg { get; init; }

    [Option("guidance", MetaValue = "FORM", Default = GuidanceForm.Three, HelpText = "three (the first three channels, as DiT's published code) or all.")]
    public GuidanceForm Guidance { get; init; }

    [Option("sampler", MetaValue = "NAME", HelpText = "ddim or ddpm; the default is the recipe's.")]
    public SamplerKind? Sampler { get; init; }

    [Option("steps", MetaValue = "N", HelpText = "Steps of the sampler; the default is the recipe's.")]
    public int? Steps { get; init; }

    [Option("eta", MetaValue = "X", HelpText = "Noise of DDIM's steps, 0 to 1; the default is the recipe's.")]
    public double? Eta { get; init; }

    [Option("count", MetaValue = "N", Default = 16, HelpText = "Number of samples.")]
    public int Count { get; init; } = 16;

    [Option("stage", MetaValue = "K", HelpText = "Stage that the model is told, from 0; the default is the last one that was trained.")]
    public int? Stage { get; init; }

    [Option("seed", MetaValue = "N", Default = 0L, HelpText = "Seed of all noise; a sample depends on it and its own number alone.")]
    public long Seed { get; init; }

    [Option("batch-size", MetaValue = "N", Default = 64, HelpText = "Samples per run of the network.")]
    public int BatchSize { get; init; } = 64;

    [Option("weights", MetaValue = "NAME", Default = ModelEvaluation.Best, HelpText = "online, ema-<decay> or best (what the run's last evaluation found best).")]
    public string Weights { get; init; } = ModelEvaluation.Best;

    [Option("columns", MetaValue = "N", HelpText = "Samples beside each other; the default is the number of classes.")]
    public int? Columns { get; init; }

    [Option("output", MetaValue = "FILE", HelpText = "The grid; the default is samples.png in the run's folder.")]
    public string? Output { get; init; }

    [Option("npz", MetaValue = "FILE", HelpText = "Write all samples as uint8 arr_0 [N, H, W, 3], too.")]
    public string? Npz { get; init; }

    [Option("recipe", MetaValue = "FILE", HelpText = "Recipe of a file of weights; a run has its own.")]
    public string? Recipe { get; init; }

    /// <inheritdoc />
    public int Run(VerbContext context)
    {
        using var model = TrainedModel.Open(Path, Recipe, Overrides(), context.Log);
        var output = Output ?? (model.RunFolder is { } run ? System.IO.Path.Combine(run, "samples.png") : "samples.png");
        var options = new SampleOptions
        {
            Count = Count,
            ClassLabel = ClassLabel,
            Cfg = Cfg,
            Guidance = Guidance,
            Sampler = Sampler,
            Steps = Steps,
            Eta = Eta,
            Stage = Stage,
            Seed = Seed,
            Weights = Weights,
            BatchSize = BatchSize,
        };
        var result = VerbContext.Ask(() => SampleFiles.Write(
            model, options, new SampleFileOptions { Grid = output, Columns = Columns, Npz = Npz, Logger = context.Log }, context.CancellationToken));
        context.Report(result, console => console.Write(Tables.Facts(
        [
            ("samples", $"{result.Count} of {result.Resolution} x {result.Resolution} pixels"),
            ("sampler", result.Sampler),
            ("weights", result.Weights),
            ("grid", $"{result.Grid}{(result.InGrid < result.Count ? $" (the first {result.InGrid})" : "")}"),
            .. result.Npz is { } npz ? [("npz", npz)] : Array.Empty<(string, string)>(),
        ])));
        return ExitCodes.Done;
    }
}
