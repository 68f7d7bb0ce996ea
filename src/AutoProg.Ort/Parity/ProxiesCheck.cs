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
/// The zero-shot proxies of a diffusion transformer (<c>model.json</c> of family <c>dit</c>, kind <c>proxies</c>): Gram matrices by parameter, tangent kernels,
/// eigenvalues and condition numbers by unfreeze level; gradients of mini-batches, terms by layer and scores by level of ZiCo.
/// </summary>
internal sealed class ProxiesCheck : IFixtureCheck
{
    private const string Family = "dit";
    private const string Kind = "proxies";

    public bool Recognizes(string folder) => FixtureFamily.Of(folder) == Family && FixtureFamily.KindOf(folder) == Kind;

    public IEnumerable<ParityCase> Run(string folder)
    {
        var (fixture, model) = DitFixture.Read(folder);
        var lists = JsonFixture.Read<Lists>(folder, FixtureFamily.File);
        var file = new ModelFixture(folder);
        file.Expect(fixture.Loss == "ntk: sum of outputs; zico: hybrid_mse_vb", "loss", fixture.Loss, "ntk: sum of outputs; zico: hybrid_mse_vb");
        file.Expect(model.Config.LearnSigma, "config.learn_sigma", model.Config.LearnSigma, "true");
        file.Expect(fixture.UnfreezeLevels is { Count: > 0 }, "unfreeze_levels", fixture.UnfreezeLevels?.Count, "one at least");
        using var golden = new Proxies(folder, fixture, model, lists);
        return golden.Compare();
    }

    private sealed record Lists(string[] ZicoModules, string[] NtkParameters);

    /// <summary>One fixture: its files and its model's memory.</summary>
    private sealed class Proxies : IDisposable
    {
        // Another order of summation; kernels and gradients are sums of thousands of products.
        private const double KernelLimit = 1e-5;

        // Eigenvalues move by as much as the matrix, absolutely, so that the smallest one moves kappa times as much.
        private const double ConditionLimit = 1e-4;

        // ZiCo divides by the difference of two gradients: a float32 run of the reference stays within these.
        private const double TermLimit = 1e-2;
        private const double ScoreLimit = 1e-4;

        // Two float32 gradients may agree by chance where the goldens differ.
        private const double CountLimit = 1e-3;

        private const int MostMiniBatches = 16;
        private const string Suffix = ".weight";

        // How much a term moves with the gradients: nothing that the engine computes.
        private const string Informative = "zico.sensitivity.";

        private readonly string folder;
        private readonly DitFixture fixture;
        private readonly DiT model;
        private readonly Lists lists;
        private readonly NoiseSchedule schedule;
        private readonly TensorFixture inputs;
        private readonly TensorFixture expected;
        private readonly ParameterArena arena;

        public Proxies(string folder, DitFixture fixture, DiT model, Lists lists)
        {
            (this.folder, this.fixture, this.model, this.lists) = (folder, fixture, model, lists);
            schedule = fixture.Schedule(folder);
            inputs = TensorFixture.Open(folder, GoldenStep.Inputs);
            try
            {
                expected = TensorFixture.Open(folder, GoldenStep.Expected);
                arena = new ParameterArena(model.Parameters, new ArenaOptions());
                GoldenWeights.Fill(folder, arena, "DiT", DitFixture.PositionBuffer);
            }
            catch
            {
                arena?.Dispose();
                expected?.Dispose();
                inputs.Dispose();
                throw;
            }
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
            List<ParityCase> cases =
            [
                new("ntk_parameters", Deviation.OfExact([.. Names(ProxyWeights.CountsForTangentKernel).Order(StringComparer.Ordinal)], [.. lists.NtkParameters.Order(StringComparer.Ordinal)]), 0),
                new("zico_modules", Deviation.OfExact([.. Names(ProxyWeights.CountsForZiCo).Order(StringComparer.Ordinal)], [.. lists.ZicoModules.Select(static m => m + Suffix).Order(StringComparer.Ordinal)]), 0),
                .. TangentKernel(),
                .. MiniBatches(),
            ];
            return expected.Names.Except(cases.Select(static c => c.Name)).FirstOrDefault(static name => !name.StartsWith(Informative, StringComparison.Ordinal)) is { } unknown
                ? throw new FixtureException($"{expected.Path}: tensor '{unknown}' is not known; expected gram., ntk. and zico. of the parameters, modules and levels in {FixtureFamily.File}.")
                : cases;
        }

        private IEnumerable<string> Names(Func<Parameter, bool> counts) => model.Parameters.Where(counts).Select(static p => p.Name);

        private IEnumerable<ParityCase> TangentKernel()
        {
            var kernel = Kernel();
            foreach (var parameter in kernel.Parameters)
            {
                var gram = kernel.Matrix(name => name == parameter);
                yield return Case($"gram.{parameter}", gram, Square, KernelLimit);
                yield return Case($"ntk.output_sum_grad_norm.{parameter}", [.. Enumerable.Range(0, fixture.Batch).Select(i => Math.Sqrt(gram[i * (fixture.Batch + 1)]))], [fixture.Batch], KernelLimit);
            }

            foreach (var (level, learnable) in Levels())
            {
                yield return Case($"ntk.gram.level{level}", kernel.Matrix(learnable.Contains), Square, KernelLimit);
                double[] eigenvalues = [.. expected.Read($"ntk.eig.level{level}", [fixture.Batch])];
                yield return new($"ntk.eig.level{level}", Deviation.OfElements(kernel.Eigenvalues(learnable.Contains), eigenvalues), ConditionLimit);
                yield return Case($"ntk.cond.level{level}", [kernel.ConditionNumber(learnable.Contains)], [1], ConditionLimit);
            }
        }

        private Shape Square => [fixture.Batch, fixture.Batch];

        private ParityCase Case(string name, double[] actual, Shape shape, double limit) =>
            new(name, Deviation.OfTensor([.. actual.Select(static v => (float)v)], expected.Read(name, shape)), limit);

        /// <summary>Of the clean samples: the reference adds no noise here.</summary>
        private NeuralTangentKernel Kernel()
        {
            var graph = model.Build(fixture.InputSize, model.MaxDepth, fixture.Batch, ModelGraphOptions.Inference);
            var kernel = TangentKernelGraph.Create(graph.Builder, graph.Output, Names(ProxyWeights.CountsForTangentKernel).ToHashSet(StringComparer.Ordinal).Contains);
            GoldenStep.ExpectFits(folder, GraphCost.PeakActivationBytes(kernel.Graph));
            var (bytes, manifest) = kernel.Write("ntk");
            using var session = new EvalSession(Device.Open("cpu"), bytes, manifest);
            session.Bind(name => arena.View(ArenaBuffer.Weights, name));
            FeedConditions(session, "ntk");
            inputs.Read("ntk.x_start", SampleShape, session.Tensor(DiT.NoisyInput));
            session.Run();
            return NeuralTangentKernel.Of(session, manifest);
        }

        private List<ParityCase> MiniBatches()
        {
            var cases = new List<ParityCase>();
            var zico = new ZiCo(Names(ProxyWeights.CountsForZiCo));
            var batches = new List<Dictionary<string, float[]>>();
            using var session = Training();
            for (var batch = 0; inputs.Has($"zico.{batch}.x_start"); batch++)
            {
                if (batch == MostMiniBatches)
                {
                    throw new FixtureException($"{inputs.Path}: holds zico.{batch}.x_start, expected at most {MostMiniBatches} mini-batches.");
                }

                FeedNoisy(session, $"zico.{batch}");
                session.Run();
                zico.AddBatch(arena);
                var gradients = zico.Layers.ToDictionary(static layer => layer[..^Suffix.Length], layer => arena.Read(ArenaBuffer.Gradients, layer).ToArray(), StringComparer.Ordinal);
                batches.Add(gradients);
                cases.Add(new($"zico.{batch}.loss", Deviation.OfElement(session.Loss, expected.Read($"zico.{batch}.loss", Shape.Scalar)[0]), GoldenStep.LossLimit));
                cases.AddRange(gradients
                    .Select(layer => (Name: $"zico.grad.{batch}.{layer.Key}", Gradient: layer.Value))
                    .Where(layer => expected.Has(layer.Name))
                    .Select(layer => new ParityCase(layer.Name, Deviation.OfTensor(layer.Gradient, expected.Read(layer.Name, [layer.Gradient.Length])), fixture.Limits.GradientLimit)));
            }

            if (batches.Count < 2)
            {
                throw new FixtureException($"{inputs.Path}: holds {batches.Count} mini-batches (zico.0.x_start, zico.1.x_start, ...), expected two at least.");
            }

            return [.. cases, .. Formula(batches), .. Scores(zico.Terms())];
        }

        /// <summary>The formula alone, on the very gradients that the goldens were computed from; and the weights that take part, of our gradients.</summary>
        private IEnumerable<ParityCase> Formula(List<Dictionary<string, float[]>> batches)
        {
            foreach (var (module, first) in batches[0])
            {
                var (term, count) = ($"zico.term_from_stored.{module}", $"zico.nonzero.{module}");
                if (expected.Has(term))
                {
                    var stored = batches.Select((_, i) => new ReadOnlyMemory<float>(expected.Read($"zico.grad.{i}.{module}", [first.Length])));
                    yield return new(term, Deviation.OfElement(ZiCo.Term([.. stored]) ?? 0, expected.Read(term, [1])[0]), Float32Check.TightestLimit);
                }

                var deviating = Enumerable.Range(0, first.Length).Count(i => batches.Exists(batch => batch[module][i] != first[i]));
                yield return new(count, Deviation.OfElement(deviating, expected.ReadIndices(count, [1], first.Length + 1)[0]), CountLimit);
            }
        }

        private IEnumerable<ParityCase> Scores(IReadOnlyDictionary<string, double> terms)
        {
            foreach (var (level, learnable) in Levels())
            {
                foreach (var (layer, term) in terms.Where(t => learnable.Contains(t.Key)))
                {
                    var name = $"zico.term.level{level}.{layer[..^Suffix.Length]}";
                    yield return new(name, Math.Abs(term - expected.Read(name, [1])[0]) is var error && double.IsFinite(error) ? error : Deviation.Wrong, TermLimit);
                }

                yield return new($"zico.level{level}", Deviation.OfElement(ZiCo.Score(terms, learnable.Contains), expected.Read($"zico.level{level}", [1])[0]), ScoreLimit);
            }
        }

        /// <summary>The levels that the fixture has, and what the rule makes learnable in them.</summary>
        private IEnumerable<(int Level, HashSet<string> Learnable)> Levels()
        {
            foreach (var text in fixture.UnfreezeLevels!.Keys)
            {
                var level = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= Unfreezing.Levels
                    ? number
                    : throw new FixtureException($"{Path.Combine(folder, FixtureFamily.File)}: unfreeze_levels.{text} is not a level, expected 1 to {Unfreezing.Levels}.");
                var blocks = Unfreezing.LearnableBlocks(model.MaxDepth, level);
                yield return (level, Names(p => p.Block is not { } block || blocks.Contains(block.Index)).ToHashSet(StringComparer.Ordinal));
            }
        }

        private StepSession Training()
        {
            var graph = model.Build(fixture.InputSize, model.MaxDepth, fixture.Batch, ModelGraphOptions.Inference);
            var loss = DiffusionLoss.Attach(graph, schedule, DiffusionLossKind.Hybrid).Loss;
            var training = TrainingGraph.Create(graph.Builder, loss, Names(ProxyWeights.CountsForZiCo).ToHashSet(StringComparer.Ordinal).Contains);
            var (bytes, manifest) = training.Write("dit");
            var session = GoldenStep.Load(folder, bytes, manifest, GraphCost.PeakActivationBytes(training.Graph));
            session.Bind(name => arena.View(ArenaBuffer.Weights, name), name => arena.View(ArenaBuffer.Gradients, name));
            return session;
        }

        private void FeedNoisy(StepSession session, string prefix)
        {
            var clean = session.Tensor(DiffusionLoss.CleanInput);
            var noise = session.Tensor(DiffusionLoss.NoiseInput);
            inputs.Read($"{prefix}.x_start", SampleShape, clean);
            inputs.Read($"{prefix}.noise", SampleShape, noise);
            FeedConditions(session, prefix);
            ForwardProcess.AddNoise(schedule, clean, noise, session.Tensor<long>(DiT.TimestepInput), session.Tensor(DiT.NoisyInput));
        }

        private void FeedConditions(BoundSession session, string prefix)
        {
            inputs.ReadIndices($"{prefix}.t", [fixture.Batch], schedule.Steps).CopyTo(session.Tensor<long>(DiT.TimestepInput));
            fixture.ReadConditions(inputs, $"{prefix}.y", $"{prefix}.label_drop", model.NullLabel).CopyTo(session.Tensor<long>(DiT.LabelInput));
            if (session.Has(DiT.StageInput))
            {
                fixture.ReadConditions(inputs, $"{prefix}.s", $"{prefix}.stage_drop", model.NullStage).CopyTo(session.Tensor<long>(DiT.StageInput));
            }
        }
    }
}
