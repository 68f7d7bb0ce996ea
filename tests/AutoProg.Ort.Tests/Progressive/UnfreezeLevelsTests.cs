using AutoProg.Models;
using AutoProg.Ort.Progressive;

namespace AutoProg.Ort.Tests.Progressive;

public sealed class UnfreezeLevelsTests
{
    private static readonly Parameter[] Parameters =
    [
        new("head.weight", [2, 2], Initializer.Zeros, WeightDecay: true),
        .. Enumerable.Range(0, 12).Select(static i => new Parameter($"blocks.{i}.weight", [2, 2], Initializer.Zeros, WeightDecay: true, new BlockAddress(0, i))),
    ];

    [Theory]
    [InlineData(1, new[] { 0, 4, 8 })]
    [InlineData(2, new[] { 0, 1, 4, 5, 8, 9 })]
    [InlineData(4, new[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 })]
    public void Blocks_learn_by_their_number_modulo_four(int level, int[] blocks) =>
        Assert.Equal(blocks, Learnable(UnfreezeLevels.ByBlocks(12, UnfreezeRule.Intended), level));

    [Fact]
    public void The_released_code_unfreezes_blocks_10_and_11_with_block_1() =>
        Assert.Equal([0, 1, 4, 5, 8, 9, 10, 11], Learnable(UnfreezeLevels.ByBlocks(12, UnfreezeRule.Released), level: 2));

    [Fact]
    public void What_lies_outside_the_blocks_always_learns() =>
        Assert.True(UnfreezeLevels.ByBlocks(12, UnfreezeRule.Intended).IsLearnable(Parameters[0], level: 1));

    [Fact]
    public void Names_learn_from_the_first_level_that_names_them_and_the_rest_at_the_highest()
    {
        var levels = UnfreezeLevels.ByNames(["head.*", "blocks.1?.*, blocks.0.*", "blocks.3.*"], Parameters.Select(static p => p.Name));

        Assert.Equal(3, levels.Count);
        Assert.Equal((true, true), (levels.IsLearnable(Parameters[0], 1), levels.IsLearnable(Parameters[0], 3)));
        Assert.Empty(Learnable(levels, 1));
        Assert.Equal([0, 10, 11], Learnable(levels, 2));
        Assert.Equal(Enumerable.Range(0, 12), Learnable(levels, 3));
    }

    [Theory]
    [InlineData(1, new[] { 1, 1, 1, 1 })]
    [InlineData(2, new[] { 1, 1, 2, 2 })]
    [InlineData(4, new[] { 1, 2, 3, 4 })]
    [InlineData(5, new[] { 2, 3, 4, 5 })]
    [InlineData(6, new[] { 2, 3, 5, 6 })]
    public void By_depth_a_level_learns_its_share_of_the_layers_from_the_head_on(int layers, int[] learnable)
    {
        Parameter[] parameters =
        [
            .. from layer in Enumerable.Range(0, layers)
               from kind in new[] { "weight", "bias" }
               select new Parameter($"layer{layer}.{kind}", [2], Initializer.Zeros, WeightDecay: false),
        ];
        var levels = UnfreezeLevels.ByDepth(parameters.Select(static p => p.Name));

        for (var level = 1; level <= 4; level++)
        {
            Assert.Equal(parameters[^(2 * learnable[level - 1])..], parameters.Where(p => levels.IsLearnable(p, level)));
        }
    }

    [Fact]
    public void A_pattern_that_names_nothing_is_refused() => Assert.Equal(
        "Pattern 'block.*' of unfreeze level 2 names no parameter of the model; a name is e.g. 'head.weight'. (Parameter 'patterns')",
        Assert.Throws<ArgumentException>(static () => UnfreezeLevels.ByNames(["head.*", "block.*"], Parameters.Select(static p => p.Name))).Message);

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void There_are_levels_1_to_4(int level) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => UnfreezeLevels.ByBlocks(12, UnfreezeRule.Intended).IsLearnable(Parameters[1], level));

    private static IEnumerable<int> Learnable(UnfreezeLevels levels, int level) =>
        Parameters.Where(p => p.Block is not null && levels.IsLearnable(p, level)).Select(static p => p.Block!.Value.Index);
}
