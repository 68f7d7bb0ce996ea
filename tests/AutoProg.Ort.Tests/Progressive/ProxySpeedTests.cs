#if !DEBUG // Debug builds cut the blocks of ZiCo tiny.
using System.Diagnostics;
using System.Numerics.Tensors;
using AutoProg.Graphs.Artifacts;
using AutoProg.Models;
using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Runtime;
using AutoProg.Ort.Tests.Runtime;
using Xunit.Abstractions;

namespace AutoProg.Ort.Tests.Progressive;

/// <summary>
/// kappa and ZiCo of 4 unfreeze levels at 2 resolutions, two batches of 16 each: every candidate on its own and every sample of it on its own, its gradients copied
/// out and multiplied or averaged on the host, as the authors do; and in one pass per resolution and batch. ZiCo needs no samples, so it is also measured with a pass
/// per candidate and batch. All on all processors; sessions run for the first time, as they do in a search.
/// </summary>
[Collection(nameof(Alone))]
public sealed class ProxySpeedTests(ITestOutputHelper output)
{
    private const int Batch = 16;
    private const int Batches = 2;

    private static readonly NoiseSchedule Schedule = NoiseSchedule.Create(BetaSchedule.Linear, 1000);

    [Fact]
    [Trait("Category", "Slow")]
    public void One_pass_per_resolution_agrees_with_a_pass_per_candidate_and_sample_and_is_much_faster()
    {
        var model = new DiT(DiT.Variants["dit_micro"]);
        using var device = Device.Open("cpu");
        using var arena = new ParameterArena(model.Parameters, new ArenaOptions());
        Randomize(arena);
        var (one, each) = (new Stopwatches(), new Stopwatches());

        // The device's memory grows once, whatever comes first: as in a run whose stages before have trained, it has grown already.
        OnePass(device, model, arena, 32, new Stopwatches());
        foreach (var resolution in new[] { 16, 32 })
        {
            var together = OnePass(device, model, arena, resolution, one);
            for (var level = 1; level <= Unfreezing.Levels; level++)
            {
                var (kappa, zico, bySamples) = Candidate(device, model, arena, resolution, level, each);
                var (ownKappa, ownZiCo) = together[level - 1];
                output.WriteLine($"r{resolution} u{level}: kappa {ownKappa:F4} and {kappa:F4}, ZiCo {ownZiCo:F4}, {zico:F4} and {bySamples:F4}");
                Assert.Equal(1, ownKappa / kappa, 1e-4);
                Assert.Equal(1, ownZiCo / zico, 1e-4);

                // Weights whose gradients nearly agree decide over a term, and here gradients are summed in another order: a single weight may move its layer's term by 1.
                Assert.Equal(1, ownZiCo / bySamples, 2e-2);
            }
        }

        Report("kappa, by candidate and sample", one.Kappa, each.Kappa);
        Report("ZiCo, by candidate and sample", one.ZiCo, each.ZiCoBySamples);
        Report("ZiCo, by candidate", one.ZiCo, each.ZiCo);
        Report("both, by candidate and sample", one.Kappa + one.ZiCo, each.Kappa + each.ZiCoBySamples);
        Report("both, ZiCo by candidate", one.Kappa + one.ZiCo, each.Kappa + each.ZiCo);
        Report("building and loading graphs, ZiCo by candidate", one.Preparation, each.Preparation);

        // 10 on two idle cores, less on busy ones; the limit only has to catch a pass that has become one per level.
        Assert.InRange((each.Kappa + each.ZiCoBySamples) / (one.Kappa + one.ZiCo), 4, double.PositiveInfinity);
    }

    private void Report(string what, TimeSpan fast, TimeSpan slow) =>
        output.WriteLine($"{what}: {slow.TotalSeconds:F2} s, {fast.TotalSeconds:F2} s in one pass, ratio {slow / fast:F1}");

    private static (double Kappa, double ZiCo)[] OnePass(Device device, DiT model, ParameterArena arena, int resolution, Stopwatches time)
    {
        var start = Stopwatch.GetTimestamp();
        var whole = model.Build(resolution, model.MaxDepth, Batch, ModelGraphOptions.Inference);
        var (bytes, manifest) = TangentKernelGraph.Create(whole.Builder, whole.Output, Names(model, Unfreezing.Levels, ProxyWeights.CountsForTangentKernel).Contains).Write("ntk");
        using var session = new EvalSession(device, bytes, manifest);
        session.Bind(name => arena.View(ArenaBuffer.Weights, name));
        using var step = Step(device, model, arena, resolution, Unfreezing.Levels, Batch);
        time.Preparation += Stopwatch.GetElapsedTime(start);

        start = Stopwatch.GetTimestamp();
        var kernels = new List<NeuralTangentKernel>();
        for (var batch = 0; batch < Batches; batch++)
        {
            Feed(session, batch, 0, Batch);
            session.Run();
            kernels.Add(NeuralTangentKernel.Of(session, manifest));
        }

        double[] kappas = [.. Levels().Select(level => NeuralTangentKernel.MeanConditionNumber(kernels, Names(model, level, ProxyWeights.CountsForTangentKernel).Contains))];
        time.Kappa += Stopwatch.GetElapsedTime(start);

        start = Stopwatch.GetTimestamp();
        var terms = ZiCoTerms(step, model, arena, Unfreezing.Levels);
        double[] zicos = [.. Levels().Select(level => ZiCo.Score(terms, Names(model, level, ProxyWeights.CountsForZiCo).Contains))];
        time.ZiCo += Stopwatch.GetElapsedTime(start);
        return [.. kappas.Zip(zicos)];
    }

    private static (double Kappa, double ZiCo, double ZiCoBySamples) Candidate(Device device, DiT model, ParameterArena arena, int resolution, int level, Stopwatches time)
    {
        var start = Stopwatch.GetTimestamp();
        var learnable = Names(model, level, ProxyWeights.CountsForTangentKernel);
        var single = model.Build(resolution, model.MaxDepth, 1, ModelGraphOptions.Inference);
        var (bytes, manifest) = TrainingGraph.Create(single.Builder, single.Builder.ReduceSum(single.Output, []), learnable.Contains).Write("one");
        using var session = new StepSession(device, bytes, manifest);
        session.Bind(name => arena.View(ArenaBuffer.Weights, name), name => arena.View(ArenaBuffer.Gradients, name));
        using var step = Step(device, model, arena, resolution, level, Batch);
        time.Preparation += Stopwatch.GetElapsedTime(start);

        start = Stopwatch.GetTimestamp();
        var kernels = Enumerable.Range(0, Batches).Select(batch => new NeuralTangentKernel(new Dictionary<string, float[]> { ["all"] = Gram(session, arena, learnable, batch) })).ToList();
        var kappa = NeuralTangentKernel.MeanConditionNumber(kernels, static _ => true);
        time.Kappa += Stopwatch.GetElapsedTime(start);

        start = Stopwatch.GetTimestamp();
        var zico = ZiCo.Score(ZiCoTerms(step, model, arena, level), static _ => true);
        time.ZiCo += Stopwatch.GetElapsedTime(start);

        using var sampleStep = Step(device, model, arena, resolution, level, 1);
        start = Stopwatch.GetTimestamp();
        var bySamples = ZiCo.Score(ZiCoTermsBySamples(sampleStep, model, arena, level), static _ => true);
        time.ZiCoBySamples += Stopwatch.GetElapsedTime(start);
        return (kappa, zico, bySamples);
    }

    private static float[] Gram(StepSession session, ParameterArena arena, HashSet<string> learnable, int batch)
    {
        var samples = new float[Batch][][];
        for (var sample = 0; sample < Batch; sample++)
        {
            Feed(session, batch, sample, 1);
            session.Run();
            samples[sample] = [.. learnable.Select(name => arena.Read(ArenaBuffer.Gradients, name).ToArray())];
        }

        var gram = new float[Batch * Batch];
        for (var i = 0; i < Batch; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                gram[(i * Batch) + j] = gram[(j * Batch) + i] = (float)samples[i].Zip(samples[j], static (left, right) => (double)TensorPrimitives.Dot<float>(left, right)).Sum();
            }
        }

        return gram;
    }

    private static StepSession Step(Device device, DiT model, ParameterArena arena, int resolution, int level, int batch)
    {
        var graph = model.Build(resolution, model.MaxDepth, batch, ModelGraphOptions.Inference);
        var loss = DiffusionLoss.Attach(graph, Schedule, DiffusionLossKind.Hybrid).Loss;
        var (bytes, manifest) = TrainingGraph.Create(graph.Builder, loss, Names(model, level, ProxyWeights.CountsForZiCo).Contains).Write("step");
        var session = new StepSession(device, bytes, manifest);
        session.Bind(name => arena.View(ArenaBuffer.Weights, name), name => arena.View(ArenaBuffer.Gradients, name));
        return session;
    }

    private static IReadOnlyDictionary<string, double> ZiCoTerms(StepSession step, DiT model, ParameterArena arena, int level)
    {
        var zico = new ZiCo(Names(model, level, ProxyWeights.CountsForZiCo));
        for (var batch = 0; batch < Batches; batch++)
        {
            RunNoisy(step, batch, 0, Batch);
            zico.AddBatch(arena);
        }

        return zico.Terms();
    }

    private static IReadOnlyDictionary<string, double> ZiCoTermsBySamples(StepSession step, DiT model, ParameterArena arena, int level)
    {
        var zico = new ZiCo(Names(model, level, ProxyWeights.CountsForZiCo));
        for (var batch = 0; batch < Batches; batch++)
        {
            var means = zico.Layers.ToDictionary(static layer => layer, layer => new float[arena.Layout[layer].Length]);
            for (var sample = 0; sample < Batch; sample++)
            {
                RunNoisy(step, batch, sample, 1);
                foreach (var (layer, mean) in means)
                {
                    TensorPrimitives.MultiplyAdd(arena.Read(ArenaBuffer.Gradients, layer), 1f / Batch, mean, mean);
                }
            }

            foreach (var (layer, mean) in means)
            {
                mean.CopyTo(arena.Values(ArenaBuffer.Gradients, layer));
            }

            zico.AddBatch(arena);
        }

        return zico.Terms();
    }

    private static void RunNoisy(StepSession step, int batch, int first, int count)
    {
        Feed(step, batch, first, count);
        ForwardProcess.AddNoise(
            Schedule, step.Tensor(DiffusionLoss.CleanInput), step.Tensor(DiffusionLoss.NoiseInput), step.Tensor<long>(DiT.TimestepInput), step.Tensor(DiT.NoisyInput));
        step.Run();
    }

    private static IEnumerable<int> Levels() => Enumerable.Range(1, Unfreezing.Levels);

    private static HashSet<string> Names(DiT model, int level, Func<Parameter, bool> counts)
    {
        var blocks = Unfreezing.LearnableBlocks(model.MaxDepth, level);
        return [.. model.Parameters.Where(p => counts(p) && (p.Block is not { } block || blocks.Contains(block.Index))).Select(static p => p.Name)];
    }

    /// <summary>Trained weights are not zero, as those of a fresh DiT's gates and last layer are.</summary>
    private static void Randomize(ParameterArena arena)
    {
        var random = new Random(3);
        foreach (var slot in arena.Layout.Slots)
        {
            foreach (ref var weight in arena.Values(ArenaBuffer.Weights, slot.Name))
            {
                weight = (float)(0.2 * (random.NextDouble() - 0.5));
            }
        }
    }

    /// <summary>Samples that depend on their place alone.</summary>
    private static void Feed(BoundSession session, int batch, int first, int count)
    {
        foreach (var name in new[] { DiT.NoisyInput, DiffusionLoss.CleanInput, DiffusionLoss.NoiseInput }.Where(session.Has))
        {
            var tensor = session.Tensor(name);
            var length = tensor.Length / count;
            for (var i = 0; i < count; i++)
            {
                var random = new Random((1000 * batch) + first + i + (name == DiffusionLoss.NoiseInput ? 500 : 0));
                foreach (ref var element in tensor.Slice(i * length, length))
                {
                    element = (float)((2 * random.NextDouble()) - 1);
                }
            }
        }

        for (var i = 0; i < count; i++)
        {
            session.Tensor<long>(DiT.TimestepInput)[i] = (61 * (first + i)) + (17 * batch);
            session.Tensor<long>(DiT.LabelInput)[i] = (first + i) % 10;
        }
    }

    private sealed class Stopwatches
    {
        public TimeSpan Preparation { get; set; }

        public TimeSpan Kappa { get; set; }

        public TimeSpan ZiCo { get; set; }

        public TimeSpan ZiCoBySamples { get; set; }
    }
}
#endif
