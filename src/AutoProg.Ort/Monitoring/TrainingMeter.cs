using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Monitoring;

/// <summary>
/// What monitoring sees of runs: the instruments of the meter <see cref="Name"/>, for OpenTelemetry, dotnet-counters or any other listener. Whoever does not listen pays nothing.
/// docs/monitoring.md lists the instruments and their tags.
/// </summary>
public sealed class TrainingMeter
{
    /// <summary>Name of the meter, e.g. for OpenTelemetry's <c>AddMeter</c>.</summary>
    public const string Name = "AutoProg.Ort";

    /// <summary>Tag of every measurement: the run's folder, or its recipe where it has none.</summary>
    internal const string RunTag = "autoprog.run";

    /// <summary>Tag of every measurement: the growth policy, as recipes spell it.</summary>
    internal const string PolicyTag = "autoprog.policy";

    /// <summary>Tag of a step: <c>true</c> where it trained the supernet of a search.</summary>
    internal const string SearchTag = "autoprog.search";

    private static readonly Lazy<Meter> Shared = new(static () => new Meter(Options()));

    private readonly TagList tags;
    private readonly Counter<long> steps;
    private readonly Counter<long> images;
    private readonly Histogram<double> stepDuration;
    private readonly Gauge<double> loss;
    private readonly Gauge<double> learningRate;
    private readonly Gauge<int> stage;
    private readonly Gauge<int> resolution;
    private readonly Gauge<int> depth;
    private readonly Gauge<long> memory;

    /// <summary>The instruments of a run.</summary>
    /// <param name="meters">Makes the meter, which it owns; null takes the one that all runs of the process share.</param>
    /// <param name="run">Name of the run.</param>
    /// <param name="policy">The policy, as recipes spell it.</param>
    internal TrainingMeter(IMeterFactory? meters, string run, string policy)
    {
        var meter = meters?.Create(Options()) ?? Shared.Value;
        tags = [new(RunTag, run), new(PolicyTag, policy)];
        steps = meter.CreateCounter<long>("autoprog.steps", "{step}", "Updates of the weights.");
        images = meter.CreateCounter<long>("autoprog.images", "{image}", "Images trained on; every time that an image comes it counts.");
        stepDuration = meter.CreateHistogram<double>("autoprog.step.duration", "s", "Time of an update: forward, backward and optimizer, without waiting for data.");
        loss = meter.CreateGauge<double>("autoprog.loss", unit: null, "Training loss of the last step.");
        learningRate = meter.CreateGauge<double>("autoprog.learning_rate", unit: null, "Learning rate of the last step.");
        stage = meter.CreateGauge<int>("autoprog.stage", unit: null, "Number of the stage, from 1.");
        resolution = meter.CreateGauge<int>("autoprog.resolution", "{pixel}", "Pixels per side of what the last step trained.");
        depth = meter.CreateGauge<int>("autoprog.depth", "{block}", "Blocks of what the last step trained.");
        memory = meter.CreateGauge<long>("autoprog.memory", "By", "Resident memory of the process.");
    }

    /// <summary>A step is done.</summary>
    internal void Step(TrainingProgress step, int imageCount, TimeSpan took)
    {
        TagList ofStep = [.. tags, new(SearchTag, step.IsSearching)];
        steps.Add(1, ofStep);
        images.Add(imageCount, ofStep);
        stepDuration.Record(took.TotalSeconds, ofStep);
        loss.Record(step.Loss, tags);
        learningRate.Record(step.LearningRate, tags);
        stage.Record(step.Stage + 1, tags);
        resolution.Record(step.Network.Resolution, tags);
        depth.Record(step.Network.Depth, tags);
        if (memory.Enabled)
        {
            memory.Record(Environment.WorkingSet, tags);
        }
    }

    private static MeterOptions Options() => new(Name) { Version = typeof(TrainingMeter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion };
}
