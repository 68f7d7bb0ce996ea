using AutoProg.Graphs;
using AutoProg.Graphs.Analysis;
using AutoProg.Graphs.Artifacts;
using AutoProg.Graphs.Import;
using AutoProg.Models;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Parity;

/// <summary>A model file of another framework (<c>forward.onnx</c>): loss, output, the gradient of everything trainable, and running statistics after the step.</summary>
internal sealed class ForeignCheck : IFixtureCheck
{
    private const string OutputName = "output";
    private const string Unbiased = "buffer.";
    private const string Population = "buffer_population.";

    public bool Recognizes(string folder) => File.Exists(Path.Combine(folder, ForeignFixture.ModelFile));

    public IEnumerable<ParityCase> Run(string folder)
    {
        var (fixture, model) = ForeignFixture.Read(folder);
        using var inputs = TensorFixture.Open(folder, GoldenStep.Inputs);
        using var expected = TensorFixture.Open(folder, GoldenStep.Expected);
        List<ParityCase> cases = [.. Step(folder, fixture, model, inputs, expected, unbiased: true)];
        if (expected.Names.Any(static name => name.StartsWith(Population, StringComparison.Ordinal)))
        {
            cases.AddRange(Step(folder, fixture, model, inputs, expected, unbiased: false).Where(static c => c.Name.StartsWith(Population, StringComparison.Ordinal)));
        }

        GoldenStep.ExpectNothingElse(expected, cases, "loss, output, buffer. or buffer_population. of a running statistic");
        return cases;
    }

    private static List<ParityCase> Step(string folder, ForeignFixture fixture, OnnxModelFile model, TensorFixture inputs, TensorFixture expected, bool unbiased)
    {
        var (imported, training) = Differentiate(folder, fixture, model, unbiased);
        using var arena = new ParameterArena(
            [
                .. imported.Builder.Parameters.Select(p => Stored(p.Name, p.Shape)),
                .. imported.Statistics.Select(s => Stored(s.Buffer, s.OfBatch.Shape, new RunningStatistic(s.Momentum))),
            ],
            new ArenaOptions { MomentCount = GoldenStep.MomentCount });
        ParameterInitialization.Fill(arena, seed: 0);
        var (bytes, manifest) = training.Write("foreign");
        using var session = GoldenStep.Load(folder, bytes, manifest, GraphCost.PeakActivationBytes(training.Graph));
        Feed(session, fixture, imported.Builder.Inputs[0], inputs);
        session.Bind(name => arena.View(ArenaBuffer.Weights, name), name => arena.View(ArenaBuffer.Gradients, name));
        session.Run();
        return Compare(session, fixture, arena, expected, unbiased);

        Parameter Stored(string name, Shape shape, RunningStatistic? running = null) => new(name, shape, new Initializer.Stored(() => model.Read(name)), WeightDecay: false, Running: running);
    }

    private static (ImportedGraph Imported, TrainingGraph Training) Differentiate(string folder, ForeignFixture fixture, OnnxModelFile model, bool unbiased)
    {
        try
        {
            var imported = OnnxImport.Build(model, new OnnxImportOptions { IsParameter = fixture.Trainable.Contains, UnbiasedVariance = unbiased });
            var (b, output) = (imported.Builder, imported.Outputs.Values.Single());
            var loss = Losses.Attach(b, LossKind.CrossEntropy, output);
            return (imported, TrainingGraph.Create(b, loss, static _ => true, [new GraphOutput(OutputName, output)], imported.Statistics.ToDictionary(static s => s.Buffer, static s => s.OfBatch, StringComparer.Ordinal)));
        }
        catch (Exception refused) when (refused is OnnxFormatException or GraphException)
        {
            throw new FixtureException($"{folder}: {refused.Message}", refused);
        }
    }

    private static void Feed(StepSession session, ForeignFixture fixture, Value input, TensorFixture inputs)
    {
        if (input.Type == ElementType.Int64)
        {
            inputs.ReadIndices("input", Shape.Of(fixture.Input), long.MaxValue).CopyTo(session.Tensor<long>(input.Name));
        }
        else
        {
            inputs.Read("input", Shape.Of(fixture.Input), session.Tensor(input.Name));
        }

        inputs.ReadIndices("labels", Shape.Of(fixture.Labels), fixture.Output[^1]).CopyTo(session.Tensor<long>(Losses.LabelsInput));
    }

    private static List<ParityCase> Compare(StepSession session, ForeignFixture fixture, ParameterArena arena, TensorFixture expected, bool unbiased)
    {
        var limits = new Float32Check(fixture.Float32Check.Output, fixture.Float32Check.Grad);
        var golden = new GoldenGradients(expected, arena);
        return
        [
            new("loss", Deviation.OfElement(session.Loss, expected.Read("loss", Shape.Scalar)[0]), GoldenStep.LossLimit),
            new("output", Deviation.OfTensor(session.Tensor(OutputName), expected.Read("output", Shape.Of(fixture.Output))), limits.OutputLimit),
            .. fixture.Trainable.SelectMany(name => golden.Compare(name, limits.GradientLimit)),
            .. GoldenStep.Statistics(arena, expected, unbiased ? Unbiased : Population),
        ];
    }
}
