using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using FsCheck.Xunit;

namespace AutoProg.Ort.Tests.Progressive;

public class LayerMapTests
{
    [Fact]
    public void Interpolation_repeats_each_block_in_place()
    {
        var map = LayerMap.Interpolation(3, 6);
        Assert.Equal([0, 0, 1, 1, 2, 2], map.Source);
        Assert.Equal([1, 3, 5], map.Inserted);
    }

    [Fact]
    public void Interpolation_repeats_the_deepest_blocks_first()
    {
        var map = LayerMap.Interpolation(4, 6);
        Assert.Equal([0, 1, 2, 2, 3, 3], map.Source);
        Assert.Equal([3, 5], map.Inserted);
    }

    [Fact]
    public void Stacking_puts_copies_of_the_stack_on_top() => Assert.Equal([0, 1, 2, 0, 1], LayerMap.Stacking(3, 5).Source);

    [Fact]
    public void RandInit_keeps_the_old_blocks_in_front()
    {
        var map = LayerMap.RandInit(2, 4);
        Assert.Equal([0, 1, null, null], map.Source);
        Assert.Equal([2, 3], map.Inserted);
    }

    [Fact]
    public void A_stack_does_not_grow_to_fewer_blocks() =>
        Assert.Contains("A stack of 4 blocks cannot grow to fewer blocks.", Assert.Throws<ArgumentOutOfRangeException>(() => LayerMap.Interpolation(4, 3)).Message, StringComparison.Ordinal);

    [Fact]
    public void Only_MoGrow_reads_the_momentum_network_and_only_Identity_gates()
    {
        Assert.Equal([GrowthOperatorKind.MoGrow], Enum.GetValues<GrowthOperatorKind>().Where(kind => kind.CopiesMomentumNetwork()));
        Assert.Equal([GrowthOperatorKind.Identity], Enum.GetValues<GrowthOperatorKind>().Where(kind => kind.GatesInsertedBlocks()));
    }

    [Property]
    public bool Every_operator_keeps_the_originals_in_order(byte from, byte more)
    {
        var (before, after) = (from + 1, from + 1 + more);
        return Enum.GetValues<GrowthOperatorKind>().All(kind =>
        {
            var map = kind.Map(before, after);
            return map.From == before
                && map.To == after
                && map.Inserted.Count == more
                && Enumerable.Range(0, after).Except(map.Inserted).Select(i => map.Source[i]).SequenceEqual(Enumerable.Range(0, before).Select(i => (int?)i));
        });
    }

    [Property]
    public bool Interpolation_preserves_order_and_spreads_copies_evenly(byte from, byte more)
    {
        var source = LayerMap.Interpolation(from + 1, from + 1 + more).Source;
        var copies = source.GroupBy(i => i).Select(group => group.Count()).ToList();
        return source.SequenceEqual(source.Order()) && copies.Count == from + 1 && copies.Max() - copies.Min() <= 1;
    }
}
