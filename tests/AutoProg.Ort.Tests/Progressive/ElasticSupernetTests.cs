using AutoProg.Models;
using AutoProg.Ort.Progressive;
using FsCheck.Xunit;

namespace AutoProg.Ort.Tests.Progressive;

public class ElasticSupernetTests
{
    [Fact]
    public void Inserted_blocks_come_into_play_from_the_deepest()
    {
        var stack = new ElasticStack(3, 6);
        Assert.Equal([0, 2, 4], stack.Active(3));
        Assert.Equal([0, 2, 4, 5], stack.Active(4));
        Assert.Equal([0, 2, 3, 4, 5], stack.Active(5));
        Assert.Equal([0, 1, 2, 3, 4, 5], stack.Active(6));
    }

    [Fact]
    public void Beyond_twice_the_depth_every_block_is_doubled_before_one_is_tripled()
    {
        Assert.Equal([0, 1, 3, 4], new ElasticStack(2, 6).Active(4));
        Assert.Equal([0, 3, 4, 5], new ElasticStack(2, 6, InsertionOrder.DeepestFirst).Active(4));
    }

    [Fact]
    public void A_depth_outside_of_the_stack_is_refused() =>
        Assert.Contains("This elastic stack has depths 3 to 6.", Assert.Throws<ArgumentOutOfRangeException>(() => new ElasticStack(3, 6).Active(7)).Message, StringComparison.Ordinal);

    [Property]
    public bool Sub_networks_nest_and_have_their_depth(byte from, byte more, bool roundByRound)
    {
        var stack = Stack(from, more, roundByRound ? InsertionOrder.RoundByRound : InsertionOrder.DeepestFirst);
        var originals = Enumerable.Range(0, stack.Largest).Except(stack.Growth.Inserted);
        return Depths(stack).All(depth => stack.Active(depth).Count == depth && stack.Active(depth).SequenceEqual(stack.Active(depth).Order()))
            && Depths(stack).Skip(1).All(depth => stack.Active(depth - 1).ToHashSet().IsSubsetOf(stack.Active(depth)))
            && stack.Active(stack.Smallest).SequenceEqual(originals);
    }

    [Property]
    public bool A_sub_network_holds_the_blocks_that_interpolation_would_give_it(byte from, byte more)
    {
        var stack = Stack(from, more, InsertionOrder.RoundByRound);
        return Depths(stack).All(depth => stack.Active(depth).Select(block => stack.Growth.Source[block])
            .SequenceEqual(LayerMap.Interpolation(stack.Smallest, depth).Source));
    }

    [Property]
    public bool Up_to_twice_the_depth_both_orders_are_the_same(byte from, byte more)
    {
        var smallest = (from % 32) + 1;
        var largest = smallest + (more % (smallest + 1));
        var byRounds = new ElasticStack(smallest, largest);
        var byDepth = new ElasticStack(smallest, largest, InsertionOrder.DeepestFirst);
        return Depths(byRounds).All(depth => byRounds.Active(depth).SequenceEqual(byDepth.Active(depth)));
    }

    [Fact]
    public void Blocks_of_all_groups_are_addressed_in_order()
    {
        var supernet = new ElasticSupernet([2, 7], [9, 18], Volo.SplitOf);
        Assert.Equal([9, 18], supernet.Depths);
        Assert.Equal([4, 14], supernet.Split(18));
        Assert.Equal([new(0, 0), new(0, 2), new(1, 0), new(1, 2), new(1, 4), new(1, 6), new(1, 8), new(1, 10), new(1, 12)], supernet.ActiveBlocks(9));
    }

    [Fact]
    public void A_depth_that_no_candidate_has_is_refused() =>
        Assert.Equal(
            "Depth 7 is not a candidate of this supernet; its depths are 6, 8, 12. (Parameter 'depth')",
            Assert.Throws<ArgumentException>(() => new ElasticSupernet([6], [12, 6, 8, 8]).Active(7)).Message);

    [Fact]
    public void A_split_that_would_shrink_a_group_is_repaired() =>
        Assert.Equal([[2, 7], [3, 7], [4, 7], [4, 8]], DepthSplits.Nest([2, 7], [9, 10, 11, 12], Volo.SplitOf));

    [Fact]
    public void A_split_that_nests_is_kept() =>
        Assert.Equal([[4, 8], [4, 12], [6, 14], [6, 18]], DepthSplits.Nest([4, 8], [12, 16, 20, 24], Volo.SplitOf));

    [Fact]
    public void Depths_below_the_original_are_refused() =>
        Assert.StartsWith("Depth 8 is below 9", Assert.Throws<ArgumentException>(() => DepthSplits.Nest([2, 7], [8], Volo.SplitOf)).Message, StringComparison.Ordinal);

    [Property]
    public bool Volos_sub_networks_nest_at_every_depth(byte from, byte more)
    {
        var smallest = 2 + (from % 40);
        int[] depths = [.. Enumerable.Range(smallest, (more % 40) + 1)];
        var supernet = new ElasticSupernet(Volo.SplitOf(smallest), depths, Volo.SplitOf);
        return depths.All(depth => supernet.ActiveBlocks(depth).Count() == depth)
            && depths.Skip(1).All(depth => supernet.ActiveBlocks(depth - 1).ToHashSet().IsSubsetOf(supernet.ActiveBlocks(depth)));
    }

    [Fact]
    public void Drop_path_rises_over_the_depth_of_the_sub_network()
    {
        Assert.Equal([0, 0.1, 0.2], DropPathRates.Linear(0.2, 3));
        Assert.Equal([0], DropPathRates.Linear(0.2, 1));
    }

    [Fact]
    public void A_level_unfreezes_its_share_of_the_blocks()
    {
        Assert.Equal([7, 14, 21, 28], Enumerable.Range(1, 4).Select(level => Unfreezing.LearnableBlocks(28, level).Count));
        Assert.Equal([7, 20, 26, 28], Enumerable.Range(1, 4).Select(level => Unfreezing.LearnableBlocks(28, level, UnfreezeRule.Released).Count));
        Assert.Throws<ArgumentOutOfRangeException>(() => Unfreezing.LearnableBlocks(28, 5));
    }

    [Property]
    public bool Both_unfreeze_rules_agree_on_ten_blocks(byte level) =>
        Unfreezing.LearnableBlocks(10, 1 + (level % 4)).SequenceEqual(Unfreezing.LearnableBlocks(10, 1 + (level % 4), UnfreezeRule.Released));

    private static ElasticStack Stack(byte from, byte more, InsertionOrder order) => new((from % 16) + 1, (from % 16) + 1 + (more % 48), order);

    private static IEnumerable<int> Depths(ElasticStack stack) => Enumerable.Range(stack.Smallest, stack.Largest - stack.Smallest + 1);
}
