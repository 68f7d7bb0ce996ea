using AutoProg.Ort.Progressive;

namespace AutoProg.Ort.Tests.Progressive;

public class RankedVotingTests
{
    [Fact]
    public void Close_values_share_a_rank_and_none_is_skipped() => Assert.Equal([2, 2, 3, 1], RankedVoting.Rank([5, 5 + 5e-7, 6, 1]));

    [Fact]
    public void A_rank_does_not_creep_along_a_chain_of_close_values() => Assert.Equal([1, 1, 2], RankedVoting.Rank([0, 0.8e-6, 1.6e-6]));

    [Fact]
    public void Infinite_and_undefined_values_rank_last() => Assert.Equal([2, 1, 2, 2], RankedVoting.Rank([double.NaN, 1, double.PositiveInfinity, double.NaN]));

    [Fact]
    public void Equal_totals_go_to_the_faster_candidate()
    {
        var vote = RankedVoting.AutoProgZero(runTimes: [0.3, 0.1], conditionNumbers: [10, 20], zico: [5, 4]);
        Assert.Equal([3.0, 3.0], vote.Totals);
        Assert.Equal(1, vote.Winner);
    }

    [Fact]
    public void More_zico_is_better()
    {
        var vote = RankedVoting.AutoProgZero(runTimes: [1, 1], conditionNumbers: [10, 10], zico: [4, 5]);
        Assert.Equal(1, vote.Winner);
    }

    [Fact]
    public void Ballots_of_different_length_are_refused() =>
        Assert.StartsWith(
            "Ballots have 2 (R), 1 (kappa), 2 (ZiCo) values; expected one per candidate in each.",
            Assert.Throws<ArgumentException>(() => RankedVoting.AutoProgZero([1, 2], [1], [1, 2])).Message,
            StringComparison.Ordinal);
}
