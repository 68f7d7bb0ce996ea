using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.TensorBoard;
using AutoProg.Ort.TensorBoard.Protos;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Tests.Training;
using AutoProg.Ort.Training;
using SkiaSharp;

namespace AutoProg.Ort.Tests.TensorBoard;

public sealed class TensorBoardTests : InTemporaryFolder
{
    private static readonly StoppedClock Clock = new();

    [Fact]
    public void The_reader_of_these_tests_knows_the_checksum() => Assert.Equal(0xe3069283, EventFileReader.Crc32C("123456789"u8));

    [Fact]
    public void A_run_tells_TensorBoard_what_its_event_log_tells()
    {
        var run = TinyRuns.Train(Folder, TinyRecipes.Of(GrowthPolicyKind.AutoprogOne));
        var events = EventFileReader.Read(Log(run));
        var steps = EventLog.Read(Path.Combine(run, "events.jsonl")).Where(static e => e.Kind == "step").Select(static e => (e.Step, (float)e.Read<StepRecord>().Loss, (float)e.Read<StepRecord>().Rate));
        var metrics = MetricsTable.Read(Path.Combine(run, "metrics.csv"));

        Assert.Equal("brain.Event:2", events[0].FileVersion);
        Assert.Equal(steps, Scalars(events, "train/loss").Zip(Scalars(events, "train/lr"), static (loss, rate) => (loss.Step, loss.Value, rate.Value)));
        Assert.Equal(metrics.Where(static m => m.EvalTop1 is not null).Select(static m => (float)m.EvalTop1!), Scalars(events, "eval/top1").Select(static s => s.Value));
        Assert.Equal(16, Scalars(events, "stage/resolution")[^1].Value);
        Assert.Equal(4, Scalars(events, "stage/depth")[^1].Value);
        Assert.Equal([1, 1, 2, 2, 3, 3, 4], Scalars(events, "stage/number").Select(static s => (int)s.Value));
        Assert.Equal(3, Remarks(events, "search").Count);
        Assert.StartsWith("Stage 4 from epoch 6: r16 l4", Remarks(events, "stage")[^1]);
    }

    [Fact]
    public void A_resumed_run_leaves_the_values_of_one_that_was_never_interrupted()
    {
        var recipe = TinyRecipes.Of(GrowthPolicyKind.Prog);
        var whole = EventFileReader.Read(Log(TinyRuns.Train(Folder, recipe, "whole")));
        using var stop = new CancellationTokenSource();
        var options = new TrainerOptions { Output = Folder, Experiment = "half", Progress = new AtOnce<TrainingProgress>(p => { if (p.Step == 14) { stop.Cancel(); } }) };
        Assert.ThrowsAny<OperationCanceledException>(() => new ProgressiveTrainer(recipe, options).Run(stop.Token));

        // A crash after the checkpoint leaves more records, the last one cut short.
        using (var torn = new FileStream(Log(At("half")), FileMode.Append))
        {
            torn.Write(File.ReadAllBytes(Log(At("whole"))).AsSpan(0, 100));
        }

        ProgressiveTrainer.Resume(At("half"));
        var halves = EventFileReader.Read(Log(At("half")));
        foreach (var tag in new[] { "train/loss", "train/lr", "eval/loss", "eval/top1", "stage/resolution", "stage/number" })
        {
            Assert.Equal(Scalars(whole, tag), Scalars(halves, tag));
        }

        Assert.Single(halves, static e => e.FileVersion.Length > 0);
    }

    [Fact]
    public void Samples_of_a_diffusion_model_are_shown_where_samples_are_drawn()
    {
        TinyRuns.Train(Folder, TinyRuns.Recipe with { Training = TinyRuns.Recipe.Training with { Epochs = 1 } }, "classifier");
        var recipe = TinyRecipes.Diffusion(GrowthPolicyKind.Original);
        var run = TinyRuns.Train(Folder, recipe with
        {
            Training = recipe.Training with { Epochs = 1 },
            Growth = recipe.Growth with { NumStages = 1 },
            Sampling = recipe.Sampling with { FrechetSamples = 8, Features = At("classifier", "export", "model.onnx") },
        });
        var picture = Assert.Single(EventFileReader.Read(Log(run)).SelectMany(static e => e.Summary?.Values ?? []), static v => v.Tag == "samples").Picture;

        using var image = SKBitmap.Decode(picture.Png.ToByteArray());
        Assert.Equal((picture.Width, picture.Height), (image.Width, image.Height));
    }

    [Fact]
    public void It_can_be_switched_off()
    {
        var run = TinyRuns.Train(Folder, TinyRuns.Recipe with { Training = TinyRuns.Recipe.Training with { Epochs = 1, Tensorboard = false } });

        Assert.False(Directory.Exists(Path.Combine(run, "tensorboard")));
    }

    [Fact]
    public void What_it_was_told_stays_where_it_is_switched_off_for_a_while()
    {
        var recipe = TinyRecipes.Of(GrowthPolicyKind.Prog);
        StopAt(14, (options, stop) => new ProgressiveTrainer(recipe, options).Run(stop));
        StopAt(20, (options, stop) => ProgressiveTrainer.Resume(At("run"), options, [RecipeOverride.FromSet("training.tensorboard=false")], stop));

        ProgressiveTrainer.Resume(At("run"));

        var steps = Scalars(EventFileReader.Read(Log(At("run"))), "train/loss").Select(static s => s.Step).ToList();
        Assert.Contains(14L, steps);
        Assert.DoesNotContain(18L, steps);
        Assert.Contains(32L, steps);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(1000)]
    public void A_file_of_any_length_keeps_its_whole_records(int keptBytes)
    {
        var path = At("tensorboard", "events");
        using (var file = EventFile.Open(path, Clock, keep: 0))
        {
            file.Append(new Event { Step = 1, Summary = new Summary() });
            file.Append(new Event { Step = 2, Summary = new Summary() });
        }

        var second = new FileInfo(path).Length - 5;
        using (var file = EventFile.Open(path, Clock, keep: keptBytes == 1000 ? second : keptBytes))
        {
            file.Append(new Event { Step = 3, Summary = new Summary() });
        }

        Assert.Equal(keptBytes == 1000 ? [0, 1, 3] : [0, 3], EventFileReader.Read(path).Select(static e => (int)e.Step));
    }

    private void StopAt(long step, Func<TrainerOptions, CancellationToken, RunSummary> run)
    {
        using var stop = new CancellationTokenSource();
        var options = new TrainerOptions { Output = Folder, Experiment = "run", Progress = new AtOnce<TrainingProgress>(p => { if (p.Step == step) { stop.Cancel(); } }) };
        Assert.ThrowsAny<OperationCanceledException>(() => run(options, stop.Token));
    }

    private static string Log(string run) => Path.Combine(run, "tensorboard", "events.out.tfevents.autoprog");

    private static List<(long Step, float Value)> Scalars(IEnumerable<Event> events, string tag) =>
        [.. events.SelectMany(static e => (e.Summary?.Values ?? []).Select(value => (e.Step, Value: value))).Where(v => v.Value.Tag == tag).Select(static v => (v.Step, v.Value.Scalar))];

    private static List<string> Remarks(IEnumerable<Event> events, string tag) =>
        [.. events.SelectMany(static e => e.Summary?.Values ?? []).Where(v => v.Tag == tag && v.Metadata.Plugin.Name == "text").Select(static v => Assert.Single(v.Tensor.Texts).ToStringUtf8())];
}
