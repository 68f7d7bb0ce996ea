using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.Import;
using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runs;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Training;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.ML.OnnxRuntime;

namespace AutoProg.Ort.Tests.Training;

/// <summary>Whole runs of a network with running statistics: growing, recalibrating, resuming.</summary>
public sealed class BatchNormRunTests : IDisposable
{
    private readonly string output = Directory.CreateTempSubdirectory("autoprog-").FullName;

    public static TheoryData<GrowthPolicyKind, bool, int> Policies => new()
    {
        { GrowthPolicyKind.Prog, true, 0 },
        { GrowthPolicyKind.Prog, true, 2 },
        { GrowthPolicyKind.AutoprogOne, true, 2 },
        { GrowthPolicyKind.AutoprogOne, false, 2 },
        { GrowthPolicyKind.AutoprogZero, true, 2 },
    };

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_killed_and_resumed_run_equals_the_uninterrupted_one_bit_for_bit(GrowthPolicyKind policy, bool recycle, int recalibrated)
    {
        var recipe = RecipeOf(policy, recalibrated);
        recipe = recipe with { Growth = recipe.Growth with { RecycleWeights = recycle } };
        var whole = Train("whole", recipe, []);
        var killed = Train("killed", recipe, [4, 13, 22]);

        Assert.Equal(whole.Files.Order(), killed.Files.Order());
        Assert.All(whole.Files, file => Assert.Equal(File.ReadAllBytes(Path.Combine(whole.Path, file)), File.ReadAllBytes(Path.Combine(killed.Path, file))));
    }

    [Fact]
    public void Checkpoints_hold_statistics_of_all_networks_and_no_moments_of_them()
    {
        var checkpoint = Train("run", RecipeOf(GrowthPolicyKind.Original), []);

        var statistics = new NormedStack().Parameters.Where(static p => p.IsBuffer).Select(static p => p.Name).ToList();
        var files = checkpoint.Files.Where(static file => file.EndsWith(".safetensors", StringComparison.Ordinal)).ToDictionary(file => file, file => Names(checkpoint, file));
        Assert.Equal(8, statistics.Count);
        Assert.All(files, file => Assert.Equal(file.Key.StartsWith("moment", StringComparison.Ordinal) ? [] : statistics.Order(), file.Value.Intersect(statistics).Order()));
        Assert.Equal(["ema-0.9.safetensors", "ema-0.99.safetensors", "moment-0.safetensors", "moment-1.safetensors", "weights.safetensors"], files.Keys.Order());
        Assert.DoesNotContain(checkpoint.ReadState<TrainingState>().StepCounts.Keys, statistics.Contains);
    }

    [Theory]
    [InlineData(GrowthPolicyKind.Original, true, new int[0])]
    [InlineData(GrowthPolicyKind.Prog, true, new[] { 1, 2, 3 })] // wherever it grows
    [InlineData(GrowthPolicyKind.AutoprogOne, true, new[] { 0, 1, 1, 2, 2, 3 })] // supernets that have grown, and the winners taken out of them
    public void Statistics_are_computed_afresh_where_the_network_has_changed(GrowthPolicyKind policy, bool recycle, int[] stages)
    {
        var recipe = RecipeOf(policy, recalibrated: 1);
        Train("run", recipe with { Growth = recipe.Growth with { RecycleWeights = recycle } }, []);

        using var run = RunDirectory.Open(Path.Combine(output, "run"));
        var events = File.ReadLines(run.EventsFile).Where(static line => line.Contains("\"recalibrated\"", StringComparison.Ordinal)).ToList();
        Assert.Equal(stages.Length, events.Count);
        Assert.All(events.Zip(stages), pair => Assert.Contains($"\"stage\":{pair.Second},", pair.First, StringComparison.Ordinal));
    }

    [Fact]
    public void Recalibration_forgets_the_old_statistics_of_every_network_and_changes_nothing_else()
    {
        var recipe = RecipeOf(GrowthPolicyKind.Prog, recalibrated: 3);
        using var parts = Parts(recipe, new TrainingState());
        ParameterInitialization.Fill(parts.Arena, 1);
        parts.Arena.ResetEma();
        parts.Arena.Values(ArenaBuffer.Ema(1), "stem.conv.weight").Clear();
        parts.Arena.Values(ArenaBuffer.Ema(1), "stem.conv.bias").Fill(2);
        parts.Network.Use([2]);
        var before = Snapshot(parts);

        Assert.Null(Recalibrate(recipe, parts));
        var first = Snapshot(parts);
        foreach (var name in Statistics(parts))
        {
            parts.Arena.Values(ArenaBuffer.Weights, name).Fill(-1e30f);
        }

        Assert.Null(Recalibrate(recipe, parts));
        Assert.Equal(first, Snapshot(parts));
        Assert.All(Statistics(parts), name => Assert.NotEqual(before[$"weights {name}"], first[$"weights {name}"]));
        Assert.All(before.Keys.Where(key => !Statistics(parts).Any(key.EndsWith)), key => Assert.Equal(before[key], first[key]));
        Assert.All(Statistics(parts), name => Assert.Equal(first[$"weights {name}"], first[$"ema.0 {name}"]));

        // Where every pixel is worth nothing, the stem gives its bias.
        Assert.Equal([2, 2, 2, 2, 2, 2], first["ema.1 stem.norm.running_mean"]);
        Assert.Equal([0, 0, 0, 0, 0, 0], first["ema.1 stem.norm.running_var"]);
    }

    [Theory]
    [InlineData("volo", new[] { 1, 2, 3 })] // depth grows in every stage
    [InlineData("resnet", new[] { 1 })] // from 16 to 32 pixels; what the later stages unfreeze changes no statistics
    public void Statistics_of_real_networks_are_computed_afresh_where_depth_or_resolution_grows(string model, int[] stages)
    {
        var recipe = TinyRecipes.Of(model, GrowthPolicyKind.Prog);
        var run = TinyRuns.Train(output, recipe with { Growth = recipe.Growth with { RecalibrateBatches = 2 } });

        var events = EventLog.Read(Path.Combine(run, "events.jsonl")).Where(static e => e.Kind == "recalibrated").Select(static e => e.Read<Recalibrated>().Stage);
        Assert.Equal(stages, events);
    }

    [Theory]
    [InlineData("volo", 8)]
    [InlineData("resnet", 16)]
    public void Recalibration_of_real_networks_changes_all_of_their_statistics_and_nothing_else(string model, int resolution)
    {
        var recipe = TinyRecipes.Of(model, GrowthPolicyKind.Prog);
        recipe = recipe with { Growth = recipe.Growth with { RecalibrateBatches = 2 } };
        using var parts = RunComponents.Create(recipe, Datasets(recipe).Train.ClassNames.Count, new TrainingState(), new TrainerOptions());
        ParameterInitialization.Fill(parts.Arena, 1);
        parts.Arena.ResetEma();
        parts.Network.Use(parts.Task.Model.SplitDepth(parts.Task.Model.MaxDepth));
        var size = new SubNetwork(resolution, parts.Task.Model.MaxDepth, parts.Task.Unfreezing is null ? null : 1);
        var before = Snapshot(parts);

        Assert.Null(Recalibrate(recipe, parts, size));
        var after = Snapshot(parts);
        var statistics = parts.Task.Model.Parameters.Where(static p => p.IsBuffer).Select(static p => p.Name).ToList();
        Assert.Equal(
            from network in (string[])["ema.0", "ema.1", "weights"] from name in statistics.Order(StringComparer.Ordinal) select $"{network} {name}",
            before.Keys.Where(key => !before[key].SequenceEqual(after[key])).Order(StringComparer.Ordinal));

        // What a second pass begins with does not matter.
        statistics.ForEach(name => parts.Arena.Values(ArenaBuffer.Weights, name).Fill(1e30f));
        Assert.Null(Recalibrate(recipe, parts, size));
        Assert.Equal(after, Snapshot(parts));
    }

    [Fact]
    public void Recalibration_of_a_network_that_has_diverged_says_so_and_leaves_it()
    {
        var recipe = RecipeOf(GrowthPolicyKind.Prog, recalibrated: 1);
        using var parts = Parts(recipe, new TrainingState());
        ParameterInitialization.Fill(parts.Arena, 1);
        parts.Arena.Weights.Fill(parts.Arena.Layout["stem.conv.weight"].Offset, 1, static values => values[0] = float.NaN);
        parts.Network.Use([2]);
        var before = Snapshot(parts);

        Assert.False(Recalibrate(recipe, parts)!.Value.IsFinite);
        Assert.Equal(before, Snapshot(parts));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(2)]
    public void An_export_has_normalisations_in_its_convolutions_and_computes_what_the_network_computes(int? batchSize)
    {
        var recipe = RecipeOf(GrowthPolicyKind.Original);
        using var parts = Parts(recipe, new TrainingState { Network = new SubNetwork(16, 3) });
        ParameterInitialization.Fill(parts.Arena, 1);
        parts.Network.Use([3]);
        foreach (var (name, number) in parts.Task.Model.Parameters.Select(static p => p.Name).Where(static name => name.Contains("norm", StringComparison.Ordinal)).Zip(Enumerable.Range(1, 100)))
        {
            foreach (ref var value in parts.Arena.Values(ArenaBuffer.Weights, name))
            {
                value += 0.1f * number;
            }
        }

        var file = Path.Combine(output, "model.onnx");
        ModelExport.Run(TrainedModel.Of(recipe, parts, [], runFolder: null), new ExportOptions { Weights = "online", Output = file, BatchSize = batchSize });

        Assert.DoesNotContain(OnnxModelFile.Open(file).Initializers.Keys, static name => name.Contains("norm", StringComparison.Ordinal));

        var image = Enumerable.Range(0, 2 * 3 * 16 * 16).Select(static i => MathF.Sin(i)).ToArray();
        using var session = new InferenceSession(file);
        using var options = new RunOptions();
        using var fed = OrtValue.CreateTensorValueFromMemory(image, [2, 3, 16, 16]);
        using var results = session.Run(options, ["image"], [fed], ["logits"]);
        Assert.All(Unfolded(parts, image).Zip(results[0].GetTensorDataAsSpan<float>().ToArray()), static pair => Assert.Equal(pair.First, pair.Second, 1e-5)); // float32 rounding
    }

    public void Dispose() => Directory.Delete(output, recursive: true);

    private static Recipe RecipeOf(GrowthPolicyKind policy, int recalibrated = 0)
    {
        var recipe = TinyRecipes.Of(policy);
        return recipe with { Growth = recipe.Growth with { RecalibrateBatches = recalibrated } };
    }

    private static RunComponents Parts(Recipe recipe, TrainingState state) =>
        RunComponents.Create(recipe, LearningTask.Classify(new NormedStack(Datasets(recipe).Train.ClassNames.Count)), state, new TrainerOptions());

    private static (IImageDataset Train, IImageDataset Val) Datasets(Recipe recipe) => ImageDatasets.Open(recipe.Data, recipe.Seed, CancellationToken.None);

    private static StepResult? Recalibrate(Recipe recipe, RunComponents parts) => Recalibrate(recipe, parts, new SubNetwork(8, 2));

    private static StepResult? Recalibrate(Recipe recipe, RunComponents parts, SubNetwork size)
    {
        var plan = GrowthSchedule.Plan(recipe, LearningTasks.SpaceOf(recipe, parts.Task)).Stages[1];
        var images = new ImageSource(Datasets(recipe).Train, recipe.Data, NullLogger.Instance);
        return new Recalibration(recipe, parts, images).Run(new ActiveNetwork(size, parts.Network.Blocks), plan, recipe.Augmentation, CancellationToken.None);
    }

    private static List<string> Statistics(RunComponents parts) =>
        [.. parts.Task.Model.Parameters.Where(static p => p.IsBuffer && p.Block?.Index != 2).Select(static p => p.Name)];

    private static Dictionary<string, float[]> Snapshot(RunComponents parts) => parts.Arena.Buffers
        .Where(static buffer => buffer.Role != ArenaRole.Gradients)
        .SelectMany(buffer => parts.Arena.Tensors(buffer).Select(tensor => (Key: $"{buffer} {tensor.Name}", Values: tensor.Values.ToArray())))
        .ToDictionary(static pair => pair.Key, static pair => pair.Values);

    /// <summary>Logits of the forward graph as the model builds it.</summary>
    private static float[] Unfolded(RunComponents parts, float[] image)
    {
        var graph = parts.Task.Model.Build(16, 3, 2, ModelGraphOptions.Inference);
        graph.Builder.Output("logits", graph.Output);
        var built = graph.Builder.Build();
        var model = OnnxWriter.Write(built, "unfolded");
        using var session = new EvalSession(parts.Device, model, GraphManifest.Of(built, "unfolded", model));
        session.Bind(name => parts.Arena.View(ArenaBuffer.Weights, name));
        image.CopyTo(session.Tensor(ModelGraph.ImageInput));
        session.Run();
        return session.Tensor("logits").ToArray();
    }

    private static List<string> Names(Checkpoint checkpoint, string file)
    {
        using var reader = checkpoint.OpenFile(file);
        return [.. reader.Entries.Select(static entry => entry.Name)];
    }

    /// <summary>Trains to the end; each kill leaves what the last checkpoint holds, from which the run goes on.</summary>
    private Checkpoint Train(string name, Recipe recipe, long[] kills)
    {
        var left = new Queue<long>(kills);
        for (var attempt = 0; ; attempt++)
        {
            using var run = attempt == 0
                ? RunDirectory.Create(new RunRequest(output, "normed", 16, name, false), TimeProvider.System)
                : RunDirectory.Resume(Path.Combine(output, name));
            run.WriteRecipe(recipe);
            try
            {
                Attempt(recipe, run, attempt == 0 ? null : run.Checkpoints(2, NullLogger.Instance).OpenLatest(), left);
                Assert.Empty(left);
                return run.Checkpoints(2, NullLogger.Instance).OpenLatest();
            }
            catch (KilledException)
            {
            }
        }
    }

    private static void Attempt(Recipe recipe, RunDirectory run, Checkpoint? checkpoint, Queue<long> kills)
    {
        var state = checkpoint?.ReadState<TrainingState>() ?? new TrainingState();
        using var recorder = new RunRecorder(recipe, run, new TrainerOptions(), state);
        using var parts = Parts(recipe, state);
        if (checkpoint is not null)
        {
            CheckpointFiles.Load(parts, checkpoint);
        }

        var (train, val) = Datasets(recipe);
        var options = new TrainerOptions
        {
            Progress = new AtOnce<TrainingProgress>(progress =>
            {
                if (kills.TryPeek(out var step) && progress.Step == step)
                {
                    kills.Dequeue();
                    throw new KilledException();
                }
            }),
        };
        new TrainingRun(recipe, parts, recorder, new ImageSource(train, recipe.Data, NullLogger.Instance), new ImageSource(val, recipe.Data, NullLogger.Instance), options).Execute(CancellationToken.None);
    }

    private sealed record Recalibrated(int Stage);

    private sealed class KilledException : Exception
    {
    }
}
