using AutoProg.Graphs;
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

public sealed class TrainingArtifactsTests : InTemporaryFolder
{
    private static readonly LearningTask Classifier = LearningTasks.Of(TinyRecipes.Of(GrowthPolicyKind.Prog), 10);
    private static readonly LearningTask Diffusion = LearningTasks.Of(TinyRecipes.Diffusion(GrowthPolicyKind.AutoprogZero), 10);

    [Fact]
    public void A_frozen_configuration_keeps_what_is_frozen_apart()
    {
        var artifacts = TrainingArtifacts.Build(new SubNetworkGraphs(Diffusion), Diffusion.Complete with { Level = 1 }, 2, new AdamW(0), clipGrad: null);

        Assert.DoesNotContain("blocks.3.attn.qkv.weight", artifacts.Learnable);
        Assert.Contains("blocks.3.attn.qkv.weight", artifacts.Parameters);
        artifacts.Write(Folder, artifacts.Checkpoint(name => Zeros(Diffusion, name), []));
        using var checkpoint = OnDeviceCheckpointReader.Open(At(TrainingArtifacts.CheckpointFile));
        Assert.True(checkpoint.Learnable.SetEquals(artifacts.Learnable));
        Assert.Equal(artifacts.Parameters.Order(), checkpoint.Entries.Select(static e => e.Name).Order());
        Assert.All(TrainingArtifacts.Files, file => Assert.True(File.Exists(At(file))));
        Assert.Equal(TrainingArtifacts.Files.Count, Directory.GetFiles(Folder).Length);
    }

    [Fact]
    public void The_same_network_gives_the_same_bytes()
    {
        byte[][] Build()
        {
            var artifacts = TrainingArtifacts.Build(new SubNetworkGraphs(Classifier), new SubNetwork(8, 2), 2, new AdamW(0), clipGrad: 1);
            return [artifacts.Training, artifacts.Evaluation, artifacts.Optimizer, artifacts.Checkpoint(static name => Zeros(Classifier, name), [new("a", "b")]).ToArray()];
        }

        Assert.Equal(Build(), Build());
    }

    [Fact]
    public void Decay_that_the_runtime_cannot_restrict_is_told()
    {
        var graphs = new SubNetworkGraphs(Classifier);
        Assert.Equal(
            "Weight decay 0.05 holds for every parameter there: the optimizer of on-device training cannot exempt norms, biases, tokens and positions, as this engine does",
            TrainingArtifacts.Build(graphs, new SubNetwork(8, 1), 2, new AdamW(0.05), clipGrad: null).Remark);
        Assert.Null(TrainingArtifacts.Build(graphs, new SubNetwork(8, 1), 2, new AdamW(0), clipGrad: null).Remark);
    }

    [Theory]
    [InlineData(0, 0.9)]
    [InlineData(0.1, 0)]
    public void An_optimizer_that_the_runtime_lacks_is_refused(double weightDecay, double momentum)
    {
        var error = Assert.Throws<ArgumentException>(() => TrainingArtifacts.Build(new SubNetworkGraphs(Classifier), new SubNetwork(8, 1), 2, new Sgd(weightDecay, momentum), clipGrad: null));
        Assert.StartsWith("The gradient descent of on-device training has neither momentum nor weight decay; set optimizer.momentum and optimizer.weight_decay to 0, or use adamw.", error.Message, StringComparison.Ordinal);
    }

    private static Tensor Zeros(LearningTask task, string name)
    {
        var shape = task.Model.Parameters.Single(p => p.Name == name).Shape;
        return Tensor.FromFloats(shape, new float[shape.ElementCount]);
    }
}
