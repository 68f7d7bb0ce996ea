using System.Diagnostics;
using AutoProg.Ort.Data;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.OnDevice;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using MathNet.Numerics.Statistics;

namespace AutoProg.Ort.Training;

/// <summary>What an update takes in ONNX Runtime's own training.</summary>
/// <param name="Network">Resolution, depth and unfreeze level.</param>
/// <param name="Batch">Images.</param>
/// <param name="StepMs">Forward, backward and update; median in milliseconds.</param>
public sealed record OnDeviceTiming(SubNetwork Network, int Batch, double StepMs);

/// <summary>Measures updates in ONNX Runtime's own training, to be held against those of <see cref="StepBenchmark"/>. Needs the training flavour.</summary>
public static class OnDeviceBenchmark
{
    /// <summary>Measures every sub-network that the recipe's policy may use, with black images and without stochastic depth.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="steps">Measured updates, at least 1.</param>
    /// <param name="warmupSteps">Updates before them, at least 1.</param>
    /// <param name="cancellationToken">Stops between sub-networks.</param>
    /// <exception cref="OnDeviceTrainingException">This build of ONNX Runtime has no training.</exception>
    /// <exception cref="RecipeException">The recipe does not make a run, or has an optimizer that on-device training lacks.</exception>
    /// <exception cref="DataException">The images, which tell the number of classes, cannot be used.</exception>
    public static IReadOnlyList<OnDeviceTiming> Run(Recipe recipe, int steps, int warmupSteps, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(steps);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(warmupSteps);
        var (train, _) = ImageDatasets.Open(recipe.Data, recipe.Seed, cancellationToken);
        var task = LearningTasks.Of(recipe, train.ClassNames.Count);
        using var arena = new ParameterArena(task.Model.Parameters, ArenaOptions.WeightsOnly);
        ParameterInitialization.Fill(arena, recipe.Seed);
        var folder = Directory.CreateTempSubdirectory("autoprog-ort-training-");
        try
        {
            return [.. GraphNeeds.Networks(recipe, task).Select(Measure)];
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        OnDeviceTiming Measure(SubNetwork network)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var artifacts = OnDevicePreparation.Build(recipe, new SubNetworkGraphs(task), network);
            artifacts.Write(folder.FullName, artifacts.Checkpoint(name => OnDeviceExport.Weights(arena, ArenaBuffer.Weights, name), []));
            using var session = OrtTrainingApiSession.Open(artifacts, folder.FullName, recipe.Runtime.Threads);
            var batch = Batch.Blank(artifacts.Batch, network.Resolution, task.Model.ClassCount, task.Model.InputChannels);
            var inputs = task.Objective.TrainingInputs(batch, new StepKey(recipe.Seed, Epoch: 0, Stage: 0));
            var times = new List<double>();
            for (var i = -warmupSteps; i < steps; i++)
            {
                var milliseconds = Time(session, inputs, recipe.Optimizer.Lr);
                if (i >= 0)
                {
                    times.Add(milliseconds);
                }
            }

            return new OnDeviceTiming(network, artifacts.Batch, times.Median());
        }
    }

    private static double Time(OrtTrainingApiSession session, IReadOnlyList<FedTensor> inputs, double learningRate)
    {
        var started = Stopwatch.GetTimestamp();
        session.Step(inputs, learningRate);
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }
}
