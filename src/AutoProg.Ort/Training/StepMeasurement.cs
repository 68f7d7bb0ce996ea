using System.Diagnostics;
using System.IO.Enumeration;
using AutoProg.Ort.Data;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;
using MathNet.Numerics.Statistics;

namespace AutoProg.Ort.Training;

/// <summary>Times the parts of a step with the machinery that training uses.</summary>
internal sealed class StepMeasurement(Recipe recipe, RunComponents parts, IBatchSource images, BenchmarkOptions options)
{
    private const double Rate = 1e-6;

    public SubNetworkTiming Run(SubNetwork network, CancellationToken cancellationToken)
    {
        parts.Sessions.ReleaseExcept([]);
        parts.Step.Unbind();
        parts.Network.Use(parts.Network.Model.SplitDepth(network.Depth));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        ProcessMemory.ResetPeak();

        var active = new ActiveNetwork(network, parts.Network.Blocks);
        var settings = new StepSettings(Rate, recipe.Model.DropPath, recipe.Training.ClipGrad, Epoch: 0, Stage: 0);
        var microBatch = parts.Memory.MicroBatch(network, recipe.Training.BatchSize, recipe.Model.DropPath > 0);
        var (dataMs, batch) = LoadBatches(network, cancellationToken);
        var (forwardBackward, update, step) = (new List<double>(), new List<double>(), new List<double>());
        for (var i = -options.WarmupSteps; i < options.Steps; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (differentiated, updated) = Step(active, batch, settings);
            if (i >= 0)
            {
                forwardBackward.Add(differentiated);
                update.Add(updated);
                step.Add(differentiated + updated);
            }
        }

        var peak = ProcessMemory.PeakBytes();
        var cost = parts.Sessions.Graphs.Training(network, microBatch, recipe.Model.DropPath > 0).Cost;
        var nodes = options.Profile ? Profile(active, batch, microBatch, settings) : [];
        OperatorTime[] operators = [.. nodes.GroupBy(static node => node.Operator).Select(group => Time(group.Key, group, nodes)).OrderByDescending(static time => time.Milliseconds)];
        return new SubNetworkTiming
        {
            Resolution = network.Resolution,
            Depth = network.Depth,
            Learnable = network.Level is { } level ? $"u{level}" : "all",
            StepMs = step.Median(),
            ForwardBackwardMs = forwardBackward.Median(),
            UpdateMs = update.Median(),
            DataMs = dataMs,
            PeakMemoryMb = peak / (double)(1 << 20),
            Gflops = cost.MatrixFlops * (recipe.Training.BatchSize / microBatch) / forwardBackward.Median() / 1e6,
            BatchSize = recipe.Training.BatchSize,
            MicroBatch = microBatch,
            Operators = operators,
            NamedNodes = [.. options.ProfiledNames.Select(pattern => Time(pattern, nodes.Where(node => FileSystemName.MatchesSimpleExpression(pattern, node.Name, ignoreCase: false)), nodes))],
            MatrixShare = options.Profile ? nodes.Where(static node => node.IsMatrixProduct).Sum(static node => node.Milliseconds) / nodes.Sum(static node => node.Milliseconds) : null,
        };
    }

    /// <summary>Median time between batches, and a batch of their pixels for as many classes as the model has, which may be more than the images have.</summary>
    private (double Milliseconds, Batch Batch) LoadBatches(SubNetwork network, CancellationToken cancellationToken)
    {
        var model = parts.Task.Model;
        var copy = Batch.Blank(recipe.Training.BatchSize, network.Resolution, model.ClassCount, model.InputChannels);
        if (model.InputChannels != 3)
        {
            // Latents come from a cache; there is nothing to decode.
            return (0, copy);
        }

        var between = new List<double>();
        using var loader = images.TrainingBatches(new TrainingEpoch
        {
            Seed = recipe.Seed,
            Epoch = 0,
            BatchSize = recipe.Training.BatchSize,
            ResolutionOf = _ => network.Resolution,
            Augmentation = recipe.Augmentation,
        });
        for (var i = 0; i <= options.Steps; i++)
        {
            var started = Stopwatch.GetTimestamp();
            if (!loader.TryNext(out var batch, cancellationToken))
            {
                break;
            }

            between.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            batch.Images.CopyTo(copy.Images);
        }

        // The first one waits for the threads to start.
        return ((between.Count > 1 ? between[1..] : between).Median(), copy);
    }

    private (double ForwardBackward, double Update) Step(ActiveNetwork active, Batch batch, StepSettings settings)
    {
        var selection = parts.Step.Selection(active);
        var started = Stopwatch.GetTimestamp();
        var (_, count) = parts.Step.Differentiate(active, batch, settings);
        var differentiated = Stopwatch.GetElapsedTime(started);
        var norm = parts.Update.Norm(selection) / count;
        var clip = settings.ClipGrad is { } limit ? GradientNorm.ClipFactor(norm, limit) : 1;
        parts.Update.Follow(selection, count);
        parts.Update.Step(selection, settings.LearningRate, clip / count);
        return (differentiated.TotalMilliseconds, (Stopwatch.GetElapsedTime(started) - differentiated).TotalMilliseconds);
    }

    /// <summary>Runs the same graph in a session of its own that writes a profile; profiling slows small operators down, so the measured steps are without it.</summary>
    private IReadOnlyList<NodeTime> Profile(ActiveNetwork active, Batch batch, int microBatch, StepSettings settings)
    {
        var artifact = parts.Sessions.Graphs.Training(active.Size, microBatch, recipe.Model.DropPath > 0);
        parts.Step.Unbind();
        parts.Sessions.ReleaseExcept([]);
        var folder = Directory.CreateTempSubdirectory("autoprog-profile-");
        try
        {
            using var session = new StepSession(parts.Device, artifact.Model, artifact.Manifest, Path.Combine(folder.FullName, "step"));
            session.Bind(name => parts.Arena.View(ArenaBuffer.Weights, name), name => parts.Arena.View(ArenaBuffer.Gradients, name));
            foreach (var input in parts.Step.Inputs(active, batch, settings))
            {
                input.Feed(session, batch.Size, 0, microBatch);
            }

            for (var i = 0; i < options.WarmupSteps + options.Steps; i++)
            {
                session.Run();
            }

            return OperatorProfile.Read(session.EndProfiling(), options.WarmupSteps, recipe.Training.BatchSize / microBatch);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static OperatorTime Time(string name, IEnumerable<NodeTime> some, IReadOnlyList<NodeTime> all)
    {
        var milliseconds = some.Sum(static node => node.Milliseconds);
        return new OperatorTime(name, milliseconds, milliseconds / all.Sum(static node => node.Milliseconds));
    }
}
