using System.Text.Json;
using AutoProg.Ort.Diffusion;

namespace AutoProg.Ort.Tests.Diffusion;

public sealed class NoiseScheduleTests
{
    private static readonly Dictionary<string, Dictionary<string, double[]>> Goldens = JsonSerializer.Deserialize<Dictionary<string, Dictionary<string, double[]>>>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Fixtures", "diffusion_a1", "tables_float64.json")))!;

    [Theory]
    [InlineData("full", "")]
    [InlineData("respaced50", "50")]
    public void Every_table_is_the_reference_s_in_double_precision(string part, string respacing)
    {
        var schedule = NoiseSchedule.Create(BetaSchedule.Linear).Respace(respacing);
        var tables = new Dictionary<string, IReadOnlyList<double>>(StringComparer.Ordinal)
        {
            ["betas"] = schedule.Betas,
            ["alphas_cumprod"] = schedule.AlphasCumprod,
            ["alphas_cumprod_prev"] = schedule.AlphasCumprodPrev,
            ["alphas_cumprod_next"] = schedule.AlphasCumprodNext,
            ["sqrt_alphas_cumprod"] = schedule.SqrtAlphasCumprod,
            ["sqrt_one_minus_alphas_cumprod"] = schedule.SqrtOneMinusAlphasCumprod,
            ["log_one_minus_alphas_cumprod"] = schedule.LogOneMinusAlphasCumprod,
            ["sqrt_recip_alphas_cumprod"] = schedule.SqrtRecipAlphasCumprod,
            ["sqrt_recipm1_alphas_cumprod"] = schedule.SqrtRecipm1AlphasCumprod,
            ["posterior_variance"] = schedule.PosteriorVariance,
            ["posterior_log_variance_clipped"] = schedule.PosteriorLogVarianceClipped,
            ["posterior_mean_coef1"] = schedule.PosteriorMeanCoef1,
            ["posterior_mean_coef2"] = schedule.PosteriorMeanCoef2,
            ["timestep_map"] = [.. schedule.TimestepMap.Select(static t => (double)t)],
        };
        Assert.Equal(Goldens[part].Keys.Order(StringComparer.Ordinal), tables.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, golden) in Goldens[part])
        {
            Assert.Equal(golden.Length, tables[name].Count);
            for (var t = 0; t < golden.Length; t++)
            {
                // The same operations in the same order; roots and logarithms may differ in their last bit.
                Assert.True(Math.Abs(tables[name][t] - golden[t]) <= 1e-14 * Math.Abs(golden[t]), $"{name}[{t}] is {tables[name][t]:R}, expected {golden[t]:R}.");
            }
        }
    }

    [Theory]
    [InlineData(1000, 11)]
    [InlineData(300, 2)]
    public void Every_respacing_keeps_the_reference_s_timesteps(int steps, int count)
    {
        var goldens = Goldens[$"space_timesteps_{steps}"];
        Assert.Equal(count, goldens.Count);
        Assert.All(goldens, golden => Assert.Equal(golden.Value, NoiseSchedule.RespacedTimesteps(steps, golden.Key).Select(static t => (double)t)));
    }

    [Fact]
    public void A_respaced_process_has_the_products_of_the_complete_one()
    {
        var complete = NoiseSchedule.Create(BetaSchedule.Cosine, 200);
        var respaced = complete.Respace("20");
        Assert.Equal(20, respaced.Steps);
        Assert.All(Enumerable.Range(0, 20), t => Assert.Equal(complete.AlphasCumprod[respaced.TimestepMap[t]], respaced.AlphasCumprod[t], 1e-14));
        Assert.Equal(respaced.TimestepMap.Select(t => complete.AlphasCumprod[t]).Order().Reverse(), respaced.TimestepMap.Select(t => complete.AlphasCumprod[t]));
    }

    [Fact]
    public void A_schedule_that_is_respaced_twice_still_names_the_network_s_timesteps()
    {
        var twice = NoiseSchedule.Create(BetaSchedule.Linear).Respace("ddim100").Respace("ddim10");
        Assert.Equal([0, 100, 200, 300, 400, 500, 600, 700, 800, 900], twice.TimestepMap);
    }

    [Fact]
    public void The_cosine_schedule_follows_its_curve_until_beta_is_cut_off()
    {
        var schedule = NoiseSchedule.Create(BetaSchedule.Cosine, 1000);
        Assert.Equal(F(500) / F(0), schedule.AlphasCumprod[499], 1e-12);
        Assert.Equal(0.999, schedule.Betas[^1]);

        static double F(double t) => Math.Pow(Math.Cos(((t / 1000) + 0.008) / 1.008 * Math.PI / 2), 2);
    }

    [Fact]
    public void A_linear_schedule_of_other_length_is_scaled()
    {
        var schedule = NoiseSchedule.Create(BetaSchedule.Linear, 100);
        Assert.Equal((0.001, 0.2), (schedule.Betas[0], schedule.Betas[^1]));
    }

    [Theory]
    [InlineData("fifty", "'fifty' is no respacing; write a number of steps such as 50, one per section such as 10,15,20, or ddim50.")]
    [InlineData("0", "'0' is no respacing")]
    [InlineData("1001", "Respacing '1001' asks for 1001 steps in a section of 1000; ask for fewer.")]
    [InlineData("10,600", "Respacing '10,600' asks for 600 steps in a section of 500; ask for fewer.")]
    [InlineData("ddim300", "No integer stride over 1000 timesteps gives exactly 300 of them; choose another count, or leave 'ddim' away.")]
    public void What_is_no_respacing_is_refused(string respacing, string finding) =>
        Assert.StartsWith(finding, Assert.Throws<ArgumentException>(() => NoiseSchedule.Create(BetaSchedule.Linear).Respace(respacing)).Message, StringComparison.Ordinal);
}
