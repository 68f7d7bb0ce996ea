using System.Globalization;
using System.Runtime.InteropServices;
using AutoProg.Ort.Files.OnDevice;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.OnDevice;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime.Optimizers;
using AutoProg.Ort.Tests.Files.OnDevice;
using AutoProg.Ort.Tests.Runs;
using AutoProg.Ort.Tests.Training;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.OnDevice;

/// <summary>The same batches in ONNX Runtime's on-device training and in this engine.</summary>
public sealed class OfficialRuntimeTests : InTemporaryFolder
{
    private const int Classes = 10;
    private const int Updates = 10;

    // A key's bias has no gradient but rounding, which AdamW would scale up to whole updates with an epsilon as small as usual.
    private static readonly AdamW Rule = new(weightDecay: 0.05, eps: 1e-5);

    private static LearningTask Classifier => LearningTasks.Of(TinyRecipes.Of(GrowthPolicyKind.Prog), Classes);

    private static LearningTask Diffusion => LearningTasks.Of(TinyRecipes.Diffusion(GrowthPolicyKind.AutoprogZero), Classes);

    [OfficialRuntimeFact]
    public void A_classifier_trains_there_as_here() => Check(Classifier, new SubNetwork(16, 4), Rule, clipGrad: null);

    [OfficialRuntimeFact]
    public void A_smaller_sub_network_with_clipped_gradients_trains_there_as_here() => Check(Classifier, new SubNetwork(8, 2), Rule, clipGrad: 0.5);

    [OfficialRuntimeFact]
    public void Plain_gradient_descent_trains_there_as_here() => Check(Classifier, new SubNetwork(16, 1), new Sgd(0, momentum: 0), clipGrad: 0.5);

    [OfficialRuntimeFact]
    public void A_diffusion_transformer_trains_there_as_here() => Check(Diffusion, Diffusion.Complete, Rule, clipGrad: 1);

    [OfficialRuntimeFact]
    public void A_partly_frozen_diffusion_transformer_trains_there_as_here() => Check(Diffusion, Diffusion.Complete with { Level = 2 }, Rule, clipGrad: null);

    [OfficialRuntimeFact]
    public void Running_statistics_follow_the_batches_there_as_here() => Check(LearningTask.Classify(new NormedStack()), new SubNetwork(16, 3), Rule, clipGrad: null);

    [OfficialRuntimeFact]
    public void A_VOLO_trains_there_as_here() => Check(LearningTasks.Of(TinyRecipes.Volo(GrowthPolicyKind.Prog), Classes), new SubNetwork(16, 6), Rule, clipGrad: null);

    [OfficialRuntimeFact]
    public void A_foreign_ResNet_trains_there_as_here()
    {
        var task = LearningTasks.Of(TinyRecipes.Foreign("resnet", GrowthPolicyKind.Original), Classes);
        Check(task, task.Complete, Rule, clipGrad: null);
    }

    [OfficialRuntimeFact]
    public void A_training_that_began_here_goes_on_there_with_its_moments() => Check(Classifier, new SubNetwork(16, 2), Rule, clipGrad: null, updatesBefore: 5);

    private void Check(LearningTask task, SubNetwork network, UpdateRule rule, double? clipGrad, int updatesBefore = 0)
    {
        using var own = new OwnTraining(task, network, rule, clipGrad);
        own.Artifacts.Write(Folder, own.Artifacts.Checkpoint(own.Weights, []));
        if (updatesBefore > 0)
        {
            own.Train(updatesBefore);
            own.Save(At(TrainingArtifacts.CheckpointFile));
        }

        var before = own.Parameters();
        var (losses, training) = own.Train(Updates);
        var (output, evaluation) = own.Evaluate();
        var theirs = OfficialRuntime.Train(Folder, training, evaluation);

        AssertClose("loss", 1e-4, losses, theirs.Losses);
        AssertClose("result", 1e-3, output, theirs.Evaluation);

        // What has hardly moved would agree whatever the update does.
        var after = own.Parameters();
        var movement = before.Zip(after).Max(static pair => Math.Abs(pair.First - pair.Second));
        AssertClose("parameter", Math.Min(1e-3, 0.01 * movement), after, theirs.Parameters);
        Assert.Equal(own.Artifacts.Learnable.Count < own.Artifacts.Parameters.Count, network.Level < task.Unfreezing?.Count || task.Model.Parameters.Any(static p => p.IsBuffer));
        CheckSaved(own, rule, theirs, updatesBefore);
    }

    /// <summary>The checkpoint that the official runtime saved afterwards, read by this engine's reader.</summary>
    private void CheckSaved(OwnTraining own, UpdateRule rule, TrainingOutcome theirs, int updatesBefore)
    {
        using var saved = OnDeviceCheckpointReader.Open(At(OfficialRuntime.SavedCheckpoint));

        Assert.Equal(own.Artifacts.Learnable.ToHashSet(StringComparer.Ordinal), saved.Learnable);
        Assert.Equal(own.Artifacts.Parameters.Order(StringComparer.Ordinal), saved.Entries.Select(static e => e.Name).Order(StringComparer.Ordinal));
        Assert.Equal(theirs.Parameters, own.Artifacts.Parameters.SelectMany(name => Elements(saved, name, saved.Read)));
        Assert.Equal(updatesBefore + Updates, saved.OptimizerStep);
        for (var moment = 0; moment < own.MomentCount; moment++)
        {
            // Both remember the same gradients, summed in another order; gradient descent there remembers nothing, and saves zeros.
            var ours = own.Moments(moment);
            if (rule is Sgd)
            {
                Array.Clear(ours);
            }

            float[] read = [.. own.Artifacts.Learnable.SelectMany(name => Elements(saved, name, (parameter, to) => saved.ReadMoment(moment, parameter, to)))];
            AssertClose($"moment {moment}", 1e-3 * ours.Max(Math.Abs), ours, read);
        }

        Assert.Equal(["loss", "runtime", "updates"], saved.Metadata.Keys.Order(StringComparer.Ordinal));
        Assert.Equal((Updates.ToString(CultureInfo.InvariantCulture), theirs.Losses[^1], "ONNX Runtime 1.19.2"), (saved.Metadata["updates"], float.Parse(saved.Metadata["loss"], CultureInfo.InvariantCulture), saved.Metadata["runtime"]));

        // Nothing in the file has been overlooked, and the layout that other tests read is the real one. A state of the optimizer that this engine wrote names no initial rate.
        var initialRate = updatesBefore == 0 ? 0.001f : 0;
        Assert.Equal(File.ReadAllBytes(At(OfficialRuntime.SavedCheckpoint)), Encoded(saved, own.MomentCount, initialRate, theirs.Losses[^1]));
    }

    private static byte[] Encoded(OnDeviceCheckpointReader saved, int momentCount, float initialRate, float loss)
    {
        var all = saved.Entries.ToLookup(e => saved.Learnable.Contains(e.Name), e => Stored(e.Name, e.Name, saved.Read));
        var moments = saved.Learnable.ToDictionary(
            static name => name,
            name => Enumerable.Range(0, momentCount).Select(i => Stored($"momentum{i}", name, (parameter, to) => saved.ReadMoment(i, parameter, to))).ToArray());
        return new OfficialCheckpoint
        {
            Learns = [.. all[true]],
            Frozen = [.. all[false]],
            Groups = [new OfficialGroup("group0", saved.OptimizerStep!.Value, initialRate, moments)],
            Properties = new Dictionary<string, object> { ["updates"] = (long)Updates, ["loss"] = loss, ["runtime"] = saved.Metadata["runtime"] },
        }.Encode();

        OfficialTensor Stored(string name, string parameter, ReadInto read)
        {
            Assert.True(saved.TryGet(parameter, out var entry));
            return new OfficialTensor(name, entry.Shape, MemoryMarshal.AsBytes<float>(Elements(saved, parameter, read)).ToArray());
        }
    }

    private static float[] Elements(OnDeviceCheckpointReader checkpoint, string name, ReadInto read)
    {
        Assert.True(checkpoint.TryGet(name, out var entry));
        var elements = new float[entry.Shape.ElementCount];
        read(name, elements);
        return elements;
    }

    private static void AssertClose(string what, double tolerance, float[] ours, float[] theirs)
    {
        Assert.Equal(ours.Length, theirs.Length);
        var worst = ours.Zip(theirs).Max(static pair => float.IsNaN(pair.Second) ? float.PositiveInfinity : Math.Abs(pair.First - pair.Second));
        Assert.True(worst <= tolerance, $"A {what} differs by {worst}, allowed is {tolerance}.");
    }

    private delegate void ReadInto(string name, Span<float> destination);
}
