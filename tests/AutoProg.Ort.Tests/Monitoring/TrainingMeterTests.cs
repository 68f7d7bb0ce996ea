using AutoProg.Ort.Monitoring;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Tests.Training;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Monitoring;

public sealed class TrainingMeterTests : InTemporaryFolder
{
    [Fact]
    public void Every_step_is_measured()
    {
        using var measured = new MeasuredRun();
        var steps = new List<TrainingProgress>();
        var summary = new ProgressiveTrainer(TinyRecipes.Of(GrowthPolicyKind.AutoprogOne), new TrainerOptions { Meters = measured, Progress = new AtOnce<TrainingProgress>(steps.Add) }).Run();

        Assert.Equal(summary.Steps, measured.Of("autoprog.steps").Sum());
        Assert.Equal(summary.Steps * 8, measured.Of("autoprog.images").Sum());
        Assert.Equal(steps.Select(static s => s.Loss), measured.Of("autoprog.loss"));
        Assert.Equal(steps.Select(static s => s.LearningRate), measured.Of("autoprog.learning_rate"));
        Assert.Equal(steps.Select(static s => s.Stage + 1.0), measured.Of("autoprog.stage"));
        Assert.Equal(steps.Select(static s => (double)s.Network.Resolution), measured.Of("autoprog.resolution"));
        Assert.Equal(steps.Select(static s => (double)s.Network.Depth), measured.Of("autoprog.depth"));
        Assert.Equal(summary.Times.Train + summary.Times.Search, measured.Of("autoprog.step.duration").Sum(), summary.Times.Search); // searching is more than its steps
        Assert.All(measured.Of("autoprog.memory"), static bytes => Assert.InRange(bytes, 1 << 20, 1L << 40));
        Assert.Equal(steps.Select(static s => s.IsSearching), measured.Measurements.Where(static m => m.Instrument == "autoprog.steps").Select(static m => (bool)m.Tags[TrainingMeter.SearchTag]!));
    }

    [Fact]
    public void Runs_of_a_process_are_told_apart_by_their_tags()
    {
        using var measured = new MeasuredRun();
        foreach (var name in new[] { "first", "second" })
        {
            new ProgressiveTrainer(TinyRuns.Recipe, new TrainerOptions { Meters = measured, Output = Folder, Experiment = name }).Run();
        }

        new ProgressiveTrainer(TinyRuns.Recipe, new TrainerOptions { Meters = measured }).Run();

        Assert.Equal([("first", "prog"), ("second", "prog"), ("tiny", "prog")], measured.Measurements.Select(static m => ((string)m.Tags[TrainingMeter.RunTag]!, (string)m.Tags[TrainingMeter.PolicyTag]!)).Distinct());
    }

    [Fact]
    public void Without_a_factory_the_meter_of_the_process_measures()
    {
        using var listener = new System.Diagnostics.Metrics.MeterListener();
        var heard = 0L;
        listener.InstrumentPublished = static (instrument, who) =>
        {
            if (instrument.Meter is { Name: TrainingMeter.Name, Scope: null } && instrument.Name == "autoprog.steps")
            {
                who.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => heard += tags.Contains(new(TrainingMeter.RunTag, "measured by the process")) ? value : 0);
        listener.Start();

        var summary = new ProgressiveTrainer(TinyRuns.Recipe with { Name = "measured by the process" }).Run();

        Assert.Equal(summary.Steps, heard);
    }
}
