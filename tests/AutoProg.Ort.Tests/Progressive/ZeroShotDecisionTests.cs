using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Tests.Progressive;

public sealed class ZeroShotDecisionTests
{
    private static readonly GrowthSpace Unfreezing = GrowthSpace.From(new() { RScale = 0.25, LScale = 0.25, ResolutionDivisor = 8 }, new SubNetwork(32, 28, 4), patchSize: 2);

    [Fact]
    public void Levels_grow_in_the_place_of_depth()
    {
        Assert.Equal([8, 16, 24, 32], Unfreezing.Resolutions);
        Assert.Equal([1, 2, 3, 4], Unfreezing.Levels!);
        Assert.Equal([28, 28, 28, 28], Unfreezing.Depths);
        Assert.Equal(new SubNetwork(24, 28, 3), Unfreezing.AtStage(2));
        Assert.Equal("r24 u3", Unfreezing.AtStage(2).ToString());
    }

    [Fact]
    public void The_first_stage_opens_the_lower_half_of_each_dimension_and_later_ones_the_next_value()
    {
        Assert.Equal([new(8, 28, 1), new(8, 28, 2), new(16, 28, 1), new(16, 28, 2)], Unfreezing.ZeroShotCandidates(null, 2));
        Assert.Equal([new(16, 28, 2), new(16, 28, 3), new(24, 28, 2), new(24, 28, 3)], Unfreezing.ZeroShotCandidates(new(16, 28, 2), 2));
        Assert.Equal([new(32, 28, 3), new(32, 28, 4)], Unfreezing.ZeroShotCandidates(new(32, 28, 3), 2));
    }

    [Fact]
    public void Depths_are_opened_likewise_where_everything_learns()
    {
        var space = GrowthSpace.From(new(), new SubNetwork(224, 12), patchSize: 16);
        Assert.Equal([new(128, 6), new(128, 8), new(160, 6), new(160, 8)], space.ZeroShotCandidates(null, 2));
        Assert.Equal(space.ZeroShotCandidates(null, 2), space.Candidates(null, new GrowthRecipe { Policy = GrowthPolicyKind.AutoprogZero }));
        Assert.Equal(space.Candidates(null, 2), space.Candidates(null, new GrowthRecipe { Policy = GrowthPolicyKind.AutoprogOne }));
    }

    [Fact]
    public void Depths_of_a_recipe_and_unfreezing_exclude_each_other() => Assert.Equal(
        ["growth.depths = [1, 2] grows depth, and growth.unfreeze keeps it fixed; leave out one of the two."],
        GrowthSpace.Problems(new() { NumStages = 2, Depths = [1, 2] }, new SubNetwork(32, 2, 4), patchSize: 2));

    [Fact]
    public void A_vote_keeps_every_proxy_and_rank()
    {
        var decision = SearchDecision.Vote(1, 30, new(8, 28, 1), [new(new(8, 28, 1), Ms(5), 40, 100), new(new(8, 28, 2), Ms(6), 30, 160), new(new(16, 28, 2), Ms(20), double.PositiveInfinity, 170)]);

        Assert.Equal(new(8, 28, 1), decision.Winner);
        // The faster one of two with the same total.
        Assert.Equal([3.5, 3.5, 5.0], decision.Candidates.Select(static c => c.Score!.Value));
        Assert.Equal([new(40, 100, 1, 2, 3), new(30, 160, 2, 1, 2), new(double.PositiveInfinity, 170, 3, 3, 1)], decision.Candidates.Select(static c => c.Proxies!));
        Assert.Null(decision.BalancingFactor);
    }

    [Fact]
    public void All_stages_but_the_last_are_searched_and_take_no_epochs_for_it()
    {
        var recipe = new Recipe { Model = new() { Name = "dit_micro" }, Data = new(), Training = new() { Epochs = 8 }, Growth = new() { Policy = GrowthPolicyKind.AutoprogZero } };
        var schedule = GrowthSchedule.Plan(recipe, Unfreezing);

        Assert.Equal([true, true, true, false], schedule.Stages.Select(static s => s.ZeroShot && s.IsSearched));
        Assert.All(schedule.Stages, static stage => Assert.Equal(0, stage.SearchEpochs));
        Assert.Equal(Unfreezing.Complete, schedule.Stages[3].SubNetwork);
        Assert.Equal(new(16, 28, 1), schedule.Decide(0, new(16, 28, 1)).Stages[0].SubNetwork);
    }

    private static TimeSpan Ms(double milliseconds) => TimeSpan.FromMilliseconds(milliseconds);
}
