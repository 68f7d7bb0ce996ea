using AutoProg.Graphs;
using AutoProg.Models;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Parity;

/// <summary>Loss, logits and the gradient of every parameter of a DeiT (<c>model.json</c> of family <c>deit</c>), computed by the session that training uses.</summary>
internal sealed class DeitCheck : IFixtureCheck
{
    private const string Family = "deit";
    private const string KeepMask = "drop_path.keep_mask";
    private const string KeepProb = "drop_path.keep_prob";

    public bool Recognizes(string folder) => FixtureFamily.Of(folder) == Family;

    public IEnumerable<ParityCase> Run(string folder)
    {
        var (fixture, model) = DeitFixture.Read(folder);
        using var inputs = TensorFixture.Open(folder, GoldenStep.Inputs);
        using var expected = TensorFixture.Open(folder, GoldenStep.Expected);
        using var arena = new ParameterArena(model.Parameters, new ArenaOptions());
        FillWeights(folder, fixture, arena);
        using var session = Load(folder, fixture, model, inputs);
        Feed(session, fixture, inputs);
        session.Bind(name => arena.View(ArenaBuffer.Weights, name), name => arena.View(ArenaBuffer.Gradients, name));
        session.Run();
        return Compare(session, fixture, arena, expected);
    }

    private static void FillWeights(string folder, DeitFixture fixture, ParameterArena arena)
    {
        if (File.Exists(Path.Combine(folder, GoldenWeights.File)) || fixture.WeightsFormula is not { } formula)
        {
            GoldenWeights.Fill(folder, arena, "DeiT");
            return;
        }

        foreach (var slot in arena.Layout.Slots)
        {
            formula.FillWeight(slot.Name, arena.Values(ArenaBuffer.Weights, slot.Name));
        }
    }

    private static StepSession Load(string folder, DeitFixture fixture, DeiT model, TensorFixture inputs)
    {
        var artifact = new SubNetworkGraphs(model).Training(new SubNetwork(model.MaxResolution, model.MaxDepth), fixture.Batch, inputs.Has(KeepMask));
        return GoldenStep.Load(folder, artifact.Model, artifact.Manifest, artifact.Cost.ActivationBytes);
    }

    private static void Feed(StepSession session, DeitFixture fixture, TensorFixture inputs)
    {
        var c = fixture.Config;
        var image = session.Tensor(ModelGraph.ImageInput);
        if (!inputs.Has(ModelGraph.ImageInput) && fixture.WeightsFormula is { } formula)
        {
            formula.FillImage(image);
        }
        else
        {
            inputs.Read(ModelGraph.ImageInput, [fixture.Batch, c.InChans, c.ImgSize, c.ImgSize], image);
        }

        inputs.Read(SubNetworkGraphs.TargetInput, [fixture.Batch, c.NumClasses], session.Tensor(SubNetworkGraphs.TargetInput));
        if (!inputs.Has(KeepMask))
        {
            return;
        }

        // Branch output times mask over probability.
        var factors = session.Tensor(ModelGraph.DropPathInput);
        inputs.Read(KeepMask, [c.Depth, 2, fixture.Batch], factors);
        var keep = inputs.Read(KeepProb, [c.Depth]);
        for (var i = 0; i < factors.Length; i++)
        {
            factors[i] /= keep[i / (2 * fixture.Batch)];
        }
    }

    private static List<ParityCase> Compare(StepSession session, DeitFixture fixture, ParameterArena arena, TensorFixture expected)
    {
        var limits = fixture.Float32Check ?? Float32Check.Unknown;
        var golden = new GoldenGradients(expected, arena);
        List<ParityCase> cases =
        [
            new("loss", Deviation.OfElement(session.Loss, expected.Read("loss", Shape.Scalar)[0]), GoldenStep.LossLimit),
            new("output", Deviation.OfTensor(session.Tensor(ModelGraph.LogitsOutput), expected.Read("output", [fixture.Batch, fixture.Config.NumClasses])), limits.OutputLimit),
            .. arena.Layout.Slots.SelectMany(slot => golden.Compare(slot.Name, limits.GradientLimit)),
        ];
        GoldenStep.ExpectNothingElse(expected, cases, "loss, output");
        return cases;
    }
}
