using System.Text.Json;
using AutoProg.Ort.Progressive;
using FsCheck.Xunit;

namespace AutoProg.Ort.Tests.Progressive;

public class WeightedProductScoreTests
{
    [Property]
    public bool A_power_law_is_recovered_whatever_the_unit_of_time(byte exponent, byte scale, byte unit)
    {
        var (a1, a2, seconds) = ((exponent - 128) / 64.0, (scale + 1) / 32.0, Math.Pow(10, (unit % 9) - 5));
        double[] times = [1 * seconds, 2 * seconds, 3 * seconds, 5 * seconds];
        var curve = WeightedProductScore.Fit(times, [.. times.Select(time => a2 * Math.Pow(time, a1))]);

        // Without noise the minimum is at rounding error.
        return Math.Abs(curve.Exponent - a1) < 1e-9 && Math.Abs((curve.Scale / a2) - 1) < 1e-7 && curve.BalancingFactor >= 0;
    }

    [Property]
    public bool No_curve_nearby_fits_better(byte[] noise)
    {
        double[] times = [0.1, 0.2, 0.3, 0.5, 0.8, 1.3];
        double[] losses = [.. times.Select((time, i) => 5 * Math.Pow(time, -0.2) * (1 + (noise.ElementAtOrDefault(i) / 512.0)))];
        var best = WeightedProductScore.Fit(times, losses);

        // Room for rounding alone: a step of 1e-4 costs about 1e-7.
        return new[] { -1e-4, 0, 1e-4 }.All(d1 => new[] { -1e-4, 0, 1e-4 }.All(d2 => Residual(best.Exponent + d1, best.Scale + d2) >= best.ResidualSumOfSquares - 1e-12));

        double Residual(double a1, double a2) => times.Zip(losses, (time, loss) => Math.Pow(loss - (a2 * Math.Pow(time, a1)), 2)).Sum();
    }

    [Fact]
    public void Time_is_never_rewarded()
    {
        var scores = WeightedProductScore.Rank([Measured(6, 2.0, 100), Measured(8, 3.0, 200), Measured(12, 4.0, 400)]);
        Assert.Equal(0, scores.Curve.BalancingFactor);
        Assert.Equal([2.0, 3.0, 4.0], scores.Scores);
        Assert.Equal(0, scores.Winner);
    }

    [Fact]
    public void One_candidate_wins_by_its_loss()
    {
        var scores = WeightedProductScore.Rank([Measured(6, 2.5, 100)]);
        Assert.Equal(new(0, 2.5, 0), scores.Curve);
        Assert.Equal([2.5], scores.Scores);
    }

    [Fact]
    public void Two_candidates_lie_on_the_curve()
    {
        var curve = WeightedProductScore.Fit([1, 4], [8, 4]);
        Assert.Equal(-0.5, curve.Exponent, 12);
        Assert.Equal(8, curve.Scale, 12);
    }

    [Fact]
    public void Of_two_candidates_that_trade_loss_for_time_the_faster_wins()
    {
        var scores = WeightedProductScore.Rank([Measured(12, 1.05, 300), Measured(6, 2.5, 100)]);
        Assert.Equal(scores.Scores[0]!.Value, scores.Scores[1]!.Value, 12);
        Assert.Equal(1, scores.Winner);
    }

    [Fact]
    public void Equal_times_leave_the_decision_to_the_loss()
    {
        var scores = WeightedProductScore.Rank([Measured(6, 3, 100), Measured(8, 2, 100), Measured(12, 2, 100)]);
        Assert.Equal([1, 2, 0], scores.Order);
        Assert.Equal(0, scores.Curve.BalancingFactor);
    }

    [Fact]
    public void A_loss_of_zero_can_be_fitted()
    {
        var scores = WeightedProductScore.Rank([Measured(6, 1, 100), Measured(8, 0, 200), Measured(12, 0.5, 300)]);
        Assert.Equal(1, scores.Winner);
        Assert.True(double.IsFinite(scores.Curve.Exponent));
    }

    [Fact]
    public void A_candidate_without_a_finite_loss_is_left_out_with_a_reason()
    {
        var scores = WeightedProductScore.Rank([Measured(6, double.NaN, 100), Measured(8, 2, 200), Measured(12, 1, 0)]);
        Assert.Equal([1], scores.Order);
        Assert.Equal(["r128 l6 has loss NaN, expected a finite loss of at least 0", null, "r128 l12 has step time 00:00:00, expected a positive one"], scores.Exclusions);
    }

    [Fact]
    public void Without_any_usable_candidate_the_search_fails()
    {
        var error = Assert.Throws<ArgumentException>(() => WeightedProductScore.Rank([Measured(6, double.PositiveInfinity, 100)]));
        Assert.StartsWith("None of the 1 candidates can be scored: r128 l6 has loss ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_decision_can_be_read_back_from_json()
    {
        var decision = SearchDecision.Make(1, 27, new(128, 6),
        [
            (new(128, 6), [3.0, 2.0], TimeSpan.FromMilliseconds(100)),
            (new(160, 8), [2.0, double.NaN], TimeSpan.FromMilliseconds(200)),
            (new(160, 12), [1.0, 1.1], TimeSpan.FromMilliseconds(300)),
        ]);
        Assert.Equal(new SubNetwork(128, 6), decision.Winner);
        Assert.Equal([2.5, null, 1.05], decision.Candidates.Select(candidate => candidate.Loss));
        Assert.Contains("has loss NaN", decision.Candidates[1].Exclusion, StringComparison.Ordinal);

        var options = new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
        var json = JsonSerializer.Serialize(decision, options);
        Assert.Contains("\"winner\":{\"resolution\":128,\"depth\":6}", json, StringComparison.Ordinal);
        Assert.Equal(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<SearchDecision>(json, options), options));
    }

    private static CandidateMeasurement Measured(int depth, double loss, double milliseconds) => new(new(128, depth), loss, TimeSpan.FromMilliseconds(milliseconds));
}
