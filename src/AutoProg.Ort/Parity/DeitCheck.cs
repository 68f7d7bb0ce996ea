using AutoProg.Graphs;
using AutoProg.Models;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Parity;

/// <summary>Loss, logits and the gradient of every parameter of a DeiT (<c>model.json</c> of family <c>deit</c>), computed by the session that training uses.</summary>
internal sealed class DeitCheck : IFixtureCheck
{
    private const string Family = "deit";
    private const string Weights = "weights.safetensors";
    private const string Inputs = "inputs.safetensors";
    private const string Expected = "expected.safetensors";
    private const string KeepMask = "drop_path.keep_mask";
    private const string KeepProb = "drop_path.keep_prob";

    private const double LossLimit = 1e-5;

    // The goldens come from float64, where an analytically zero gradient is left with about 1e-16 of what cancels in it; float32 leaves about 1e-7.
    private const double ZeroBelow = 1e-12;
    private const double ZeroLimit = 1e-6;

    private const long MostActivationBytes = 8L << 30;

    public bool Recognizes(string folder) => FixtureFamily.Of(folder) == Family;

    public IEnumerable<ParityCase> Run(string folder)
    {
        var (fixture, model) = DeitFixture.Read(folder);
        using var inputs = TensorFixture.Open(folder, Inputs);
        using var expected = TensorFixture.Open(folder, Expected);
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
        if (!File.Exists(Path.Combine(folder, Weights)) && fixture.WeightsFormula is { } formula)
        {
            foreach (var slot in arena.Layout.Slots)
            {
                formula.FillWeight(slot.Name, arena.Values(ArenaBuffer.Weights, slot.Name));
            }

            return;
        }

        using var weights = TensorFixture.Open(folder, Weights);
        if (weights.Names.FirstOrDefault(name => !arena.Layout.TryFind(name, out _)) is { } unknown)
        {
            throw new FixtureException($"{weights.Path}: tensor '{unknown}' belongs to no DeiT of this config.");
        }

        foreach (var slot in arena.Layout.Slots)
        {
            weights.Read(slot.Name, slot.Parameter.Shape, arena.Values(ArenaBuffer.Weights, slot.Name));
        }
    }

    private static StepSession Load(string folder, DeitFixture fixture, DeiT model, TensorFixture inputs)
    {
        var artifact = new SubNetworkGraphs(LearningTask.Classify(model)).Training(new SubNetwork(model.MaxResolution, model.MaxDepth), fixture.Batch, inputs.Has(KeepMask));
        return artifact.Cost.ActivationBytes <= MostActivationBytes
            ? new StepSession(Device.Open("cpu"), artifact.Model, artifact.Manifest)
            : throw new FixtureException($"{Path.Combine(folder, FixtureFamily.File)}: the model needs {artifact.Cost.ActivationBytes >> 20} MiB of activations, expected at most {MostActivationBytes >> 20}.");
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

        inputs.Read(Classification.TargetInput, [fixture.Batch, c.NumClasses], session.Tensor(Classification.TargetInput));
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
        var cases = new List<ParityCase>
        {
            new("loss", Deviation.OfElement(session.Loss, expected.Read("loss", Shape.Scalar)[0]), LossLimit),
            new("output", Deviation.OfTensor(session.Tensor(ModelGraph.LogitsOutput), expected.Read("output", [fixture.Batch, fixture.Config.NumClasses])), fixture.OutputLimit),
        };
        var golden = new GoldenGradients(expected, arena);
        foreach (var slot in arena.Layout.Slots)
        {
            cases.AddRange(golden.Of(slot.Name).Select(part => Gradient(part, golden.WholeNorm, fixture.GradientLimit)));
        }

        return expected.Names.Except(cases.Select(static c => c.Name)).FirstOrDefault(static name => !name.StartsWith("aux.", StringComparison.Ordinal)) is { } unknown
            ? throw new FixtureException($"{expected.Path}: tensor '{unknown}' is not known; expected loss, output, and grad., grad_head. or grad_norm. of a parameter.")
            : cases;
    }

    private static ParityCase Gradient(GoldenGradient part, double wholeNorm, double limit) => part.ExpectedNorm < ZeroBelow * wholeNorm
        ? new(part.Name, Deviation.Norm(part.Actual) / wholeNorm, ZeroLimit)
        : new(part.Name, Deviation.OfTensor(part.Actual, part.Expected), limit);

    /// <summary>A golden gradient, or what is stored of it, beside the computed one.</summary>
    private sealed record GoldenGradient(string Name, float[] Actual, float[] Expected)
    {
        public double ExpectedNorm => Deviation.Norm(Expected);
    }

    /// <summary>Gradients are stored whole (<c>grad.</c>), or as their first elements (<c>grad_head.</c>) and their L2 norm (<c>grad_norm.</c>).</summary>
    private sealed class GoldenGradients
    {
        private readonly TensorFixture expected;
        private readonly ParameterArena arena;

        public GoldenGradients(TensorFixture expected, ParameterArena arena)
        {
            (this.expected, this.arena) = (expected, arena);
            var norms = arena.Layout.Slots.Select(slot => Of(slot.Name)[^1].ExpectedNorm);
            WholeNorm = Math.Sqrt(norms.Sum(static norm => norm * norm));
        }

        /// <summary>Norm of the gradient by all parameters together: what a single one is nothing against, or is not.</summary>
        public double WholeNorm { get; }

        public List<GoldenGradient> Of(string parameter)
        {
            var gradient = arena.Values(ArenaBuffer.Gradients, parameter).ToArray();
            var (whole, head, norm) = ($"grad.{parameter}", $"grad_head.{parameter}", $"grad_norm.{parameter}");
            if (!expected.Has(whole) && !expected.Has(norm))
            {
                throw new FixtureException($"{expected.Path}: holds neither '{whole}' nor '{norm}'; expected a gradient for every parameter.");
            }

            var parts = new List<GoldenGradient>();
            if (expected.Has(head))
            {
                var shape = expected.ShapeOf(head);
                if (shape.Rank != 1 || shape[0] > gradient.Length)
                {
                    throw new FixtureException($"{expected.Path}: tensor '{head}' has shape {shape}, expected at most [{gradient.Length}].");
                }

                parts.Add(new(head, gradient[..(int)shape[0]], expected.Read(head, shape)));
            }

            if (expected.Has(norm))
            {
                parts.Add(new(norm, [(float)Deviation.Norm(gradient)], expected.Read(norm, Shape.Scalar)));
            }

            if (expected.Has(whole))
            {
                parts.Add(new(whole, gradient, expected.Read(whole, arena.Layout[parameter].Parameter.Shape)));
            }

            return parts;
        }
    }
}
