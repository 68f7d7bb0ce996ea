using System.Globalization;
using AutoProg.Graphs;
using AutoProg.Graphs.Analysis;
using AutoProg.Graphs.Artifacts;
using AutoProg.Models;
using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Parity;

/// <summary>
/// A training step of a diffusion transformer (<c>model.json</c> of family <c>dit</c> without a kind): noisy input, prediction, losses and the gradient of every
/// parameter; then the same gradients from the graph of each unfreeze level, which must be smaller than the next one's.
/// </summary>
internal sealed class DitCheck : IFixtureCheck
{
    private const string Family = "dit";
    private const string MseOutput = "loss.mse";
    private const string VbOutput = "loss.vb";
    private const string MseSamplesOutput = "loss.mse.per_sample";
    private const string VbSamplesOutput = "loss.vb.per_sample";

    public bool Recognizes(string folder) => FixtureFamily.Of(folder) == Family && FixtureFamily.KindOf(folder) is null;

    public IEnumerable<ParityCase> Run(string folder)
    {
        var (fixture, model) = DitFixture.Read(folder);
        var (diffusion, file) = (fixture.Diffusion, new ModelFixture(folder));
        file.Expect(fixture.Loss == "hybrid_mse_vb", "loss", fixture.Loss, "hybrid_mse_vb");
        file.Expect(diffusion is { TimestepRespacing: "", MeanType: "epsilon", VarType: "learned_range", LossType: "mse" }, "diffusion", diffusion, "no respacing, epsilon, learned_range, mse");
        file.Expect(model.Config.LearnSigma, "config.learn_sigma", model.Config.LearnSigma, "true");
        using var golden = new Step(folder, fixture, model);
        return golden.Compare();
    }

    /// <summary>One fixture: its files, its model's memory, and what was run on them.</summary>
    private sealed class Step : IDisposable
    {
        private readonly string folder;
        private readonly DitFixture fixture;
        private readonly DiT model;
        private readonly NoiseSchedule schedule;
        private readonly TensorFixture inputs;
        private readonly TensorFixture expected;
        private readonly ParameterArena arena;

        public Step(string folder, DitFixture fixture, DiT model)
        {
            (this.folder, this.fixture, this.model) = (folder, fixture, model);
            schedule = fixture.Schedule(folder);
            inputs = TensorFixture.Open(folder, GoldenStep.Inputs);
            expected = TensorFixture.Open(folder, GoldenStep.Expected);
            arena = new ParameterArena(model.Parameters, new ArenaOptions());
            GoldenWeights.Fill(folder, arena, "DiT", DitFixture.PositionBuffer);
        }

        private Shape SampleShape => [fixture.Batch, model.InputChannels, fixture.InputSize, fixture.InputSize];

        public void Dispose()
        {
            arena.Dispose();
            expected.Dispose();
            inputs.Dispose();
        }

        public List<ParityCase> Compare()
        {
            var training = Build(static _ => true);
            List<ParityCase> cases = [.. Constants(), .. Run(training, Results), .. Gradients(model.Parameters.Select(static p => p.Name))];
            GoldenStep.ExpectNothingElse(expected, cases, "output, x_t, losses");
            cases.AddRange(Levels(training));
            return cases;
        }

        /// <summary>What the engine computes on the host, in double precision.</summary>
        private List<ParityCase> Constants()
        {
            var (c, cases) = (model.Config, new List<ParityCase>());
            using var weights = TensorFixture.Open(folder, GoldenWeights.File);
            Add(weights, DitFixture.PositionBuffer, c.InputSize);
            Add(expected, "aux.pos_embed_interp", fixture.InputSize);
            if (expected.Has("aux.t_embedding"))
            {
                const int Width = 256;
                var table = SinCosPositions.OfTimesteps(Width, DiT.Timesteps).Chunk(Width).ToArray();
                float[] rows = [.. Timesteps().SelectMany(t => table[t]).Select(static v => (float)v)];
                cases.Add(new("aux.t_embedding", Deviation.OfTensor(rows, expected.Read("aux.t_embedding", [fixture.Batch, Width])), Float32Check.TightestLimit));
            }

            return cases;

            void Add(TensorFixture file, string name, int size)
            {
                if (file.Has(name))
                {
                    var (grid, to) = (c.InputSize / c.PatchSize, size / c.PatchSize);
                    float[] positions = [.. SinCosPositions.OfGrid(c.HiddenSize, grid, to).Select(static v => (float)v)];
                    cases.Add(new(name, Deviation.OfTensor(positions, file.Read(name, [1, to * to, c.HiddenSize])), Float32Check.TightestLimit));
                }
            }
        }

        private IEnumerable<ParityCase> Results(StepSession session)
        {
            float[] both = [.. session.Tensor(MseSamplesOutput).ToArray().Zip(session.Tensor(VbSamplesOutput).ToArray(), static (mse, vb) => mse + vb)];
            Shape outputs = [fixture.Batch, 2 * model.InputChannels, fixture.InputSize, fixture.InputSize];
            return
            [
                Case("x_t", session.Tensor(DiT.NoisyInput), SampleShape, Float32Check.TightestLimit),
                Case("output", session.Tensor(DiT.PredictionOutput), outputs, fixture.Limits.OutputLimit),
                Case("loss", [session.Loss], Shape.Scalar, GoldenStep.LossLimit),
                Case(MseOutput, session.Tensor(MseOutput), Shape.Scalar, GoldenStep.LossLimit),
                Case(VbOutput, session.Tensor(VbOutput), Shape.Scalar, GoldenStep.LossLimit),
                Case(MseSamplesOutput, session.Tensor(MseSamplesOutput), [fixture.Batch], GoldenStep.LossLimit),
                Case(VbSamplesOutput, session.Tensor(VbSamplesOutput), [fixture.Batch], GoldenStep.LossLimit),
                Case("loss.per_sample", both, [fixture.Batch], GoldenStep.LossLimit),
            ];
        }

        private ParityCase Case(string name, ReadOnlySpan<float> actual, Shape shape, double limit) => new(name, Deviation.OfTensor(actual, expected.Read(name, shape)), limit);

        private IEnumerable<ParityCase> Gradients(IEnumerable<string> parameters)
        {
            var golden = new GoldenGradients(expected, arena);
            return [.. parameters.SelectMany(name => golden.Compare(name, fixture.Limits.GradientLimit))];
        }

        /// <summary>Each level learns what the rule says, gets the gradients of the complete graph, and costs fewer nodes than the next.</summary>
        private IEnumerable<ParityCase> Levels(TrainingGraph complete)
        {
            var smallerThan = complete.Graph.Nodes.Count + 1;
            foreach (var (text, names) in (fixture.UnfreezeLevels ?? []).OrderByDescending(static level => level.Value.Length))
            {
                var place = $"unfreeze_levels.{text}";
                var level = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= Unfreezing.Levels
                    ? number
                    : throw new FixtureException($"{Path.Combine(folder, FixtureFamily.File)}: {place} is not a level, expected 1 to {Unfreezing.Levels}.");
                yield return new(place, Deviation.OfExact([.. Learnable(level).Order(StringComparer.Ordinal)], [.. names.Order(StringComparer.Ordinal)]), 0);

                var training = Build(Learnable(level).ToHashSet().Contains);
                foreach (var gradient in Run(training, _ => Gradients(training.Gradients.Keys)))
                {
                    yield return gradient with { Name = $"{place}: {gradient.Name}" };
                }

                yield return new($"{place}: nodes", training.Graph.Nodes.Count < smallerThan ? 0 : Deviation.Wrong, 0);
                smallerThan = training.Graph.Nodes.Count;
            }
        }

        private IEnumerable<string> Learnable(int level)
        {
            var blocks = Unfreezing.LearnableBlocks(model.MaxDepth, level);
            return model.Parameters.Where(p => p.Block is not { } block || blocks.Contains(block.Index)).Select(static p => p.Name);
        }

        private TrainingGraph Build(Func<string, bool> learnable)
        {
            var graph = model.Build(fixture.InputSize, model.MaxDepth, fixture.Batch, ModelGraphOptions.Inference);
            var losses = DiffusionLoss.Attach(graph, schedule, DiffusionLossKind.Hybrid);
            return TrainingGraph.Create(
                graph.Builder, losses.Loss, learnable,
                new(DiT.PredictionOutput, graph.Output), new(MseOutput, losses.Mse!), new(VbOutput, losses.Vb!), new(MseSamplesOutput, losses.MsePerSample!), new(VbSamplesOutput, losses.VbPerSample!));
        }

        private IEnumerable<ParityCase> Run(TrainingGraph training, Func<StepSession, IEnumerable<ParityCase>> compare)
        {
            var (bytes, manifest) = training.Write("dit");
            using var session = GoldenStep.Load(folder, bytes, manifest, GraphCost.PeakActivationBytes(training.Graph));
            Feed(session);
            foreach (var parameter in model.Parameters)
            {
                arena.Values(ArenaBuffer.Gradients, parameter.Name).Clear();
            }

            session.Bind(name => arena.View(ArenaBuffer.Weights, name), name => arena.View(ArenaBuffer.Gradients, name));
            session.Run();
            return [.. compare(session)];
        }

        private void Feed(StepSession session)
        {
            var clean = session.Tensor(DiffusionLoss.CleanInput);
            var noise = session.Tensor(DiffusionLoss.NoiseInput);
            var timesteps = session.Tensor<long>(DiT.TimestepInput);
            inputs.Read("x_start", SampleShape, clean);
            inputs.Read("noise", SampleShape, noise);
            Timesteps().CopyTo(timesteps);
            fixture.ReadConditions(inputs, "y", "label_drop", model.NullLabel).CopyTo(session.Tensor<long>(DiT.LabelInput));
            if (session.Has(DiT.StageInput))
            {
                fixture.ReadConditions(inputs, "s", "stage_drop", model.NullStage).CopyTo(session.Tensor<long>(DiT.StageInput));
            }

            ForwardProcess.AddNoise(schedule, clean, noise, timesteps, session.Tensor(DiT.NoisyInput));
        }

        private long[] Timesteps() => inputs.ReadIndices("t", [fixture.Batch], schedule.Steps);
    }
}
