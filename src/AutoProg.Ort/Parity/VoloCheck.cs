using AutoProg.Graphs;
using AutoProg.Graphs.Analysis;
using AutoProg.Graphs.Artifacts;
using AutoProg.Models;
using AutoProg.Ort.Data.Augmentation;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Parity;

/// <summary>
/// A VOLO (<c>model.json</c> of family <c>volo</c>): in training mode both heads, the parts of the loss, every gradient and the running statistics after the step; in
/// evaluation mode the output.
/// </summary>
internal sealed class VoloCheck : IFixtureCheck
{
    private const string Family = "volo";
    private const string ClassTarget = "target_cls";
    private const string TokenTarget = "target_aux";
    private const string ClassOutput = "output.cls";
    private const string TokenOutput = "output.aux";
    private const string ClassLoss = "loss.cls";
    private const string TokenLoss = "loss.aux";
    private const string Buffer = "buffer.";

    public bool Recognizes(string folder) => FixtureFamily.Of(folder) == Family;

    public IEnumerable<ParityCase> Run(string folder)
    {
        var (fixture, model) = VoloFixture.Read(folder);
        using var inputs = TensorFixture.Open(folder, GoldenStep.Inputs);
        using var expected = TensorFixture.Open(folder, GoldenStep.Expected);
        using var arena = new ParameterArena(model.Parameters, new ArenaOptions { MomentCount = GoldenStep.MomentCount });
        GoldenWeights.Fill(folder, arena, "VOLO", [.. Counters(model)]);
        return fixture.Mode == VoloFixture.Training ? TrainingStep() : Evaluation();

        List<ParityCase> Evaluation()
        {
            var artifact = new SubNetworkGraphs(LearningTask.Classify(model)).Inference(new SubNetwork(fixture.InputSize, model.MaxDepth), fixture.Batch);
            GoldenStep.ExpectFits(folder, artifact.Cost.ActivationBytes);
            using var device = Device.Open("cpu");
            using var session = new EvalSession(device, artifact.Model, artifact.Manifest);
            session.Bind(name => arena.View(ArenaBuffer.Weights, name));
            inputs.Read(ModelGraph.ImageInput, [fixture.Batch, model.InputChannels, fixture.InputSize, fixture.InputSize], session.Tensor(ModelGraph.ImageInput));
            session.Run();
            List<ParityCase> cases = [new("output", Deviation.OfTensor(session.Tensor(ModelGraph.LogitsOutput), expected.Read("output", [fixture.Batch, model.ClassCount])), fixture.Limits.OutputLimit)];
            GoldenStep.ExpectNothingElse(expected, cases, "output");
            return cases;
        }

        List<ParityCase> TrainingStep()
        {
            var training = Differentiate(fixture, model);
            var (bytes, manifest) = training.Write("volo");
            using var session = GoldenStep.Load(folder, bytes, manifest, GraphCost.PeakActivationBytes(training.Graph));
            Feed(session, fixture, model, inputs);
            session.Bind(name => arena.View(ArenaBuffer.Weights, name), name => arena.View(ArenaBuffer.Gradients, name));
            session.Run();
            return Compare(session, training, fixture, model, arena, expected);
        }
    }

    private static TrainingGraph Differentiate(VoloFixture fixture, Volo model)
    {
        var graph = (VoloGraph)model.Build(fixture.InputSize, model.MaxDepth, fixture.Batch, new ModelGraphOptions(Training: true));
        var (loss, ofClass, ofTokens) = new TokenLabeling(model, mixAlpha: 0, hasTokenTargets: true).Attach(graph);
        var learnable = model.Parameters.Where(static p => !p.IsBuffer).Select(static p => p.Name).ToHashSet(StringComparer.Ordinal);
        return TrainingGraph.Create(
            graph.Builder, loss, learnable.Contains,
            [new(ClassOutput, graph.Output), new(TokenOutput, graph.TokenLogits!), new(ClassLoss, ofClass), new(TokenLoss, ofTokens)], graph.Statistics);
    }

    private static void Feed(StepSession session, VoloFixture fixture, Volo model, TensorFixture inputs)
    {
        var (batch, grid, classes) = (fixture.Batch, model.TokenGrid(fixture.InputSize), model.ClassCount);
        inputs.Read(ModelGraph.ImageInput, [batch, model.InputChannels, fixture.InputSize, fixture.InputSize], session.Tensor(ModelGraph.ImageInput));
        inputs.Read(ClassTarget, [batch, classes], session.Tensor(Classification.TargetInput));
        inputs.Read(TokenTarget, [batch, grid * grid, classes], session.Tensor(TokenLabeling.TokenTargetInput));
        var box = inputs.ReadIndices("bbox", [4], grid + 1);
        var (top, left, bottom, right) = ((int)box[0], (int)box[1], (int)box[2], (int)box[3]);
        new Box(left, top, Math.Max(0, right - left), Math.Max(0, bottom - top)).Fill(session.Tensor(MixToken.MaskInput), grid);
    }

    private static List<ParityCase> Compare(StepSession session, TrainingGraph training, VoloFixture fixture, Volo model, ParameterArena arena, TensorFixture expected)
    {
        var (limits, classes, tokens) = (fixture.Limits, model.ClassCount, model.TokenGrid(fixture.InputSize) * model.TokenGrid(fixture.InputSize));
        var golden = new GoldenGradients(expected, arena);
        List<ParityCase> cases =
        [
            new("loss", Deviation.OfElement(session.Loss, expected.Read("loss", Shape.Scalar)[0]), GoldenStep.LossLimit),
            Loss(ClassLoss),
            Loss(TokenLoss),
            Output(ClassOutput, [fixture.Batch, classes]),
            Output(TokenOutput, [fixture.Batch, tokens, classes]),
            .. training.Gradients.Keys.SelectMany(name => golden.Compare(name, limits.GradientLimit)),
            .. GoldenStep.Statistics(arena, expected, Buffer),
        ];
        GoldenStep.ExpectNothingElse(expected, [.. cases, .. Counters(model).Select(static name => new ParityCase(Buffer + name, 0, 0))], "output, losses, buffers");
        return cases;

        ParityCase Loss(string name) => new(name, Deviation.OfElement(session.Tensor(name)[0], expected.Read(name, Shape.Scalar)[0]), GoldenStep.LossLimit);

        ParityCase Output(string name, Shape shape) => new(name, Deviation.OfTensor(session.Tensor(name), expected.Read(name, shape)), limits.OutputLimit);
    }

    /// <summary>PyTorch counts batches beside its running statistics; nothing reads the count.</summary>
    private static IEnumerable<string> Counters(Volo model) => model.Parameters
        .Where(static p => p.IsBuffer)
        .Select(static p => $"{p.Name[..p.Name.LastIndexOf('.')]}.num_batches_tracked")
        .Distinct();
}
