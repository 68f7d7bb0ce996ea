using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using FsCheck.Xunit;

namespace AutoProg.Ort.Tests.Progressive;

public class GrowthSpaceTests
{
    private static readonly SubNetwork DeitSmall = new(224, 12);

    [Theory]
    [InlineData(0.5, new[] { 128, 160, 192, 224 }, new[] { 6, 8, 10, 12 })]
    [InlineData(0.4, new[] { 96, 128, 192, 224 }, new[] { 5, 7, 10, 12 })]
    public void DeiT_grows_as_the_paper_has_it(double scale, int[] resolutions, int[] depths)
    {
        var space = GrowthSpace.From(new() { RScale = scale, LScale = scale }, DeitSmall, patchSize: 16);
        Assert.Equal(resolutions, space.Resolutions);
        Assert.Equal(depths, space.Depths);
        Assert.Equal(DeitSmall, space.Complete);
    }

    [Fact]
    public void Small_images_grow_by_patches() =>
        Assert.Equal([16, 20, 28, 32], GrowthSpace.From(new(), new(32, 6), patchSize: 4).Resolutions);

    [Fact]
    public void Patches_that_32_is_no_multiple_of_set_the_step() =>
        Assert.Equal([112, 154, 182, 224], GrowthSpace.From(new(), DeitSmall, patchSize: 14).Resolutions);

    [Fact]
    public void Lists_override_scales()
    {
        var space = GrowthSpace.From(new() { NumStages = 3, Resolutions = [96, 96, 224], Depths = [4, 8, 12] }, DeitSmall, patchSize: 16);
        Assert.Equal([96, 96, 224], space.Resolutions);
        Assert.Equal([4, 8, 12], space.Depths);
    }

    [Fact]
    public void Every_misfit_is_named_with_its_cure()
    {
        var recipe = new GrowthRecipe { NumStages = 3, Resolutions = [64, 100, 224], Depths = [8, 6], RScale = 0, ResolutionDivisor = 24, MaxSupernetRatio = 0.5 };
        Assert.Equal(
            [
                "growth.r_scale = 0 is outside of (0, 1]; the default is 0.5.",
                "growth.resolution_divisor = 24 is not a positive multiple of patch size 16; use 16 or 32, or 0 for the default.",
                "growth.max_supernet_ratio = 0.5 is below 1; the supernet contains the current network.",
                "growth.resolutions[1] = 100 is not a multiple of patch size 16; use 96 or 112.",
                "growth.depths has 2 entries for 3 stages; give one per stage or change num_stages.",
                "growth.depths[1] = 6 is below 8; values are positive and never decrease.",
                "growth.depths[1] = 6 is not the complete model's 12; the last stage trains the complete model.",
            ],
            GrowthSpace.Problems(recipe, DeitSmall, patchSize: 16));
        Assert.Throws<ArgumentException>(() => GrowthSpace.From(recipe, DeitSmall, patchSize: 16));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(int.MaxValue)]
    public void An_absurd_number_of_stages_is_refused(int stages) =>
        Assert.Equal([$"growth.num_stages = {stages} is outside of 1 to 1000."], GrowthSpace.Problems(new() { NumStages = stages }, DeitSmall, patchSize: 16));

    [Property]
    public bool Sizes_never_decrease_and_end_at_the_complete_model(byte patches, byte depth, byte scale, byte stages)
    {
        var complete = new SubNetwork(16 * (patches + 1), depth + 1);
        var s = (scale + 1) / 256.0;
        var space = GrowthSpace.From(new() { NumStages = (stages % 9) + 1, RScale = s, LScale = s }, complete, patchSize: 16);
        return space.Complete == complete
            && space.Resolutions.SequenceEqual(space.Resolutions.Order())
            && space.Depths.SequenceEqual(space.Depths.Order())
            && space.Resolutions.All(r => r % 16 == 0 && r > 0);
    }

    [Fact]
    public void The_first_stage_opens_first_middle_and_last()
    {
        // VOLO-D1 in the authors' code: r 128, 192, 224 by l 9, 15, 18.
        var space = GrowthSpace.From(new(), new(224, 18), patchSize: 16);
        Assert.Equal(
            [new(128, 9), new(128, 15), new(128, 18), new(192, 9), new(192, 15), new(192, 18), new(224, 9), new(224, 15), new(224, 18)],
            space.Candidates(current: null, maxSupernetRatio: 2));
    }

    [Fact]
    public void Later_stages_open_two_resolutions_and_three_depths_from_the_current_on()
    {
        var space = GrowthSpace.From(new(), new(224, 18), patchSize: 16);
        Assert.Equal(
            [new(160, 9), new(160, 12), new(160, 15), new(192, 9), new(192, 12), new(192, 15)],
            space.Candidates(new(160, 9), maxSupernetRatio: 2));
        Assert.Equal([new(224, 15), new(224, 18)], space.Candidates(new(224, 15), maxSupernetRatio: 2));
        Assert.Equal([new(224, 18)], space.Candidates(new(224, 18), maxSupernetRatio: 2));
    }

    [Fact]
    public void The_supernet_is_at_most_so_many_times_deeper()
    {
        var space = GrowthSpace.From(new() { LScale = 0.4 }, DeitSmall, patchSize: 16);
        Assert.Equal([5, 7, 10], space.Candidates(current: null, maxSupernetRatio: 2).Select(candidate => candidate.Depth).Distinct());
        Assert.Equal([5, 10, 12], space.Candidates(current: null, maxSupernetRatio: 3).Select(candidate => candidate.Depth).Distinct());
    }

    [Property]
    public bool Candidates_contain_the_current_network_and_no_duplicates(byte resolution, byte depth)
    {
        var space = GrowthSpace.From(new(), new(224, 24), patchSize: 16);
        var current = new SubNetwork(space.Resolutions[resolution % 4], space.Depths[depth % 4]);
        var candidates = space.Candidates(current, maxSupernetRatio: 2);
        return candidates[0] == current
            && candidates.Distinct().Count() == candidates.Count
            && candidates.All(candidate => candidate.Contains(current) && candidate.Depth <= 2 * current.Depth);
    }
}
