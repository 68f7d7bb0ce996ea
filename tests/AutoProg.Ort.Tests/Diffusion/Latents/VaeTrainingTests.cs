using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Data.Formats;
using AutoProg.Ort.Diffusion.Latents;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Data;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Tests.Diffusion.Latents;

public sealed class VaeTrainingTests
{
    private const int Side = 16;
    private const int BatchSize = 8;

    [Fact]
    public void A_trained_autoencoder_is_exported_and_reconstructs_at_every_resolution()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.Open("cpu", 1);
        using var training = new VaeTraining(new VaeMicro(VaeMicroConfig.Default), device, Side, BatchSize, seed: 1);
        var batches = Batches(Side, 8);
        var noise = new float[BatchSize * training.LatentShape.Length];
        VaeStepResult Step(int step, double learningRate)
        {
            var random = new CounterRandom(1, RandomPurpose.Augmentation, index: step);
            foreach (ref var value in noise.AsSpan())
            {
                value = (float)random.NextNormal();
            }

            return training.Step(batches[step % batches.Count], noise, learningRate);
        }

        var first = Step(0, 0);
        for (var step = 0; step < 100; step++)
        {
            Step(step, 3e-3);
        }

        var last = Step(0, 0);
        Assert.True(last.Reconstruction < 0.35 * first.Reconstruction, $"the error fell from {first.Reconstruction} to {last.Reconstruction} only");
        Assert.Equal(last.Reconstruction + (1e-4 * last.Divergence), last.Loss, 1e-6);

        // The exported files compute what was trained: without noise, the training graph's error is that of the mode.
        noise.AsSpan().Clear();
        var live = training.Step(batches[0], noise, 0).Reconstruction;
        using var vae = new VaeSession(device, training.Export(folder.Path));
        Assert.Equal(live, Error(vae, batches[0], BatchSize, Side), 1e-5);

        // No node depends on the size: images of another one are reconstructed, too, if less well.
        var large = Batches(2 * Side, 1)[0];
        Assert.InRange(Error(vae, large.AsSpan(0, large.Length / BatchSize * 3), 3, 2 * Side), 0, first.Reconstruction / 2);
    }

    [Fact]
    public void The_divergence_is_that_of_the_moments_from_the_standard_normal_distribution()
    {
        using var folder = new TemporaryFolder();
        using var device = Device.Open("cpu", 1);
        using var training = new VaeTraining(new VaeMicro(VaeMicroConfig.Default), device, Side, BatchSize, seed: 3, divergenceWeight: 0.25);
        var images = Batches(Side, 1)[0];

        var result = training.Step(images, new float[BatchSize * training.LatentShape.Length], learningRate: 0);

        using var vae = new VaeSession(device, training.Export(folder.Path));
        var moments = vae.Encode(images, BatchSize, Side);
        var expected = moments.Mean.Zip(moments.LogVariance).Average(static m => 0.5 * ((m.First * (double)m.First) + Math.Exp(m.Second) - 1 - m.Second));
        Assert.Equal(expected, result.Divergence, 1e-6);
        Assert.Equal(result.Reconstruction + (0.25 * expected), result.Loss, 1e-6);
    }

    [Fact]
    public void Input_of_another_size_is_refused()
    {
        using var device = Device.Open("cpu", 1);
        using var training = new VaeTraining(new VaeMicro(VaeMicroConfig.Default), device, Side, BatchSize, seed: 1);

        Assert.StartsWith("'image' has 6144 elements, not 3.", Assert.Throws<ArgumentException>(() => training.Step(new float[3], [], 0)).Message, StringComparison.Ordinal);
    }

    private static double Error(VaeSession vae, ReadOnlySpan<float> images, int count, int side)
    {
        var moments = vae.Encode(images, count, side);
        var z = new float[moments.Mean.Length];
        Posterior.Sample(moments.Mean, moments.LogVariance, z, vae.Files.ScaleFactor, z);
        var decoded = vae.Decode(z, count, moments.Shape);
        var sum = 0.0;
        for (var i = 0; i < decoded.Length; i++)
        {
            sum += Math.Pow(decoded[i] - images[i], 2);
        }

        return sum / decoded.Length;
    }

    private static List<float[]> Batches(int side, int count)
    {
        var recipe = new DataRecipe { Mean = [0.5, 0.5, 0.5], Std = [0.5, 0.5, 0.5], Workers = 1, Prefetch = 1 };
        using var stream = new ImageSource(new BuiltinShapes(count * BatchSize, seed: 1, training: true), recipe, NullLogger.Instance).EvaluationBatches(BatchSize, side, cropPct: 1);
        var batches = new List<float[]>();
        while (stream.TryNext(out var batch))
        {
            batches.Add(batch.Images.ToArray());
        }

        return batches;
    }
}
