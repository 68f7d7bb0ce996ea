using AutoProg.Ort.Data;
using AutoProg.Ort.Diffusion.Latents;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

/// <summary>An autoencoder is trained by a recipe; a diffusion model then works on its latents.</summary>
public sealed class LatentDiffusionTests : InTemporaryFolder
{
    private static readonly Recipe Autoencoder = TinyRecipes.Diffusion(GrowthPolicyKind.Original) with
    {
        Name = "vae",
        Model = new ModelRecipe { Name = "vae_micro", ImgSize = 16 },
        Training = new TrainingRecipe { Epochs = 10, BatchSize = 8, EvalBatchSize = 8, EvalInterval = 5, ClipGrad = 1 },
        Optimizer = new OptimizerRecipe { Lr = 3e-3, WeightDecay = 0 },
        Growth = new GrowthRecipe { Policy = GrowthPolicyKind.Original },
    };

    [Fact]
    public void An_autoencoder_learns_to_reconstruct_and_is_exported_for_every_resolution()
    {
        var summary = new ProgressiveTrainer(Autoencoder, new TrainerOptions { Output = Folder, Experiment = "vae" }).Run();
        using var device = Device.Open("cpu", 1);
        using var vae = new VaeSession(device, new VaeFiles(At("vae", "export", "encoder.onnx"), At("vae", "export", "decoder.onnx")) { ScaleFactor = 2 });
        var before = Loss(Autoencoder with { Training = Autoencoder.Training with { MaxTrainSteps = 1 } });

        Assert.True(summary.Final!.Loss < 0.5 * before, $"{summary.Final.Loss} after training, {before} before.");
        Assert.Equal((4, 4), (vae.LatentChannels, vae.Factor));

        // The exported files compute what was evaluated: the images that the means stand for.
        Assert.Equal(summary.Final.Loss, Error(vae, side: 16), 1e-5);
        Assert.InRange(Error(vae, side: 32), 0, before);
        using var model = TrainedModel.Open(summary.Folder!);
        Assert.Equal(summary.Final, Assert.Single(ModelEvaluation.Run(model)));
    }

    [Fact]
    public void The_loss_weighs_the_divergence_from_the_standard_normal_distribution()
    {
        var (light, heavy) = (FirstLoss(0), FirstLoss(0.25));
        using var device = Device.Open("cpu", 1);
        new ProgressiveTrainer(Autoencoder with { Training = Autoencoder.Training with { MaxTrainSteps = 1 }, Optimizer = Autoencoder.Optimizer with { Lr = 1e-9 }, Schedule = new LearningRateRecipe { WarmupEpochs = 0, MinLr = 0 } }, new TrainerOptions { Output = Folder, Experiment = "untrained" }).Run();
        using var vae = new VaeSession(device, new VaeFiles(At("untrained", "export", "encoder.onnx"), At("untrained", "export", "decoder.onnx")));
        var images = FirstBatch();
        var moments = vae.Encode(images, 8, 16);
        var divergence = moments.Mean.Zip(moments.LogVariance).Average(static m => 0.5 * ((m.First * (double)m.First) + Math.Exp(m.Second) - 1 - m.Second));

        Assert.Equal(0.25 * divergence, heavy - light, 1e-4);
    }

    [Fact]
    public void A_diffusion_model_trains_on_latents_and_its_samples_are_images()
    {
        File.WriteAllText(At("vae.yaml"), RecipeWriter.Write(Autoencoder));
        var recipe = TinyRecipes.Diffusion(GrowthPolicyKind.AutoprogZero);
        recipe = recipe with
        {
            Model = recipe.Model with { ImgSize = 8, PatchSize = 2, InChannels = 4 },
            Latents = new LatentRecipe { Vae = At("vae.yaml"), ScaleFactor = 2 },
            Training = recipe.Training with { Epochs = 4 },
        };
        var first = new ProgressiveTrainer(recipe, new TrainerOptions { Output = Folder, Experiment = "first" }).Run();
        var caches = Directory.GetFiles(Folder, "latents-*.bin", SearchOption.AllDirectories);
        Assert.Equal([16, 16, 24, 24, 32, 32], caches.Select(static file => int.Parse(Path.GetFileName(file).Split('-')[1], System.Globalization.CultureInfo.InvariantCulture)).Order());

        // What was encoded once is taken from the cache, and the run repeats bit for bit.
        var written = caches.Select(File.GetLastWriteTimeUtc).ToList();
        var second = new ProgressiveTrainer(recipe, new TrainerOptions { Output = Folder, Experiment = "second" }).Run();
        Assert.Equal(written, caches.Select(File.GetLastWriteTimeUtc));
        Assert.Equal(first.Final, second.Final);

        using var model = TrainedModel.Open(first.Folder!);
        var batch = Assert.Single(ModelSampling.Draw(model, new SampleOptions { Count = 3 }));
        Assert.Equal(3 * 3 * 32 * 32, batch.Samples.Length);
        var files = SampleFiles.Write(model, new SampleOptions { Count = 3 }, new SampleFileOptions { Grid = At("grid.png"), Npz = At("samples.npz") });
        Assert.Equal(32, files.Resolution);
        Assert.All([At("grid.png"), At("samples.npz")], static file => Assert.True(new FileInfo(file).Length > 100, file));
    }

    [Fact]
    public void A_model_of_latents_without_an_autoencoder_is_refused()
    {
        var recipe = TinyRecipes.Diffusion(GrowthPolicyKind.Original);
        recipe = recipe with { Model = recipe.Model with { InChannels = 4 } };
        Assert.Contains("name an autoencoder with latents.vae", Assert.Throws<RecipeException>(() => new ProgressiveTrainer(recipe).Run()).Message, StringComparison.Ordinal);
    }

    private static double Loss(Recipe recipe) => new ProgressiveTrainer(recipe).Run().Final!.Loss;

    private static double FirstLoss(double divergenceWeight)
    {
        var loss = double.NaN;
        var recipe = Autoencoder with { Latents = new LatentRecipe { DivergenceWeight = divergenceWeight }, Training = Autoencoder.Training with { MaxTrainSteps = 1 } };
        new ProgressiveTrainer(recipe, new TrainerOptions { Progress = new AtOnce<TrainingProgress>(p => loss = p.Loss) }).Run();
        return loss;
    }

    private static float[] FirstBatch()
    {
        var recipe = Autoencoder;
        using var batches = Source(recipe, training: true).TrainingBatches(new TrainingEpoch { Seed = recipe.Seed, Epoch = 0, BatchSize = 8, ResolutionOf = static _ => 16, Augmentation = recipe.Augmentation });
        Assert.True(batches.TryNext(out var batch));
        return batch.Images.ToArray();
    }

    [Fact]
    public void A_run_is_complete_although_its_autoencoder_cannot_be_exported()
    {
        var failures = new Warnings();
        var whole = new ProgressiveTrainer(Autoencoder, new TrainerOptions { Output = Folder, Experiment = "vae" }).Run();
        File.Delete(At("vae", "export", "encoder.onnx"));
        Directory.CreateDirectory(At("vae", "export", "encoder.onnx"));

        var summary = ProgressiveTrainer.Resume(At("vae"), new TrainerOptions { Logger = failures });

        Assert.Equal(whole.Steps, summary.Steps);
        Assert.StartsWith("encoder.onnx and decoder.onnx: not exported: ", Assert.Single(failures.Messages), StringComparison.Ordinal);
        Assert.EndsWith($"The run is complete; export it again with 'autoprog train --resume {At("vae")}'.", Assert.Single(failures.Messages), StringComparison.Ordinal);
    }

    private static double Error(VaeSession vae, int side)
    {
        var (sum, count) = (0.0, 0);
        using var batches = Source(Autoencoder, training: false).EvaluationBatches(8, side, cropPct: 1);
        while (batches.TryNext(out var batch))
        {
            var images = batch.Images.ToArray();
            var moments = vae.Encode(images, batch.Size, side);
            var scaled = moments.Mean.Select(m => (float)(m * vae.Files.ScaleFactor)).ToArray();
            sum += vae.Decode(scaled, batch.Size, moments.Shape).Zip(images).Sum(static p => (p.First - p.Second) * (double)(p.First - p.Second));
            count += images.Length;
        }

        return sum / count;
    }

    private static ImageSource Source(Recipe recipe, bool training)
    {
        var (train, val) = ImageDatasets.Open(recipe.Data, recipe.Seed);
        return new ImageSource(training ? train : val, recipe.Data, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
    }
}
