using AutoProg.Ort.Diffusion;
using AutoProg.Ort.Randomness;

namespace AutoProg.Ort.Tests.Diffusion;

public sealed class GaussianDiffusionTests
{
    // More than one chunk of the variance's loop, and a rest.
    private const int Size = 700;

    private static readonly NoiseSchedule Schedule = NoiseSchedule.Create(BetaSchedule.Linear).Respace("50");

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(49)]
    public void DDIM_with_eta_1_is_DDPM_with_the_small_variance(int t)
    {
        var diffusion = new GaussianDiffusion(Schedule, ReverseVariance.FixedSmall);
        var (ddim, ddpm) = (new float[Size], new float[Size]);
        var prediction = new Prediction { X = Normal(1), Output = Normal(2), T = t };
        diffusion.StepDdim(prediction, 1, Normal(3), ddim);
        diffusion.StepDdpm(prediction, Normal(3), ddpm);

        // sigma comes from abar in float32 in the one and from float64 in the other.
        AssertClose(ddpm, ddim, 1e-3f);
    }

    [Fact]
    public void A_DDIM_step_undoes_an_inverted_one()
    {
        var diffusion = new GaussianDiffusion(Schedule, ReverseVariance.FixedSmall);
        var (x, noise) = (Normal(1), Normal(2));
        var (up, down) = (new float[Size], new float[Size]);
        diffusion.InvertDdim(new() { X = x, Output = noise, T = 20 }, up);
        diffusion.StepDdim(new() { X = up, Output = noise, T = 21 }, 0, [], down);
        AssertClose(x, down, 1e-5f);
        Assert.True(Math.Abs(up[0] - x[0]) > 1e-3);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    public void The_noise_that_was_added_leads_back_to_the_start(int t)
    {
        var diffusion = new GaussianDiffusion(Schedule, ReverseVariance.FixedLarge);
        var (start, noise, x) = (Normal(1), Normal(2), new float[Size]);
        ForwardProcess.AddNoise(Schedule, start, noise, [t], x);
        var reverse = diffusion.Reverse(new() { X = x, Output = noise, T = t });
        AssertClose(start, reverse.Start, 1e-4f);
        Assert.Equal(Math.Log(t == 0 ? Schedule.PosteriorVariance[1] : Schedule.Betas[t]), reverse.LogVariance[7], 1e-5);
        var mean = new float[Size];
        diffusion.PosteriorMean(reverse.Start, x, t, mean);
        Assert.Equal(mean, reverse.Mean);
    }

    [Theory]
    [InlineData(-1f)]
    [InlineData(0f)]
    [InlineData(0.5f)]
    [InlineData(1f)]
    public void A_learned_variance_lies_between_the_small_and_the_large_one(float v)
    {
        var diffusion = new GaussianDiffusion(Schedule, ReverseVariance.LearnedRange);
        float[] output = [.. Normal(2), .. Enumerable.Repeat(v, Size)];
        var (small, large) = (Math.Log(Schedule.PosteriorVariance[20]), Math.Log(Schedule.Betas[20]));
        var expected = (((v + 1) / 2) * large) + ((1 - ((v + 1) / 2)) * small);
        var prediction = new Prediction { X = Normal(1), Output = output, T = 20 };
        var reverse = diffusion.Reverse(prediction);
        Assert.All(reverse.LogVariance, own => Assert.Equal(expected, own, 1e-5));

        var (noise, next) = (Normal(3), new float[Size]);
        diffusion.StepDdpm(prediction, noise, next);
        AssertClose([.. reverse.Mean.Zip(noise, (mean, n) => mean + (float)(Math.Exp(expected / 2) * n))], next, 1e-5f);
    }

    [Theory]
    [InlineData(nameof(ReverseVariance.FixedSmall))]
    [InlineData(nameof(ReverseVariance.LearnedRange))]
    public void The_last_step_adds_no_noise(string variance)
    {
        var diffusion = new GaussianDiffusion(Schedule, Enum.Parse<ReverseVariance>(variance));
        var prediction = new Prediction { X = Normal(1), Output = Outputs(diffusion), T = 0 };
        var (ddpm, ddim) = (new float[Size], new float[Size]);
        diffusion.StepDdpm(prediction, [], ddpm);
        diffusion.StepDdim(prediction, 1, [], ddim);
        var start = diffusion.Reverse(prediction).Start;
        AssertClose(start, ddpm, 1e-6f);
        AssertClose(start, ddim, 1e-6f);
    }

    [Fact]
    public void A_single_step_leads_to_the_predicted_start()
    {
        var diffusion = new GaussianDiffusion(NoiseSchedule.Create(BetaSchedule.Linear).Respace("1"), ReverseVariance.LearnedRange);
        var prediction = new Prediction { X = Normal(1), Output = Outputs(diffusion), T = 0 };
        var next = new float[Size];
        diffusion.StepDdpm(prediction, [], next);
        AssertClose(diffusion.Reverse(prediction).Start, next, 1e-6f);
        Assert.All(diffusion.Reverse(prediction).LogVariance, static v => Assert.True(float.IsFinite(v)));
    }

    [Fact]
    public void Clipping_keeps_the_start_in_range_and_the_noise_consistent_with_it()
    {
        var diffusion = new GaussianDiffusion(Schedule, ReverseVariance.FixedSmall);
        var (x, next) = (Normal(1), new float[Size]);
        var prediction = new Prediction { X = x, Output = Normal(2), T = 40, ClipStart = true };
        var start = diffusion.Reverse(prediction).Start;
        Assert.Equal((-1f, 1f), (start.Min(), start.Max()));
        diffusion.StepDdim(prediction, 0, [], next);
        var (recip, recipm1) = (Schedule.SqrtRecipAlphasCumprod[40], Schedule.SqrtRecipm1AlphasCumprod[40]);
        var (signal, noise) = (Math.Sqrt(Schedule.AlphasCumprod[39]), Math.Sqrt(1 - Schedule.AlphasCumprod[39]));
        AssertClose([.. x.Zip(start, (a, s) => (float)((signal * s) + (noise * (((recip * a) - s) / recipm1))))], next, 1e-5f);
    }

    [Fact]
    public void Where_nothing_is_clipped_clipping_changes_nothing()
    {
        var diffusion = new GaussianDiffusion(Schedule, ReverseVariance.FixedSmall);
        float[] start = [.. Normal(1).Select(static v => (float)Math.Tanh(v) * 0.9f)];
        var (noise, x, free, clipped) = (Normal(2), new float[Size], new float[Size], new float[Size]);
        ForwardProcess.AddNoise(Schedule, start, noise, [10], x);
        diffusion.StepDdim(new() { X = x, Output = noise, T = 10 }, 0.5, Normal(3), free);
        diffusion.StepDdim(new() { X = x, Output = noise, T = 10, ClipStart = true }, 0.5, Normal(3), clipped);
        AssertClose(free, clipped, 1e-5f);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var diffusion = new GaussianDiffusion(Schedule, ReverseVariance.LearnedRange);
        Assert.StartsWith(
            "The network's output has 700 elements for a sample of 700; expected 1400 with the variance LearnedRange.",
            Assert.Throws<ArgumentException>(() => diffusion.Reverse(new() { X = Normal(1), Output = Normal(2), T = 0 })).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => diffusion.Reverse(new() { X = Normal(1), Output = Outputs(diffusion), T = 50 }));
        Assert.StartsWith(
            "eta of DDIM goes from 0 (no noise) to 1 (as much as DDPM).",
            Assert.Throws<ArgumentOutOfRangeException>(() => diffusion.StepDdim(new() { X = Normal(1), Output = Outputs(diffusion), T = 3 }, double.NaN, Normal(3), new float[Size])).Message,
            StringComparison.Ordinal);
    }

    private static float[] Outputs(GaussianDiffusion diffusion) => [.. Enumerable.Range(2, diffusion.OutputFactor).SelectMany(static index => Normal(index))];

    private static float[] Normal(int index)
    {
        var random = new CounterRandom(5, RandomPurpose.SamplingStart, 0, index);
        var values = new float[Size];
        foreach (ref var value in values.AsSpan())
        {
            value = (float)random.NextNormal();
        }

        return values;
    }

    private static void AssertClose(float[] expected, float[] actual, float tolerance) =>
        Assert.All(expected.Zip(actual), pair => Assert.True(Math.Abs(pair.First - pair.Second) <= tolerance * Math.Max(1, Math.Abs(pair.First)), $"{pair.Second} is not {pair.First}."));
}
