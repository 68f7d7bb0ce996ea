using AutoProg.Ort.Recipes;
using AutoProg.Ort.Training;

namespace TrainAndServe;

/// <summary>Trains round after round, each from the weights of the one before, and hands every model over as soon as it is exported.</summary>
internal sealed class TrainingService(TrainerOptions trainers, LiveModel live, IConfiguration settings, ILogger<TrainingService> logger) : BackgroundService
{
    /// <summary>What a round trains: shapes in ten classes, generated.</summary>
    /// <param name="seed">Other images in every round.</param>
    /// <param name="weights">Weights to start from, or null.</param>
    internal static Recipe RecipeOf(long seed, string? weights) => new()
    {
        Name = "shapes",
        Seed = seed,
        Model = new ModelRecipe { Name = "deit_micro", ImgSize = 16, PatchSize = 4, EmbedDim = 24, NumHeads = 2, Depth = 4, InitialCheckpoint = weights },
        Data = new DataRecipe { Dataset = DatasetKind.Builtin, TrainSamples = 640, ValSamples = 100, Workers = 1 },
        Augmentation = new AugmentationRecipe { Scale = [0.6, 1], Aa = null, Mixup = 0, Cutmix = 0 },
        Training = new TrainingRecipe { Epochs = 4, BatchSize = 32 },
        Optimizer = new OptimizerRecipe { Lr = 3e-3 },
        Schedule = new LearningRateRecipe { WarmupEpochs = 1, Per = LearningRateUnit.Step },
        Growth = new GrowthRecipe { Policy = GrowthPolicyKind.Prog, NumStages = 2 },
        Runtime = new RuntimeRecipe { Threads = 1 },
    };

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        string? weights = null;
        for (var round = 1; round <= settings.GetValue("rounds", 3); round++)
        {
            var version = $"round-{round}";
            var summary = await new ProgressiveTrainer(RecipeOf(round, weights), trainers with { Experiment = version }).RunAsync(stoppingToken);
            var exported = Path.Combine(summary.Folder!, "export");
            live.Swap(version, Path.Combine(exported, "model.onnx"));
            logger.LogInformation("{Version} answers from now on: {Top1:F1} % of {Images} images right.", version, summary.Final?.Top1, summary.Data?.Evaluation.Images);
            weights = Path.Combine(exported, "model.safetensors");
        }
    }
}
