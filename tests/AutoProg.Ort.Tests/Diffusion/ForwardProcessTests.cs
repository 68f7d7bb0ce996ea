using AutoProg.Ort.Diffusion;

namespace AutoProg.Ort.Tests.Diffusion;

public sealed class ForwardProcessTests
{
    private static readonly NoiseSchedule Schedule = NoiseSchedule.Create(BetaSchedule.Linear);

    [Fact]
    public void Each_sample_is_mixed_with_noise_by_its_own_timestep()
    {
        float[] clean = [1, 2, 3, 1, 2, 3], noise = [0.5f, -1, 2, 0.5f, -1, 2], noisy = new float[6];
        ForwardProcess.AddNoise(Schedule, clean, noise, [0, 999], noisy);
        for (var i = 0; i < 6; i++)
        {
            var abar = Schedule.AlphasCumprod[i < 3 ? 0 : 999];
            Assert.Equal((Math.Sqrt(abar) * clean[i]) + (Math.Sqrt(1 - abar) * noise[i]), noisy[i], 6);
        }
    }

    [Fact]
    public void The_result_may_take_the_place_of_the_clean_samples()
    {
        float[] clean = [1, -1], apart = new float[2];
        ForwardProcess.AddNoise(Schedule, clean, [0.25f, 4], [500], apart);
        ForwardProcess.AddNoise(Schedule, clean, [0.25f, 4], [500], clean);
        Assert.Equal(apart, clean);
    }

    [Theory]
    [InlineData(4, 1, 0)]
    [InlineData(3, 2, 0)]
    [InlineData(3, 1, -1)]
    [InlineData(3, 1, 1000)]
    public void What_does_not_fit_is_refused(int noise, int samples, long timestep) =>
        Assert.ThrowsAny<ArgumentException>(() => ForwardProcess.AddNoise(Schedule, new float[3], new float[noise], [.. Enumerable.Repeat(timestep, samples)], new float[3]));
}
