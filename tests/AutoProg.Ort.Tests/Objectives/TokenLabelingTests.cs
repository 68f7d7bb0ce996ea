using AutoProg.Graphs.Artifacts;
using AutoProg.Models;
using AutoProg.Ort.Data;
using AutoProg.Ort.Data.TokenLabels;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Tests.Objectives;

public sealed class TokenLabelingTests
{
    private const int Classes = 10;
    private static readonly Volo Model = (Volo)ModelCatalog.Create("volo_micro", new ModelSizes { EmbedDim = 24, NumHeads = 2, Depth = 2 });

    [Fact]
    public void Boxes_are_a_function_of_seed_epoch_and_batch()
    {
        var objective = new TokenLabeling(Model, mixAlpha: 1);
        var first = Mask(objective, new StepKey(1, 0, 0));
        Assert.Equal(first, Mask(objective, new StepKey(1, 0, 3)));
        Assert.NotEqual(first, Mask(objective, new StepKey(2, 0, 0)));
        Assert.NotEqual(first, Mask(objective, new StepKey(1, 1, 0)));
        Assert.NotEqual(first, Mask(objective, new StepKey(1, 0, 0), batch: 5));
    }

    [Fact]
    public void Boxes_are_rectangles_of_tokens_whose_area_varies()
    {
        var objective = new TokenLabeling(Model, mixAlpha: 1);
        var areas = Masks(objective, 64, Enumerable.Range(0, 400).Select(static epoch => new StepKey(1, epoch, 0))).Select(mask =>
        {
            var inside = Enumerable.Range(0, 64).Where(i => mask[i] == 1).ToList();
            Assert.All(mask, static m => Assert.True(m is 0 or 1));
            var (rows, columns) = (inside.Select(static i => i / 8).Distinct().Count(), inside.Select(static i => i % 8).Distinct().Count());
            Assert.Equal(rows * columns, inside.Count);
            return inside.Count;
        }).ToList();
        Assert.True(areas.Distinct().Count() > 8);

        // Half of the area on average, less what the border cuts off.
        Assert.InRange(areas.Average() / 64, 0.15, 0.5);
    }

    [Fact]
    public void Alpha_zero_mixes_nothing() => Assert.All(Mask(new TokenLabeling(Model, mixAlpha: 0), new StepKey(1, 0, 0)), static m => Assert.Equal(0, m));

    [Fact]
    public void The_class_target_is_mixed_in_the_share_of_the_box_and_token_targets_are_not()
    {
        var loss = LossOf(mask: [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], out var ofClass, out var ofTokens, out var classLogits, out var tokenLogits, out var targets, out var tokenTargets);
        var expectedClass = 0.0;
        for (var i = 0; i < 2; i++)
        {
            var mixed = Enumerable.Range(0, Classes).Select(c => (0.75 * targets[(i * Classes) + c]) + (0.25 * targets[((1 - i) * Classes) + c])).ToArray();
            expectedClass += CrossEntropy(classLogits.AsSpan(i * Classes, Classes), mixed) / 2;
        }

        var expectedTokens = Enumerable.Range(0, 32).Average(n => CrossEntropy(tokenLogits.AsSpan(n * Classes, Classes), [.. tokenTargets.AsSpan(n * Classes, Classes).ToArray().Select(static t => (double)t)]));
        Assert.Equal(expectedClass, ofClass, 4);
        Assert.Equal(expectedTokens, ofTokens, 4);
        Assert.Equal(expectedClass + (0.5 * expectedTokens), loss, 4);
    }

    [Fact]
    public void Another_model_is_refused()
    {
        var other = ModelCatalog.Create("deit_micro", new ModelSizes());
        var error = Assert.Throws<ArgumentException>(() => new TokenLabeling(Model, 1).AttachLoss(other.Build(32, 1, 1, ModelGraphOptions.Inference)));
        Assert.StartsWith("Only a model that classifies its tokens can be trained with token labels", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Token_targets_are_written_for_the_rows_of_a_micro_batch()
    {
        var batch = Batch.Blank(4, 8, Classes);
        batch.ExpectTokenTargets();
        for (var row = 0; row < 4; row++)
        {
            batch.SetTokenTargets(row, new TokenTargets([[(row, 1f)]]));
        }

        var written = TokenTargetsFed(batch, rows: 4, first: 2, count: 2);

        Assert.Equal(2 * Classes, written.Length);
        Assert.Equal(0.91f, written[2], 5);
        Assert.Equal(0.91f, written[Classes + 3], 5);
        Assert.Equal(0.01f, written[0], 5);
    }

    [Fact]
    public void Tokens_without_targets_are_refused_unless_the_batch_is_blank()
    {
        var images = new Batch(2, Classes);
        images.Begin(7, 8, 2);

        Assert.All(TokenTargetsFed(Batch.Blank(2, 8, Classes), rows: 2, first: 0, count: 2), static share => Assert.Equal(1f / Classes, share));
        Assert.Equal(
            "Batch 7 comes without class distributions of its tokens, which are learned here; read it from images with label maps (data.token_labels).",
            Assert.Throws<InvalidOperationException>(() => TokenTargetsFed(images, rows: 2, first: 0, count: 2)).Message);
    }

    private static float[] TokenTargetsFed(Batch batch, int rows, int first, int count)
    {
        var objective = new TokenLabeling(Model, 1, hasTokenTargets: true, smoothing: 0.1);
        var fed = objective.TrainingInputs(batch, new StepKey(1, 0, 0)).Single(static input => input.Name == TokenLabeling.TokenTargetInput);
        var artifact = new SubNetworkGraphs(new LearningTask(Model, objective)).Training(new SubNetwork(8, 2), 2, dropPath: false);
        using var device = Device.Open("cpu", 1);
        using var session = new StepSession(device, artifact.Model, artifact.Manifest);
        fed.Feed(session, rows, first, count);
        return session.Tensor(TokenLabeling.TokenTargetInput).ToArray();
    }

    private static float[] Mask(TokenLabeling objective, StepKey key, int batch = 0) => Masks(objective, 32, [key], batch)[0];

    private static List<float[]> Masks(TokenLabeling objective, int resolution, IEnumerable<StepKey> keys, int batch = 0)
    {
        var images = Batch.Blank(2, resolution, Classes);
        images.Begin(batch, resolution, 2);
        var artifact = new SubNetworkGraphs(new LearningTask(Model, objective)).Training(new SubNetwork(resolution, 2), 2, dropPath: false);
        using var device = Device.Open("cpu", 1);
        using var session = new StepSession(device, artifact.Model, artifact.Manifest);
        var masks = new List<float[]>();
        foreach (var key in keys)
        {
            objective.TrainingInputs(images, key).Single(static input => input.Name == MixToken.MaskInput).Feed(session, 2, 0, 2);
            masks.Add(session.Tensor(MixToken.MaskInput).ToArray());
        }

        return masks;
    }

    private static double LossOf(float[] mask, out double ofClass, out double ofTokens, out float[] classLogits, out float[] tokenLogits, out float[] targets, out float[] tokenTargets)
    {
        var graph = (VoloGraph)Model.Build(32, 2, 2, new ModelGraphOptions(Training: true));
        var parts = new TokenLabeling(Model, 0, hasTokenTargets: true).Attach(graph);
        var training = TrainingGraph.Create(
            graph.Builder, parts.Loss, static _ => false,
            [new("class_loss", parts.OfClass), new("token_loss", parts.OfTokens), new("class_logits", graph.Output), new("token_logits", graph.TokenLogits!)], graph.Statistics);
        var (bytes, manifest) = training.Write("step");
        using var arena = new ParameterArena(Model.Parameters, new ArenaOptions());
        ParameterInitialization.Fill(arena, 5);
        using var device = Device.Open("cpu", 1);
        using var session = new StepSession(device, bytes, manifest);
        targets = Distributions(2);
        tokenTargets = Distributions(32);
        for (var i = 0; i < 2 * 3 * 32 * 32; i++)
        {
            session.Tensor(ModelGraph.ImageInput)[i] = (float)Math.Sin(i * 0.7);
        }

        targets.CopyTo(session.Tensor(Classification.TargetInput));
        tokenTargets.CopyTo(session.Tensor(TokenLabeling.TokenTargetInput));
        mask.CopyTo(session.Tensor(MixToken.MaskInput));
        session.Bind(name => arena.View(ArenaBuffer.Weights, name), name => arena.View(ArenaBuffer.Gradients, name));
        session.Run();
        (ofClass, ofTokens) = (session.Tensor("class_loss")[0], session.Tensor("token_loss")[0]);
        (classLogits, tokenLogits) = (session.Tensor("class_logits").ToArray(), session.Tensor("token_logits").ToArray());
        return session.Loss;
    }

    private static float[] Distributions(int rows)
    {
        var all = new float[rows * Classes];
        for (var row = 0; row < rows; row++)
        {
            var values = Enumerable.Range(0, Classes).Select(c => 1 + Math.Cos((row * 3) + c)).ToArray();
            for (var c = 0; c < Classes; c++)
            {
                all[(row * Classes) + c] = (float)(values[c] / values.Sum());
            }
        }

        return all;
    }

    private static double CrossEntropy(ReadOnlySpan<float> logits, double[] target)
    {
        var values = logits.ToArray().Select(static l => (double)l).ToArray();
        var logSum = Math.Log(values.Sum(Math.Exp));
        return -values.Zip(target, (l, t) => t * (l - logSum)).Sum();
    }
}
