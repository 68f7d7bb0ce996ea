using AutoProg.Ort.Files.OnDevice;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.OnDevice;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Runtime.Optimizers;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Tests.Training;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.OnDevice;

public sealed class TrainingSessionTests : InTemporaryFolder
{
    private static readonly LearningTask Task = LearningTasks.Of(TinyRecipes.Of(GrowthPolicyKind.Prog), 10);

    [Fact]
    public void What_a_session_saves_is_what_it_has_in_memory()
    {
        using var own = new OwnTraining(Task, new SubNetwork(8, 1), new AdamW(0.05), clipGrad: null);
        own.Train(3);

        own.Save(At("checkpoint"));

        using var checkpoint = OnDeviceCheckpointReader.Open(At("checkpoint"));
        Assert.Equal(3, checkpoint.OptimizerStep);
        var (weights, moment) = (new float[10 * 24], new float[10 * 24]);
        checkpoint.Read("head.weight", weights);
        Assert.Equal(own.Weights("head.weight").Floats().ToArray(), weights);
        checkpoint.ReadMoment(1, "head.weight", moment);
        Assert.All(moment, static v => Assert.True(v >= 0));
        Assert.Contains(moment, static v => v > 0);
    }

    [Fact]
    public void Weights_move_from_stage_to_stage()
    {
        var rule = new AdamW(0);
        using var device = Device.Open("cpu", 1);
        using ParameterArena one = Arena(1), other = Arena(2), sink = Arena(3);
        var graphs = new SubNetworkGraphs(Task);
        using var session = new ArenaTrainingSession(device, graphs, TrainingArtifacts.Build(graphs, new SubNetwork(8, 1), 2, rule, clipGrad: null), one, rule, clipGrad: null);

        session.Load(other);
        session.Store(sink);

        Assert.Equal(other.Read(ArenaBuffer.Weights, "blocks.0.attn.qkv.weight").ToArray(), one.Read(ArenaBuffer.Weights, "blocks.0.attn.qkv.weight").ToArray());
        Assert.Equal(other.Read(ArenaBuffer.Weights, "head.weight").ToArray(), sink.Read(ArenaBuffer.Weights, "head.weight").ToArray());
        Assert.NotEqual(other.Read(ArenaBuffer.Weights, "blocks.1.attn.qkv.weight").ToArray(), sink.Read(ArenaBuffer.Weights, "blocks.1.attn.qkv.weight").ToArray());

        ParameterArena Arena(int seed)
        {
            var arena = new ParameterArena(Task.Model.Parameters, new ArenaOptions { MomentCount = rule.MomentCount });
            ParameterInitialization.Fill(arena, seed);
            return arena;
        }
    }

    [Fact]
    public void Without_its_native_side_the_official_session_says_how_to_get_it()
    {
        using var own = new OwnTraining(Task, new SubNetwork(8, 1), new AdamW(0), clipGrad: null);
        own.Artifacts.Write(Folder, own.Artifacts.Checkpoint(own.Weights, []));

        var error = Assert.Throws<OnDeviceTrainingException>(() => OrtTrainingApiSession.Open(own.Artifacts, Folder, threads: 1).Dispose());

        Assert.Matches(
            @"^This ONNX Runtime \([\d.]+, flavour Cpu\) has no training of its own; build with -p:OrtFlavor=Training, which takes the package Microsoft\.ML\.OnnxRuntime\.Training 1\.19\.2, the last one that has it\.$",
            error.Message);
    }
}
