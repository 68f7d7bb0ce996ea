using System.Security.Cryptography;
using AutoProg.Ort.Data;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Training;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Tests.Training;

/// <summary>A run that is cancelled wherever it is stops within a step, and goes on as if nothing had been.</summary>
public sealed class CancellationTests : InTemporaryFolder
{
    private const int Workers = 1;
    private const int Prefetch = 1;

    /// <summary>Searches by proxies, one-shot searches of a network with running statistics, which are computed afresh as it grows, and plain growth.</summary>
    public static TheoryData<string, GrowthPolicyKind> Runs => new() { { "deit", GrowthPolicyKind.AutoprogZero }, { "volo", GrowthPolicyKind.AutoprogOne }, { "volo", GrowthPolicyKind.Prog }, { "dit", GrowthPolicyKind.AutoprogZero } };

    [Theory]
    [MemberData(nameof(Runs))]
    public void Wherever_images_are_read_cancelling_stops_within_a_step_and_loses_nothing(string model, GrowthPolicyKind policy)
    {
        var recipe = TinyRecipes.Of(model, policy);
        recipe = recipe with
        {
            Data = recipe.Data with { Workers = Workers, Prefetch = Prefetch },
            Training = recipe.Training with { Epochs = 4 },
            Growth = recipe.Growth with { NumStages = 2 },
            Checkpoints = recipe.Checkpoints with { EverySteps = 0, EveryEpochs = 100 },
        };
        var whole = Train(recipe, "whole", cancelAt: long.MaxValue);
        foreach (var part in Enumerable.Range(1, 7))
        {
            var name = $"part-{part}";
            var cancelled = Train(recipe, name, cancelAt: whole.Loads * part / 8);

            // The reader's batch, those ahead of it, and the one that a worker is at.
            Assert.True(cancelled.IsCancelled, name);
            Assert.InRange(cancelled.StepsAfterwards, 0, 1);
            Assert.InRange(cancelled.LoadsAfterwards, 0, (Prefetch + 2) * recipe.Training.BatchSize);
            if (Directory.Exists(At(name, "checkpoints")))
            {
                ProgressiveTrainer.Resume(At(name), Options(recipe, name));
                AssertSame("whole", name);
            }
            else
            {
                Assert.Equal(0, cancelled.Steps);
            }
        }
    }

    private Outcome Train(Recipe recipe, string name, long cancelAt)
    {
        using var stop = new CancellationTokenSource();
        var (loads, steps, loadsBefore, stepsBefore) = (0L, 0L, -1L, 0L);
        var options = Options(recipe, name, () =>
        {
            if (Interlocked.Increment(ref loads) == cancelAt)
            {
                (loadsBefore, stepsBefore) = (loads, Interlocked.Read(ref steps));
                stop.Cancel();
            }
        });
        options = options with { Progress = new AtOnce<TrainingProgress>(_ => Interlocked.Increment(ref steps)) };
        var error = Record.Exception(() => new ProgressiveTrainer(recipe, options).Run(stop.Token));
        Assert.True(error is null or OperationCanceledException, $"{error}");
        return new Outcome(error is not null, loads, steps, loads - loadsBefore, steps - stepsBefore);
    }

    private TrainerOptions Options(Recipe recipe, string name, Action? onLoad = null)
    {
        var (train, val) = ImageDatasets.Open(recipe.Data, recipe.Seed, CancellationToken.None);
        return new TrainerOptions { Output = Folder, Experiment = name, TrainingImages = new Watched(train, onLoad), EvaluationImages = new Watched(val, onLoad) };
    }

    private void AssertSame(string expected, string actual)
    {
        using RunDirectory left = RunDirectory.Open(At(expected)), right = RunDirectory.Open(At(actual));
        var (a, b) = (left.Checkpoints(2, NullLogger.Instance).OpenLatest(), right.Checkpoints(2, NullLogger.Instance).OpenLatest());
        Assert.Equal((a.Step, a.Files.Count), (b.Step, b.Files.Count));
        Assert.All(a.Files, file => Assert.True(File.ReadAllBytes(Path.Combine(a.Path, file)).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine(b.Path, file))), $"{actual}: {file} differs."));
    }

    private sealed record Outcome(bool IsCancelled, long Loads, long Steps, long LoadsAfterwards, long StepsAfterwards);

    private sealed class Watched(IImageDataset images, Action? onLoad) : IImageDataset
    {
        public string Name => images.Name;

        public int Count => images.Count;

        public IReadOnlyList<string> ClassNames => images.ClassNames;

        public int LabelOf(int index) => images.LabelOf(index);

        public string Describe(int index) => images.Describe(index);

        public RgbImage Load(int index, int minimumSide)
        {
            onLoad?.Invoke();
            return images.Load(index, minimumSide);
        }

        public bool TryIdentify(int index, IncrementalHash hash) => images.TryIdentify(index, hash);
    }
}
