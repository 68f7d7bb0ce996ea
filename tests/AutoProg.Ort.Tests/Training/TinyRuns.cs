using AutoProg.Ort.Recipes;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

/// <summary>Recipes whose runs take about a second.</summary>
internal static class TinyRuns
{
    public static Recipe Recipe { get; } = new()
    {
        Name = "tiny",
        Seed = 7,
        Model = new ModelRecipe { Name = "deit_micro", ImgSize = 16, PatchSize = 4, EmbedDim = 12, NumHeads = 2, Depth = 4 },
        Data = new DataRecipe { TrainSamples = 32, ValSamples = 20, Workers = 1, Prefetch = 1 },
        Training = new TrainingRecipe { Epochs = 4, BatchSize = 8, EvalBatchSize = 8 },
        Schedule = new LearningRateRecipe { WarmupEpochs = 0 },
        Ema = new EmaRecipe { Decays = [0.5, 0.9] },
        Growth = new GrowthRecipe { Policy = GrowthPolicyKind.Prog, NumStages = 2 },
        Runtime = new RuntimeRecipe { Threads = 1 },
    };

    /// <summary>Trains, and returns the run's folder.</summary>
    public static string Train(string output, Recipe? recipe = null, string name = "run") =>
        new ProgressiveTrainer(recipe ?? Recipe, new TrainerOptions { Output = output, Experiment = name }).Run().Folder!;
}

/// <summary>Reports on the reporting thread, unlike <see cref="Progress{T}"/>.</summary>
internal sealed class AtOnce<T>(Action<T> action) : IProgress<T>
{
    public void Report(T value) => action(value);
}
