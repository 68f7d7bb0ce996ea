using AutoProg.Ort.Recipes;
using AutoProg.Ort.Training;
using CommandLine;
using Microsoft.Extensions.Logging;

namespace AutoProg.Cli;

/// <summary>Measures training steps.</summary>
[Verb("bench", HelpText = "Measure the training step of every sub-network of a recipe, or of one model: data, forward and backward, update.")]
[Example("bench graphs/quickstart.yaml --steps 20")]
[Example("bench --model deit_small --img-size 224 --batch-size 8 --json")]
[Example("bench --conv 8x64x112x112,64x64x3x3,p1 8x96x56x56,96x1x7x7,p3,g96")]
internal sealed record BenchVerb : DataOptions, IVerb
{
    private const int UsualBatchSize = 8;

    [Value(0, MetaName = "recipe", HelpText = "Recipe (YAML); not needed with --model or --conv.")]
    public string? Recipe { get; init; }

    [Option("steps", MetaValue = "N", Default = 10, HelpText = "Measured steps; medians count.")]
    public int Steps { get; init; } = 10;

    [Option("warmup-steps", MetaValue = "N", Default = 2, HelpText = "Steps before them.")]
    public int WarmupSteps { get; init; } = 2;

    [Option("profile", HelpText = "Also tell the time of each operator.")]
    public bool Profile { get; init; }

    [Option("profile-nodes", MetaValue = "PATTERN...", HelpText = "Also tell the time of nodes by their names, e.g. '*fold/*'; implies --profile.")]
    public IEnumerable<string> ProfileNodes { get; init; } = [];

    [Option("official", HelpText = "Measure in ONNX Runtime's own training instead; needs a build with -p:OrtFlavor=Training.")]
    public bool Official { get; init; }

    [Option("conv", MetaValue = "LAYER...", HelpText = "Convolutions with their gradients instead of a recipe: image, kernel, and what differs from stride s1, padding p0, dilation d1, groups g1.")]
    public IEnumerable<string> Conv { get; init; } = [];

    [Option("model", MetaValue = "NAME", HelpText = "A model instead of a recipe: one network, built-in images, batches of 8."), RecipeKey("model.name")]
    public string? Model { get; init; }

    [Option("img-size", MetaValue = "PX", HelpText = "Largest resolution."), RecipeKey("model.img_size")]
    public string? ImgSize { get; init; }

    [Option("batch-size", MetaValue = "N", HelpText = "Images per step."), RecipeKey("training.batch_size")]
    public string? BatchSize { get; init; }

    [Option("micro-batch-size", MetaValue = "N", HelpText = "Images per pass; 0 takes what fits."), RecipeKey("training.micro_batch_size")]
    public string? MicroBatchSize { get; init; }

    /// <inheritdoc />
    public int Run(VerbContext context)
    {
        if (Steps < 1 || WarmupSteps < 1)
        {
            throw new UsageException("--steps and --warmup-steps are at least 1");
        }

        if (Conv.Any())
        {
            return Recipe is null && Model is null && !Official && !IsProfiled
                ? RunLayers(context)
                : throw new UsageException("--conv measures layers alone; leave recipe, --model, --official and --profile out");
        }

        if (Official && IsProfiled)
        {
            throw new UsageException("--profile tells the operators of this engine's step; leave --official out");
        }

        if (Recipe is null && Model is null)
        {
            throw new UsageException("expected <recipe>, --model NAME or --conv LAYER");
        }

        var recipe = Recipe is not null
            ? RecipeReader.Read(Recipe, Overrides())
            : RecipeReader.Parse(RecipeWriter.Write(VerbContext.Ask(() => StepBenchmark.RecipeOf(Model!, imgSize: null, UsualBatchSize))), "bench --model", Overrides());
        if (Official)
        {
            var timings = OnDeviceBenchmark.Run(recipe, Steps, WarmupSteps, context.CancellationToken);
            context.Report(new { Subnetworks = timings }, console => console.Write(BenchTables.Of(timings)));
            return ExitCodes.Done;
        }

        var report = StepBenchmark.Run(
            recipe,
            new BenchmarkOptions { Steps = Steps, WarmupSteps = WarmupSteps, Profile = IsProfiled, ProfiledNames = [.. ProfileNodes], Logger = context.Log, Progress = new TimingLog(context.Log) },
            context.CancellationToken);
        context.Report(report, console => BenchTables.Write(console, report));
        return ExitCodes.Done;
    }

    private bool IsProfiled => Profile || ProfileNodes.Any();

    private int RunLayers(VerbContext context)
    {
        var layers = Conv.Select(text => VerbContext.Ask(() => ConvLayer.Parse(text))).ToList();
        var runtime = RecipeReader.Parse(RecipeWriter.Write(StepBenchmark.RecipeOf("deit_micro", imgSize: null, UsualBatchSize)), "bench --conv", Overrides()).Runtime;
        using var device = Ort.Runtime.Device.Open(runtime.Device, runtime.Threads);
        var report = ConvLayerBenchmark.Run(layers, device, new BenchmarkOptions { Steps = Steps, WarmupSteps = WarmupSteps }, context.CancellationToken);
        context.Report(report, console => console.Write(BenchTables.Of(report)));
        return ExitCodes.Done;
    }

    /// <summary>Large models take minutes; every result is told when it is there.</summary>
    private sealed class TimingLog(ILogger log) : IProgress<SubNetworkTiming>
    {
        public void Report(SubNetworkTiming value) =>
            log.LogInformation("r{Resolution} l{Depth}: {Milliseconds:F1} ms per step.", value.Resolution, value.Depth, value.StepMs);
    }
}
