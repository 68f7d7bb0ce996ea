using AutoProg.Models;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Tests.Runtime.Memory;

public sealed class ArenaLayoutTests
{
    [Fact]
    public void Decayed_parameters_come_first_and_blocks_lie_in_order()
    {
        var layout = new ArenaLayout([.. TestModel.Blocks(2, 1).Reverse()]);

        Assert.Equal(
            [
                "head.weight", "embed.weight", "g0.0.out.weight", "g0.0.fc.weight", "g0.1.out.weight", "g0.1.fc.weight", "g1.0.out.weight", "g1.0.fc.weight",
                "head.bias", "token", "g0.0.fc.bias", "g0.0.norm.weight", "g0.1.fc.bias", "g0.1.norm.weight", "g1.0.fc.bias", "g1.0.norm.weight",
            ],
            layout.Slots.Select(slot => slot.Name));
        Assert.Equal([new BlockAddress(0, 0), new BlockAddress(0, 1), new BlockAddress(1, 0)], layout.Blocks);
    }

    [Fact]
    public void Parameters_are_aligned_and_do_not_overlap()
    {
        var layout = new ArenaLayout(TestModel.Blocks(3));

        var end = 0L;
        foreach (var slot in layout.Slots)
        {
            Assert.Equal(end, slot.Offset);
            Assert.Equal(0, slot.Offset % 16);
            Assert.Equal(slot.Parameter.Shape.ElementCount, slot.Length);
            end = slot.Offset + slot.PaddedLength;
        }

        Assert.Equal(end, layout.Length);
    }

    [Fact]
    public void All_blocks_make_one_range_per_decay_class()
    {
        var layout = new ArenaLayout(TestModel.Blocks(4, 2));

        var ranges = layout.Ranges(layout.Blocks);

        Assert.Equal(2, ranges.Count);
        Assert.Equal(new ArenaRange(0, layout["token"].Offset, WeightDecay: true), ranges[0]);
        Assert.Equal(new ArenaRange(layout["token"].Offset, layout.Length - layout["token"].Offset, WeightDecay: false), ranges[1]);
    }

    [Fact]
    public void A_gap_between_active_blocks_splits_each_class()
    {
        var layout = new ArenaLayout(TestModel.Blocks(4));

        var ranges = layout.Ranges(TestModel.Addresses(0, 3, 0, 1));

        Assert.Equal([0, layout["g0.3.fc.weight"].Offset, layout["token"].Offset, layout["g0.3.norm.weight"].Offset], ranges.Select(range => range.Offset));
        Assert.Equal(
            [layout["g0.2.fc.weight"].Offset, layout["token"].Offset, layout["g0.2.norm.weight"].Offset, layout.Length],
            ranges.Select(range => range.End));
        Assert.Equal([true, true, false, false], ranges.Select(range => range.WeightDecay));
    }

    [Fact]
    public void What_is_averaged_leaves_out_what_is_updated()
    {
        var layout = new ArenaLayout(TestModel.Blocks(4));

        var selection = layout.Select(TestModel.Addresses(0, 0, 2), averagedBlocks: TestModel.Addresses(0, 0, 1, 2));

        Assert.Equal(layout.Ranges(TestModel.Addresses(0, 0, 2)), selection.Updated);
        Assert.Equal([layout["g0.1.fc.weight"].Offset, layout["g0.1.norm.weight"].Offset], selection.Averaged.Select(range => range.Offset));
        Assert.Equal([layout["g0.2.fc.weight"].Offset, layout["g0.2.norm.weight"].Offset], selection.Averaged.Select(range => range.End));
    }

    [Fact]
    public void Running_statistics_come_last_and_follow_instead_of_being_updated()
    {
        var layout = new ArenaLayout(TestModel.Normed(3));
        var learning = layout["stem.running_mean"].Offset;
        Assert.Equal(["stem.running_mean", "g0.0.norm.running_var", "g0.1.norm.running_var", "g0.2.norm.running_var"], layout.Slots.SkipWhile(slot => slot.Offset < learning).Select(slot => slot.Name));

        var selection = layout.Select(TestModel.Addresses(0, 0, 2), averagedBlocks: TestModel.Addresses(0, 1));

        Assert.Equal(["stem.running_mean", "g0.0.norm.running_var", "g0.2.norm.running_var"], selection.FollowedSlots.Select(slot => slot.Name));
        Assert.Equal(
            [new(learning, 16, false, 0.25), new(learning + 16, 16, false, 0.1), new(learning + 48, 16, false, 0.1)],
            selection.Followed);
        Assert.All(selection.Updated, range => Assert.True(range.End <= learning));

        // All that follows is averaged, too, and so is what only goes on.
        Assert.Equal([new(learning, 16, false, 0.25), new(learning + 16, 48, false, 0.1)], selection.Averaged.Where(range => range.Momentum is not null));
    }

    [Fact]
    public void Neighbouring_statistics_of_one_momentum_are_one_range()
    {
        var layout = new ArenaLayout(TestModel.Normed(3));

        Assert.Equal([16, 48], layout.Select(layout.Blocks).Followed.Select(range => range.Length));
    }

    [Fact]
    public void Selection_may_be_finer_than_blocks()
    {
        var layout = new ArenaLayout(TestModel.Blocks(2));

        var selection = layout.Select(changed: parameter => parameter.Name.EndsWith("bias", StringComparison.Ordinal));

        Assert.Equal(["head.bias", "g0.0.fc.bias", "g0.1.fc.bias"], selection.UpdatedSlots.Select(slot => slot.Name));
        Assert.Equal(3, selection.Updated.Count);
        Assert.Empty(selection.Averaged);
    }

    [Fact]
    public void Faulty_models_and_unknown_names_are_refused()
    {
        var parameter = TestModel.Blocks(1)[0];
        var layout = new ArenaLayout([parameter]);

        AssertMessage("The model declares no parameters", () => new ArenaLayout([]));
        AssertMessage("Parameter 'embed.weight' is declared twice", () => new ArenaLayout([parameter, parameter]));
        AssertMessage("Parameter 'embed.weight' has shape [3, 0], i.e. 0 elements", () => new ArenaLayout([parameter with { Shape = [3, 0] }]));
        AssertMessage("Parameter 'embed.weight' has shape [65536, 32768], i.e. 2147483648 elements", () => new ArenaLayout([parameter with { Shape = [65536, 32768] }]));
        AssertMessage("The arena has no parameter 'embed.bias'; it holds 1, the first is 'embed.weight'.", () => layout["embed.bias"]);
        AssertMessage("The arena has no block 1 in group 0; group 0 has 1 blocks.", () => new ArenaLayout(TestModel.Blocks(1)).Ranges(TestModel.Addresses(0, 1)));
        AssertMessage("The arena has no block 0 in group 2; there is no group 2.", () => new ArenaLayout(TestModel.Blocks(1)).Ranges(TestModel.Addresses(2, 0)));
    }

    private static void AssertMessage(string start, Func<object> act) =>
        Assert.StartsWith(start, Assert.Throws<ArgumentException>(act).Message, StringComparison.Ordinal);
}
