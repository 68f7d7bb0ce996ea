using AutoProg.Ort.Diffusion;

namespace AutoProg.Ort.Tests.Diffusion;

public sealed class DiffusionSamplerTests
{
    private static readonly NoiseSchedule Schedule = NoiseSchedule.Create(BetaSchedule.Linear);

    [Theory]
    [InlineData(SamplerKind.Ddpm, 0.0, 1.5)]
    [InlineData(SamplerKind.Ddpm, 0.0, 1.0)]
    [InlineData(SamplerKind.Ddim, 0.0, 4.0)]
    [InlineData(SamplerKind.Ddim, 0.7, 1.0)]
    public void A_sample_does_not_depend_on_the_batch_that_it_is_in(SamplerKind kind, double eta, double scale)
    {
        var options = new SamplingOptions { Sampler = kind, Eta = eta, CfgScale = scale, Steps = "7", Seed = 3 };
        int[] labels = [0, 1, 2, 3, 4, 0, 1];
        var together = All(new DiffusionSampler(Schedule, new Points { MaxBatch = 64 }, options).Draw(labels));
        var apart = All(new DiffusionSampler(Schedule, new Points { MaxBatch = 4 }, options).Draw(labels));
        Assert.Equal(together, apart);
        Assert.NotEqual(together[..Points.Size], together[(5 * Points.Size)..(6 * Points.Size)]);
        Assert.NotEqual(together, All(new DiffusionSampler(Schedule, new Points { MaxBatch = 64 }, options with { Seed = 4 }).Draw(labels)));
    }

    [Theory]
    [InlineData(SamplerKind.Ddpm)]
    [InlineData(SamplerKind.Ddim)]
    public void A_network_that_knows_the_image_of_each_class_draws_it(SamplerKind kind)
    {
        var sampler = new DiffusionSampler(Schedule, new Points(), new() { Sampler = kind, CfgScale = 1, Steps = "25" });
        var samples = All(sampler.Draw([0, 3]));
        Assert.All(samples[..Points.Size], static value => Assert.Equal(Points.Of(0), value, 1e-3f));
        Assert.All(samples[Points.Size..], static value => Assert.Equal(Points.Of(3), value, 1e-3f));
    }

    [Fact]
    public void With_guidance_every_sample_is_predicted_under_its_class_and_under_none_in_one_batch()
    {
        var network = new Points { MaxBatch = 5 };
        var sampler = new DiffusionSampler(Schedule, network, new() { Steps = "3", Stage = 1 });
        Assert.Equal((2, 3), (sampler.BatchSize, sampler.Steps));
        var batches = sampler.Draw([4, 2, 1]).ToList();
        Assert.Equal([0, 2], batches.Select(static b => b.First));
        Assert.Equal([[4, 2], [1]], batches.Select(static b => b.Labels));
        Assert.Equal(["4 2 5 5 | 1 1 2 2", "1 5 | 1 2"], network.Conditions.Distinct());
        Assert.Equal([999, 500, 0], network.Timesteps.Take(3));
        Assert.Equal(6, network.Timesteps.Count);
        Assert.True(network.HalvesWereEqual);
    }

    [Fact]
    public void Without_guidance_every_sample_is_predicted_once_and_no_stage_is_told()
    {
        var network = new Points { MaxBatch = 5 };
        _ = new DiffusionSampler(Schedule, network, new() { Steps = "2", CfgScale = 1 }).Draw([4, 5]).Single();
        Assert.Equal(["4 5 | 2 2"], network.Conditions.Distinct());
    }

    [Fact]
    public void Clipping_reaches_the_steps()
    {
        var options = new SamplingOptions { CfgScale = 1, Steps = "1" };
        var wild = All(new DiffusionSampler(Schedule, new Points { Wrong = true }, options).Draw([0]));
        Assert.Contains(wild, static value => Math.Abs(value) > 1);
        Assert.DoesNotContain(All(new DiffusionSampler(Schedule, new Points { Wrong = true }, options with { ClipDenoised = true }).Draw([0])), static value => Math.Abs(value) > 1);
    }

    [Fact]
    public void Progress_is_told_after_every_step_and_cancelling_is_noticed_between_steps()
    {
        var told = new Told();
        var sampler = new DiffusionSampler(Schedule, new Points { MaxBatch = 4 }, new() { Steps = "2" });
        foreach (var batch in sampler.Draw([0, 1, 2], told))
        {
            Assert.NotEmpty(batch.Samples);
        }

        Assert.Equal([new(0, 3, 1, 2), new(2, 3, 2, 2), new(2, 3, 1, 2), new(3, 3, 2, 2)], told.All);

        using var cancelling = new CancellationTokenSource();
        var network = new Points { OnPredict = cancelling.Cancel };
        Assert.Throws<OperationCanceledException>(() => new DiffusionSampler(Schedule, network, new()).Draw([0], null, cancelling.Token).ToList());
        Assert.Single(network.Timesteps);
    }

    [Fact]
    public void Settings_that_do_not_fit_are_refused()
    {
        Refused("eta is 2, expected 0", new() { Eta = 2 });
        Refused("The guidance scale is NaN, expected 0 to 100", new() { CfgScale = double.NaN });
        Refused("Stage 2 was asked for; the network knows 0 to 1.", new() { Stage = 2 });
        Refused("'x' is no respacing", new() { Steps = "x" });
        Refused("A fixed variance is small or large", new() { FixedVariance = ReverseVariance.LearnedRange });
        Refused("The network takes 1 samples at a time, and guidance needs 2", new(), new Points { MaxBatch = 1 });
        var sampler = new DiffusionSampler(Schedule, new Points(), new());
        Assert.StartsWith("Class 6 of sample 1 is not known; the network knows 0 to 4, and 5 for none.", Assert.Throws<ArgumentException>(() => sampler.Draw([0, 6])).Message, StringComparison.Ordinal);

        static void Refused(string finding, SamplingOptions options, Points? network = null) =>
            Assert.StartsWith(finding, Assert.Throws<ArgumentException>(() => new DiffusionSampler(Schedule, network ?? new(), options)).Message, StringComparison.Ordinal);
    }

    private static float[] All(IEnumerable<SampleBatch> batches) => [.. batches.SelectMany(static batch => batch.Samples)];

    private sealed class Told : IProgress<SamplingProgress>
    {
        public List<SamplingProgress> All { get; } = [];

        public void Report(SamplingProgress value) => All.Add(value);
    }

    /// <summary>Each class is one image of a single colour, so that the noise in x_t is known; the variance is in the middle of its range.</summary>
    private sealed class Points : IDenoiser
    {
        public const int Size = 4 * 2 * 3;

        public DenoiserShape Shape { get; } = new(4, 8, 2, 3, ClassCount: 5, StageCount: 2);

        public int MaxBatch { get; init; } = 64;

        public bool Wrong { get; init; }

        public Action? OnPredict { get; init; }

        public List<string> Conditions { get; } = [];

        public List<long> Timesteps { get; } = [];

        public bool HalvesWereEqual { get; private set; } = true;

        public static float Of(long label) => 0.3f * (label - 2);

        public void Predict(ReadOnlySpan<float> x, ReadOnlySpan<long> t, ReadOnlySpan<long> y, ReadOnlySpan<long> s, Span<float> output)
        {
            Assert.InRange(t.Length, 1, MaxBatch);
            Assert.Equal((t.Length * Size, 2 * x.Length), (x.Length, output.Length));
            OnPredict?.Invoke();
            Conditions.Add($"{string.Join(' ', y.ToArray())} | {string.Join(' ', s.ToArray())}");
            Timesteps.Add(t[0]);
            HalvesWereEqual &= x[..(x.Length / 2)].SequenceEqual(x[(x.Length / 2)..]);
            output.Clear();
            for (var i = 0; i < x.Length; i++)
            {
                var row = i / Size;
                var (signal, noise) = (Schedule.SqrtAlphasCumprod[(int)t[row]], Schedule.SqrtOneMinusAlphasCumprod[(int)t[row]]);
                output[(row * 2 * Size) + (i % Size)] = Wrong ? 1000 : (float)((x[i] - (signal * Of(y[row]))) / noise);
            }
        }
    }
}
