using AutoProg.Ort.Recipes;
using AutoProg.Ort.Training;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace HostedTraining;

/// <summary>Trains once in the background of a host, then asks the host to stop.</summary>
internal sealed class TrainingService(TrainerOptions trainers, ILogger<TrainingService> logger, IHostApplicationLifetime lifetime) : BackgroundService
{
    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            Report(await TrainAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            logger.LogWarning("Stopped before the end of training.");
        }
        catch (Exception error)
        {
            logger.LogError(error, "Training failed.");
            Environment.ExitCode = 1;
        }

        lifetime.StopApplication();
    }

    #region readme
    private Task<RunSummary> TrainAsync(CancellationToken stoppingToken)
    {
        var recipe = new Recipe
        {
            Name = "stripes",
            Seed = 42,
            Model = new ModelRecipe { Name = "deit_micro", ImgSize = 32, PatchSize = 8, EmbedDim = 48, NumHeads = 3, Depth = 4 },
            Data = new DataRecipe { Workers = 1 },
            Augmentation = new AugmentationRecipe { Scale = [0.6, 1.0], Hflip = 0, Aa = null, Mixup = 0, Cutmix = 0 },
            Training = new TrainingRecipe { Epochs = 6, BatchSize = 32, EvalInterval = 2, LogInterval = 20 },
            Schedule = new LearningRateRecipe { WarmupEpochs = 1, Per = LearningRateUnit.Step },
            Ema = new EmaRecipe { Decays = [0.95] },
            Growth = new GrowthRecipe { Policy = GrowthPolicyKind.Prog, NumStages = 3 }, // AutoprogOne searches; six epochs are too few for that
        };
        var options = trainers with // the host's, with its loggers, meters and clock
        {
            TrainingImages = new StripesDataset("stripes/train", 640, seed: 1),
            EvaluationImages = new StripesDataset("stripes/val", 160, seed: 2),
            Progress = new ProgressLog(logger, every: 50), // hears of every step, and logs each fiftieth
        };
        return new ProgressiveTrainer(recipe, options).RunAsync(stoppingToken);
    }
    #endregion

    private void Report(RunSummary summary)
    {
        foreach (var stage in summary.Stages)
        {
            logger.LogInformation("Stage {Stage} from epoch {Epoch}: {Network}", stage.Stage + 1, stage.FirstEpoch, stage.Network);
        }

        logger.LogInformation(
            "{Steps} steps in {Seconds:F1} s of training and search; top-1 {Top1:F1} %.", summary.Steps, summary.Times.Runtime, summary.Final?.Top1);
    }
}
