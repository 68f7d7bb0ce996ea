using AutoProg.Ort.Data;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Tests.Monitoring;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Tests.Training;

/// <summary>Runs with one image that no network survives: it comes once in every epoch.</summary>
public sealed class RollbackTests : InTemporaryFolder
{
    private const int Epochs = 3;
    private const int BatchesPerEpoch = 4;
    private readonly Warnings warnings = new();

    [Fact]
    public void A_run_goes_back_and_leaves_out_what_made_it_diverge()
    {
        var summary = Train("a", Recipe(rollbacks: Epochs));

        Assert.Equal((Epochs, Epochs * (BatchesPerEpoch - 1)), (summary.Epochs, summary.Steps));
        using var run = RunDirectory.Open(At("a"));
        var rollbacks = EventLog.Read(run.EventsFile).Where(static e => e.Kind is "rollback").Select(static e => e.Read<RollbackRecord>()).ToList();
        Assert.Equal(Enumerable.Range(0, Epochs), rollbacks.Select(static r => r.Batch.Epoch));
        Assert.All(rollbacks, static r => Assert.Equal("NaN", r.GradientNorm));
        Assert.All(MetricsTable.Read(run.MetricsFile), static row => Assert.InRange(row.TrainLoss, 0.1, 4));
        var told = warnings.Messages.Where(static m => m.Contains("Going back to", StringComparison.Ordinal)).ToList();
        Assert.Equal(Epochs, told.Count);
        Assert.Matches(@"^step \d+, stage 1: loss \S+, gradient norm NaN\. Going back to step-\d{7}, to go on without this batch \(3 of at most 3 rollbacks\)\.$", told[^1]);
        Assert.Equal(rollbacks.Select(static r => r.Batch), run.Checkpoints(1, NullLogger.Instance).OpenLatest().ReadState<TrainingState>().Skipped);
    }

    [Fact]
    public void However_often_it_goes_back_to_the_same_place_every_rollback_is_told_and_what_was_undone_counts()
    {
        using var measured = new MeasuredRun();
        var recipe = Recipe(rollbacks: Epochs);
        recipe = recipe with { Training = recipe.Training with { EvalInterval = 100 }, Checkpoints = recipe.Checkpoints with { EverySteps = 0, EveryEpochs = 100 } };

        var summary = new ProgressiveTrainer(recipe, Options() with { Output = Folder, Experiment = "a", Meters = measured }).Run();

        var rollbacks = EventLog.Read(At("a", "events.jsonl")).Where(static e => e.Kind is "rollback").Select(static e => e.Read<RollbackRecord>()).ToList();
        Assert.Equal(Enumerable.Range(0, Epochs), rollbacks.Select(static r => r.Batch.Epoch));
        Assert.All(rollbacks, static r => Assert.Null(r.Checkpoint));

        // The steps that could not be taken are measured by the run alone.
        Assert.InRange(measured.Of("autoprog.steps").Sum(), summary.Steps + 1, double.MaxValue);
        Assert.InRange(summary.Times.Train, measured.Of("autoprog.step.duration").Sum(), double.MaxValue);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(Epochs - 1)]
    public void A_run_that_diverges_more_often_than_allowed_ends(int rollbacks)
    {
        var error = Assert.Throws<DivergedException>(() => Train("a", Recipe(rollbacks)));

        Assert.Contains("training.max_rollbacks", error.Message);
        Assert.Equal(rollbacks, warnings.Messages.Count(static m => m.Contains("Going back to", StringComparison.Ordinal)));
    }

    [Fact]
    public void Without_a_folder_it_goes_back_to_the_beginning()
    {
        var summary = new ProgressiveTrainer(Recipe(rollbacks: Epochs), Options()).Run();

        Assert.Equal(Epochs * (BatchesPerEpoch - 1), summary.Steps);
        Assert.Equal(Epochs, warnings.Messages.Count(static m => m.Contains("Going back to the beginning", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_was_left_out_stays_out_when_the_run_is_resumed_and_the_result_is_the_same()
    {
        var whole = Train("whole", Recipe(rollbacks: Epochs));
        using var cancel = new CancellationTokenSource();
        var options = Options() with { Output = Folder, Experiment = "cut", Progress = new CancelAfter(5, cancel) };
        Assert.ThrowsAny<OperationCanceledException>(() => new ProgressiveTrainer(Recipe(rollbacks: Epochs), options).Run(cancel.Token));
        var resumed = ProgressiveTrainer.Resume(At("cut"), Options());

        Assert.Equal(whole.Steps, resumed.Steps);
        Assert.Equal(File.ReadAllBytes(At("whole", "export", "model.safetensors")), File.ReadAllBytes(At("cut", "export", "model.safetensors")));
    }

    private static Recipe Recipe(int rollbacks)
    {
        var recipe = TinyRecipes.Of("resnet", GrowthPolicyKind.Original);
        return recipe with
        {
            // Black images are zeros; what is white has a variance beyond single precision.
            Data = recipe.Data with { Mean = [0, 0, 0], Std = [1e-37, 1e-37, 1e-37] },
            Augmentation = new AugmentationRecipe { Scale = [1, 1], Ratio = [1, 1], Hflip = 0, Aa = null, ColorJitter = 0, Reprob = 0, Mixup = 0, Cutmix = 0 },
            Training = recipe.Training with { Epochs = Epochs, MaxRollbacks = rollbacks },
        };
    }

    private RunSummary Train(string name, Recipe recipe) => new ProgressiveTrainer(recipe, Options() with { Output = Folder, Experiment = name }).Run();

    private TrainerOptions Options() => new()
    {
        Logger = warnings,
        TrainingImages = new PlainImages(8 * BatchesPerEpoch, white: 11),
        EvaluationImages = new PlainImages(8, white: -1),
    };

    private sealed class CancelAfter(long step, CancellationTokenSource cancel) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == step)
            {
                cancel.Cancel();
            }
        }
    }

    /// <summary>Black images, of which one is white.</summary>
    private sealed class PlainImages(int count, int white) : IImageDataset
    {
        public string Name => "plain";

        public int Count => count;

        public IReadOnlyList<string> ClassNames { get; } = [.. Enumerable.Range(0, 10).Select(static label => $"class {label}")];

        public int LabelOf(int index) => index % 10;

        public string Describe(int index) => $"plain/{index}";

        public RgbImage Load(int index, int minimumSide)
        {
            var image = RgbImage.Rent(32, 32);
            image.Pixels.Fill(index == white ? (byte)255 : (byte)0);
            return image;
        }
    }
}
