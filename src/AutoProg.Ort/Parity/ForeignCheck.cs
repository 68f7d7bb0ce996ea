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
        Feed(session, imported, inputs);
        session.Bind(name => arena.View(ArenaBuffer.Weights, name), name => arena.View(ArenaBuffer.Gradients, name));
        session.Run();
        return Compare(session, fixture, imported, arena, expected, unbiased);

        Parameter Stored(string name, Shape shape, RunningStatistic? running = null) => new(name, shape, new Initializer.Stored(() => model.Read(name)), WeightDecay: false, Running: running);
    }

    private static (ImportedGraph Imported, TrainingGraph Training) Differentiate(string folder, ForeignFixture fixture, OnnxModelFile model, bool unbiased)
    {
        try
        {
            var imported = OnnxImport.Build(model, new OnnxImportOptions { IsParameter = fixture.Trainable.Contains, UnbiasedVariance = unbiased });
            ExpectFits(folder, fixture, imported);
            var (b, output) = (imported.Builder, imported.Outputs.Values.Single());
            var loss = Losses.Attach(b, LossKind.CrossEntropy, output);
            return (imported, TrainingGraph.Create(b, loss, static _ => true, [new GraphOutput(OutputName, output)], imported.Statistics.ToDictionary(static s => s.Buffer, static s => s.OfBatch, StringComparer.Ordinal)));
        }
        catch (Exception refused) when (refused is OnnxFormatException or GraphException)
        {
            throw new FixtureException($"{folder}: {refused.Message}", refused);
        }
    }

    /// <summary>Refuses what could not be fed, and names of which there is no gradient.</summary>
    private static void ExpectFits(string folder, ForeignFixture fixture, ImportedGraph imported)
    {
        if (imported.Builder.Inputs is not [{ Type: ElementType.Float or ElementType.Int64 }])
        {
            throw new FixtureException($"{Path.Combine(folder, ForeignFixture.ModelFile)}: its inputs are {string.Join(", ", imported.Builder.Inputs)}; expected one of Float or Int64.");
        }

        var file = new ModelFixture(folder);
        file.Expect(fixture.Trainable.Length > 0, "trainable", "empty", "at least one name");
        var unknown = fixture.Trainable.Except(imported.Builder.Parameters.Select(static p => p.Name)).FirstOrDefault();
        file.Expect(unknown is null, "trainable", unknown, "names of stored Float tensors that the output depends on, without running statistics");
    }

    private static void Feed(StepSession session, ImportedGraph imported, TensorFixture inputs)
    {
        var (input, labels, output) = (imported.Builder.Inputs[0], imported.Builder.Inputs[1], imported.Outputs.Values.Single());
        if (input.Type == ElementType.Int64)
        {
            inputs.ReadIndices("input", input.Shape, long.MaxValue).CopyTo(session.Tensor<long>(input.Name));
        }
        else
        {
            inputs.Read("input", input.Shape, session.Tensor(input.Name));
        }

        inputs.ReadIndices("labels", labels.Shape, output.Shape[1]).CopyTo(session.Tensor<long>(labels.Name));
    }

    private static List<ParityCase> Compare(StepSession session, ForeignFixture fixture, ImportedGraph imported, ParameterArena arena, TensorFixture expected, bool unbiased)
    {
        var golden = new GoldenGradients(expected, arena);
        return
        [
            new("loss", Deviation.OfElement(session.Loss, expected.Read("loss", Shape.Scalar)[0]), GoldenStep.LossLimit),
            new("output", Deviation.OfTensor(session.Tensor(OutputName), expected.Read("output", imported.Outputs.Values.Single().Shape)), fixture.Limits.OutputLimit),
            .. fixture.Trainable.SelectMany(name => golden.Compare(name, fixture.Limits.GradientLimit)),
            .. GoldenStep.Statistics(arena, expected, unbiased ? Unbiased : Population),
        ];
    }
}
