using System.Text.Json;
using System.Text.Json.Serialization;
using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AutoProg.Ort.Training;

/// <summary>How steps are measured.</summary>
public sealed record BenchmarkOptions
{
    /// <summary>Measured steps per sub-network, at least 1; medians count.</summary>
    public int Steps { get; init; } = 10;

    /// <summary>Steps before them, at least 1.</summary>
    public int WarmupSteps { get; init; } = 2;

    /// <summary>Whether ONNX Runtime's profile is taken as well, in steps of their own after the measured ones.</summary>
    public bool Profile { get; init; }

    /// <summary>Patterns of names of nodes with <c>*</c> and <c>?</c>, whose time a profile tells as well. A node's name begins with its block's, e.g. <c>network.0.0.attn/</c>, behind <c>grad/</c> in the backward pass.</summary>
    public IReadOnlyList<string> ProfiledNames { get; init; } = [];

    /// <summary>Is told what goes on.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>Receives every result at once.</summary>
    public IProgress<SubNetworkTiming>? Progress { get; init; }
}

/// <summary>Time of one operator of ONNX Runtime in a step, or of the nodes of some name.</summary>
/// <param name="Operator">E.g. <c>Gemm</c>; or the pattern of names.</param>
/// <param name="Milliseconds">Per step, all nodes together.</param>
/// <param name="Share">Of the time of all operators, 0 to 1.</param>
public sealed record OperatorTime(string Operator, double Milliseconds, double Share);

/// <summary>What a training step of a sub-network takes; times are medians in milliseconds.</summary>
public sealed record SubNetworkTiming
{
    /// <summary>Pixels per side.</summary>
    public required int Resolution { get; init; }

    /// <summary>Blocks.</summary>
    public required int Depth { get; init; }

    /// <summary>What learns: <c>all</c>, or the unfreeze level, e.g. <c>u2</c>.</summary>
    public required string Learnable { get; init; }

    /// <summary>Forward, backward, clipping, update, averaging; the batch is there already.</summary>
    public required double StepMs { get; init; }

    /// <summary>Forward and backward over the batch.</summary>
    public required double ForwardBackwardMs { get; init; }

    /// <summary>Gradient norm, update rule and momentum networks.</summary>
    public required double UpdateMs { get; init; }

    /// <summary>From one batch to the next when the loader does nothing but load, with all its workers.</summary>
    public required double DataMs { get; init; }

    /// <summary>Peak resident memory of the process, MiB, while no other sub-network is loaded.</summary>
    public required double PeakMemoryMb { get; init; }

    /// <summary>10^9 floating-point operations of matrix products and convolutions per second of forward and backward.</summary>
    public required double Gflops { get; init; }

    /// <summary>Images per step.</summary>
    [JsonIgnore]
    public int BatchSize { get; init; }

    /// <summary>Images per pass.</summary>
    [JsonIgnore]
    public int MicroBatch { get; init; }

    /// <summary>Images per second of the step.</summary>
    [JsonIgnore]
    public double ImagesPerSecond => BatchSize * 1000 / StepMs;

    /// <summary>Times by operator, largest first; empty unless a profile was asked for.</summary>
    [JsonIgnore]
    public IReadOnlyList<OperatorTime> Operators { get; init; } = [];

    /// <summary>Times by the patterns that were asked for, in their order.</summary>
    [JsonIgnore]
    public IReadOnlyList<OperatorTime> NamedNodes { get; init; } = [];

    /// <summary>Share of matrix products, those of attention included, and convolutions in the time of all operators, 0 to 1; null unless a profile was asked for.</summary>
    [JsonIgnore]
    public double? MatrixShare { get; init; }
}

/// <summary>Results of all sub-networks.</summary>
/// <param name="Subnetworks">By resolution, then depth.</param>
public sealed record BenchmarkReport(IReadOnlyList<SubNetworkTiming> Subnetworks)
{
    /// <summary><c>{"subnetworks":[{"resolution","depth","learnable","step_ms","forward_backward_ms","update_ms","data_ms","peak_memory_mb","gflops"}]}</c>.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, RunJson.Document);
}

/// <summary>Measures the training step of sub-networks on this machine, each as training runs it and with nothing else running.</summary>
public static class StepBenchmark
{
    /// <summary>Measures every sub-network that the recipe's policy may use, from the smallest on, so that none stands in memory that a larger one has taken.</summary>
    /// <exception cref="RecipeException">The recipe does not make a run.</exception>
    /// <exception cref="DataException">The images cannot be used.</exception>
    /// <exception cref="DeviceException">The device is not there, or out of memory.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between steps.</exception>
    public static BenchmarkReport Run(Recipe recipe, BenchmarkOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        options ??= new BenchmarkOptions();
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Steps, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.WarmupSteps, nameof(options));
        var (train, _) = ImageDatasets.Open(recipe.Data, recipe.Seed, cancellationToken);
        using var parts = RunComponents.Create(recipe, recipe.Model.NumClasses ?? train.ClassNames.Count, new TrainingState(), new TrainerOptions { Logger = options.Logger });
        ParameterInitialization.Fill(parts.Arena, recipe.Seed);
        parts.Arena.ResetEma();
        var measurement = new StepMeasurement(recipe, parts, new ImageSource(train, recipe.Data, options.Logger), options);
        var timings = new List<SubNetworkTiming>();
        foreach (var network in GraphNeeds.Networks(recipe, parts.Task).OrderBy(n => (long)n.Depth * n.Resolution * n.Resolution).ThenBy(n => n.Level))
        {
            var timing = measurement.Run(network, cancellationToken);
            timings.Add(timing);
            options.Progress?.Report(timing);
        }

        return new BenchmarkReport([.. timings.OrderBy(t => t.Resolution).ThenBy(t => t.Depth).ThenBy(t => t.Learnable, StringComparer.Ordinal)]);
    }

    /// <summary>The recipe of a complete model on built-in images: what <c>bench --model</c> measures.</summary>
    /// <param name="model">A name of the catalogue.</param>
    /// <param name="imgSize">Pixels per side; null takes the variant's.</param>
    /// <param name="batchSize">Images per step.</param>
    public static Recipe RecipeOf(string model, int? imgSize, int batchSize)
    {
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        return new Recipe
        {
            Name = $"bench-{model}",
            Model = new ModelRecipe { Name = model, ImgSize = imgSize, NumClasses = ModelCatalog.Create(model, new ModelSizes()).ClassCount },
            Data = new DataRecipe { Dataset = DatasetKind.Builtin, TrainSamples = Math.Max(10_000, 4 * batchSize) },
            Training = new TrainingRecipe { BatchSize = batchSize },
            Growth = new GrowthRecipe { Policy = GrowthPolicyKind.Original },
        };
    }
}
