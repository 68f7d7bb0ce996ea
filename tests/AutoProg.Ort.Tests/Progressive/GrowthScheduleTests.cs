using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;

namespace AutoProg.Ort.Tests.Progressive;

public class GrowthScheduleTests
{
    [Fact]
    public void Prog_takes_every_size_in_turn()
    {
        var schedule = Plan(GrowthPolicyKind.Prog);
        Assert.Equal(["r128 l6", "r160 l8", "r192 l10", "r224 l12"], schedule.Stages.Select(stage => $"{stage.SubNetwork}"));
        Assert.Equal([0, 25, 50, 75], schedule.Stages.Select(stage => stage.FirstEpoch));
        Assert.DoesNotContain(schedule.Stages, stage => stage.IsSearched);
    }

    [Fact]
    public void Cool_down_belongs_to_the_last_stage()
    {
        var schedule = Plan(GrowthPolicyKind.Prog, cooldown: 10);
        Assert.Equal(75, schedule.Stages[^1].FirstEpoch);
        Assert.Equal(110, schedule.TotalEpochs);
        Assert.Equal(3, schedule.At(109).Stage);
    }

    [Fact]
    public void Original_is_one_stage_with_the_recipes_own_strengths()
    {
        var stage = Assert.Single(Plan(GrowthPolicyKind.Original).Stages);
        Assert.Equal(new SubNetwork(224, 12), stage.SubNetwork);
        Assert.Equal(100, stage.Epochs);
        Assert.Equal(new("rand-m9-mstd0.5-inc1", 0.1, 0.25, 0.08, 1), stage.Regularization);
    }

    [Fact]
    public void AutoProgOne_searches_every_stage_but_the_last()
    {
        var schedule = Plan(GrowthPolicyKind.AutoprogOne);
        Assert.Equal([2, 2, 2, 0], schedule.Stages.Select(stage => stage.SearchEpochs));
        Assert.Equal([null, null, null, new(224, 12)], schedule.Stages.Select(stage => stage.SubNetwork));
    }

    [Fact]
    public void A_search_is_no_longer_than_its_stage()
    {
        Assert.Equal([1, 1, 1, 0], Plan(GrowthPolicyKind.AutoprogOne, epochs: 4).Stages.Select(stage => stage.SearchEpochs));
        var three = Plan(GrowthPolicyKind.AutoprogOne, epochs: 3);
        Assert.Equal(0, three.Stages[0].Epochs);
        Assert.Equal([1, 2, 3], Enumerable.Range(0, 3).Select(epoch => three.At(epoch).Stage));
    }

    [Fact]
    public void A_decision_enters_the_schedule()
    {
        var schedule = Plan(GrowthPolicyKind.AutoprogOne).Decide(1, new(160, 6));
        Assert.Equal(new SubNetwork(160, 6), schedule.Stages[1].SubNetwork);
        Assert.True(schedule.Stages[1].IsSearched);
        Assert.Null(schedule.Stages[0].SubNetwork);
        Assert.Equal("Stage 3 is not searched; its network is r224 l12. (Parameter 'stage')", Assert.Throws<ArgumentException>(() => schedule.Decide(3, new(160, 6))).Message);
    }

    [Fact]
    public void An_epoch_outside_of_the_run_is_refused() =>
        Assert.Contains("The run has epochs 0 to 99.", Assert.Throws<ArgumentOutOfRangeException>(() => Plan(GrowthPolicyKind.Prog).At(100)).Message, StringComparison.Ordinal);

    [Fact]
    public void RandAugment_rounds_halves_to_even_and_strength_zero_is_off()
    {
        Assert.Equal(["rand-m4-mstd0.5-inc1", "rand-m6-mstd0.5-inc1", "rand-m7-mstd0.5-inc1", "rand-m9-mstd0.5-inc1"], Policies("rand-m9-mstd0.5-inc1", 0.5));
        Assert.Equal([null, "rand-m3-mstd0.5-inc1", "rand-m6-mstd0.5-inc1", "rand-m9-mstd0.5-inc1"], Policies("rand-m9-mstd0.5-inc1", 0));
        Assert.Equal(["rand-m7-n3", "rand-m8-n3", "rand-m9-n3", "rand-m10-n3"], Policies("rand-m10-n3", 0.7));

        // timm's magnitude is 10 where the policy names none.
        Assert.Equal(["rand-m5", "rand-m7", "rand-m8", "rand"], Policies("rand", 0.5));
        Assert.Equal([null, null, null, null], Policies(null, 0.5));
    }

    [Fact]
    public void A_policy_without_magnitude_can_stay_constant_but_not_grow()
    {
        Assert.Equal(["augmix-w3", "augmix-w3", "augmix-w3", "augmix-w3"], Policies("augmix-w3", 1));
        Assert.StartsWith("growth.aa_scale cannot scale 'augmix-w3'", Assert.Throws<ArgumentException>(() => Policies("augmix-w3", 0.5)).Message, StringComparison.Ordinal);
        Assert.StartsWith("The magnitude 'm9.5' in 'rand-m9.5' is not a whole number", Assert.Throws<ArgumentException>(() => Policies("rand-m9.5", 0.5)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_negative_start_scale_sets_in_late()
    {
        var recipe = Recipe(GrowthPolicyKind.Prog) with { Growth = new() { DpScale = -0.5, ReScale = -0.5, ResizeScale = [0.5, 1] } };
        var stages = StageRegularization.Grow(recipe, 4);
        Assert.Equal([0, 0, 0.05, 0.1], stages.Select(stage => Math.Round(stage.DropPath, 12)));
        Assert.Equal([0, 0, 0.125, 0.25], stages.Select(stage => Math.Round(stage.Reprob, 12)));
        Assert.Equal([0.04, 0.08], [stages[0].CropScaleMin, stages[3].CropScaleMin]);
    }

    private static IEnumerable<string?> Policies(string? policy, double scale)
    {
        var recipe = Recipe(GrowthPolicyKind.Prog) with { Augmentation = new() { Aa = policy }, Growth = new() { AaScale = scale } };
        return StageRegularization.Grow(recipe, 4).Select(stage => stage.Aa);
    }

    private static GrowthSchedule Plan(GrowthPolicyKind policy, int epochs = 100, int cooldown = 0)
    {
        var recipe = Recipe(policy) with { Training = new() { Epochs = epochs }, Schedule = new() { CooldownEpochs = cooldown } };
        return GrowthSchedule.Plan(recipe, GrowthSpace.From(recipe.Growth, new(224, 12), patchSize: 16));
    }

    private static Recipe Recipe(GrowthPolicyKind policy) => new() { Model = new() { Name = "deit_small" }, Data = new(), Growth = new() { Policy = policy } };
}
