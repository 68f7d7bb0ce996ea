using AutoProg.Graphs;
using AutoProg.Graphs.Artifacts;
using AutoProg.Models;
using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Randomness;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Tests.Diffusion;

/// <summary>A "model" whose only parameter is its prediction, so that the gradient is the loss's own; against the definitions in double precision.</summary>
public sealed class DiffusionLossTests
{
    private const int Channels = 2;
    private const int Side = 3;
    private const int Elements = Channels * Side * Side;
    private const string Prediction = "prediction";

    // float32 constants and exponentials, relative to the largest gradient.
    private const double Tolerance = 2e-5;

    private static readonly NoiseSchedule Schedule = NoiseSchedule.Create(BetaSchedule.Linear);
    private static readonly long[] Timesteps = [0, 1, 417, 999];

    public static TheoryData<DiffusionLossKind> Kinds => [.. Enum.GetValues<DiffusionLossKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Loss_and_gradient_are_those_of_the_definition(DiffusionLossKind kind)
    {
        var (prediction, noise, clean) = Draw();
        var (losses, gradient) = Run(kind, prediction, noise, clean);
        Assert.Equal(Definition(kind, prediction, prediction, noise, clean), losses, 5);
        var largest = gradient.Max(Math.Abs);
        for (var i = 0; i < prediction.Length; i++)
        {
            // Hybrid: the variational bound sees the predicted noise as it is, not as it would be.
            double Moved(double step)
            {
                double[] moved = [.. prediction];
                moved[i] += step;
                return Definition(kind, moved, kind == DiffusionLossKind.Hybrid && i % (2 * Elements) < Elements ? prediction : moved, noise, clean);
            }

            Assert.Equal((Moved(1e-5) - Moved(-1e-5)) / 2e-5, gradient[i], Tolerance * largest);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_hopeless_prediction_gives_numbers(DiffusionLossKind kind)
    {
        var (prediction, noise, clean) = Draw();
        var (loss, gradient) = Run(kind, [.. prediction.Select(static p => 1000 * p)], noise, clean, scaleVariance: 1e-3);
        Assert.True(double.IsFinite(loss));
        Assert.All(gradient, static g => Assert.True(double.IsFinite(g)));
    }

    [Fact]
    public void The_clean_sample_is_an_input_only_where_it_is_needed()
    {
        Assert.Equal(["x", "t", "noise"], Attach(DiffusionLossKind.Mse).Builder.Inputs.Select(static i => i.Name));
        Assert.Equal(["x", "t", "noise", "x_start"], Attach(DiffusionLossKind.Hybrid).Builder.Inputs.Select(static i => i.Name));
    }

    [Fact]
    public void Terms_are_returned_as_far_as_they_are_part_of_the_loss()
    {
        var mse = DiffusionLoss.Attach(Model(), Schedule, DiffusionLossKind.Mse);
        Assert.Equal((mse.Loss, null, null), (mse.Mse, mse.Vb, mse.VbPerSample));
        var vb = DiffusionLoss.Attach(Model(), Schedule, DiffusionLossKind.Vb);
        Assert.Equal((vb.Loss, null, null), (vb.Vb, vb.Mse, vb.MsePerSample));
        Assert.Equal([Timesteps.Length], DiffusionLoss.Attach(Model(), Schedule, DiffusionLossKind.Hybrid).VbPerSample!.Shape);
    }

    [Theory]
    [InlineData(DiffusionLossKind.Vb)]
    [InlineData(DiffusionLossKind.Hybrid)]
    public void A_model_without_variance_has_no_variational_bound(DiffusionLossKind kind)
    {
        var model = new DiT(DiT.Variants["dit_micro"] with { LearnSigma = false }).Build(8, 1, 1, ModelGraphOptions.Inference);
        var error = Assert.Throws<ArgumentException>(() => DiffusionLoss.Attach(model, Schedule, kind));
        Assert.StartsWith($"Loss {kind} needs a model that learns the variance; use Mse, or a model with learn_sigma.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_classifier_and_a_respaced_schedule_are_refused()
    {
        var classifier = ModelCatalog.Create("deit_micro", new ModelSizes { Depth = 1 }).Build(8, 1, 1, ModelGraphOptions.Inference);
        Assert.StartsWith("The model has no input 't'", Assert.Throws<ArgumentException>(() => DiffusionLoss.Attach(classifier, Schedule, DiffusionLossKind.Mse)).Message, StringComparison.Ordinal);
        Assert.StartsWith("A schedule respaced to 50 timesteps is for sampling", Assert.Throws<ArgumentException>(() => DiffusionLoss.Attach(Model(), Schedule.Respace("ddim50"), DiffusionLossKind.Mse)).Message, StringComparison.Ordinal);
    }

    /// <summary>Values as they occur, and both ends of the grey scale.</summary>
    private static (double[] Prediction, double[] Noise, double[] Clean) Draw()
    {
        var random = new CounterRandom(3, RandomPurpose.Weights);
        double[] prediction = [.. Enumerable.Range(0, 2 * Elements * Timesteps.Length).Select(_ => random.NextNormal())];
        double[] noise = [.. Enumerable.Range(0, Elements * Timesteps.Length).Select(_ => random.NextNormal())];
        double[] clean = [.. Enumerable.Range(0, Elements * Timesteps.Length).Select(i => i % 3 == 0 ? -1 : i % 3 == 1 ? 1 : random.Uniform(-0.9, 0.9))];
        return ([.. prediction.Select(static v => (double)(float)v)], [.. noise.Select(static v => (double)(float)v)], [.. clean.Select(static v => (double)(float)v)]);
    }

    private static ModelGraph Model()
    {
        var b = new GraphBuilder();
        var x = b.Input(DiT.NoisyInput, ElementType.Float, [Timesteps.Length, Channels, Side, Side]);
        b.Input(DiT.TimestepInput, ElementType.Int64, [Timesteps.Length]);
        var prediction = b.Parameter(Prediction, [Timesteps.Length, 2 * Channels, Side, Side]);
        return new ModelGraph(b, [new Parameter(Prediction, prediction.Shape, Initializer.Zeros, false)], x, prediction);
    }

    private static ModelGraph Attach(DiffusionLossKind kind)
    {
        var model = Model();
        DiffusionLoss.Attach(model, Schedule, kind);
        return model;
    }

    private static (double Loss, double[] Gradient) Run(DiffusionLossKind kind, double[] prediction, double[] noise, double[] clean, double scaleVariance = 1)
    {
        var model = Model();
        var (bytes, manifest) = TrainingGraph.Create(model.Builder, DiffusionLoss.Attach(model, Schedule, kind).Loss, static _ => true).Write("loss");
        using var arena = new ParameterArena(model.Parameters, new ArenaOptions());
        using var session = new StepSession(Device.Open("cpu"), bytes, manifest);
        Fill(arena.Values(ArenaBuffer.Weights, Prediction), prediction, i => i % (2 * Elements) < Elements ? 1 : scaleVariance);
        Fill(session.Tensor(DiffusionLoss.NoiseInput), noise, static _ => 1);
        Timesteps.CopyTo(session.Tensor<long>(DiT.TimestepInput));
        if (session.Has(DiffusionLoss.CleanInput))
        {
            Fill(session.Tensor(DiffusionLoss.CleanInput), clean, static _ => 1);
        }

        session.Bind(name => arena.View(ArenaBuffer.Weights, name), name => arena.View(ArenaBuffer.Gradients, name));
        session.Run();
        return (session.Loss, [.. arena.Values(ArenaBuffer.Gradients, Prediction).ToArray().Select(static g => (double)g)]);

        static void Fill(Span<float> memory, double[] values, Func<int, double> factor)
        {
            for (var i = 0; i < memory.Length; i++)
            {
                memory[i] = (float)(values[i] * factor(i));
            }
        }
    }

    /// <summary>Posterior means and variances from x_t and the two x_0, as the papers define them.</summary>
    /// <param name="kind">Which loss.</param>
    /// <param name="prediction">What the mean squared error and the variance see.</param>
    /// <param name="judged">Whose noise the variational bound sees.</param>
    /// <param name="noise">The noise.</param>
    /// <param name="clean">x_0.</param>
    private static double Definition(DiffusionLossKind kind, double[] prediction, double[] judged, double[] noise, double[] clean)
    {
        var (mse, vb) = (0.0, 0.0);
        for (var i = 0; i < noise.Length; i++)
        {
            var (sample, element) = Math.DivRem(i, Elements);
            var (t, at) = ((int)Timesteps[sample], (2 * Elements * sample) + element);
            mse += Math.Pow(noise[i] - prediction[at], 2);
            var noisy = (Schedule.SqrtAlphasCumprod[t] * clean[i]) + (Schedule.SqrtOneMinusAlphasCumprod[t] * noise[i]);
            var predicted = (Schedule.SqrtRecipAlphasCumprod[t] * noisy) - (Schedule.SqrtRecipm1AlphasCumprod[t] * judged[at]);
            var mean = (Schedule.PosteriorMeanCoef1[t] * predicted) + (Schedule.PosteriorMeanCoef2[t] * noisy);
            var trueMean = (Schedule.PosteriorMeanCoef1[t] * clean[i]) + (Schedule.PosteriorMeanCoef2[t] * noisy);
            var trueLogVariance = Schedule.PosteriorLogVarianceClipped[t];
            var share = (prediction[at + Elements] + 1) / 2;
            var logVariance = (share * Math.Log(Schedule.Betas[t])) + ((1 - share) * trueLogVariance);
            vb += t == 0
                ? -Math.Log(Math.Max(Mass(clean[i], mean, Math.Exp(logVariance / 2)), 1e-12))
                : 0.5 * (-1 + logVariance - trueLogVariance + Math.Exp(trueLogVariance - logVariance) + (Math.Pow(trueMean - mean, 2) * Math.Exp(-logVariance)));
        }

        (mse, vb) = (mse / noise.Length, vb / noise.Length / Math.Log(2));
        return kind switch { DiffusionLossKind.Mse => mse, DiffusionLossKind.Vb => vb, _ => mse + vb };
    }

    private static double Mass(double clean, double mean, double std)
    {
        var (above, below) = (Cdf((clean - mean + (1.0 / 255)) / std), Cdf((clean - mean - (1.0 / 255)) / std));
        return clean < -0.999 ? above : clean > 0.999 ? 1 - below : above - below;
    }

    private static double Cdf(double x) => 0.5 * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))));
}
