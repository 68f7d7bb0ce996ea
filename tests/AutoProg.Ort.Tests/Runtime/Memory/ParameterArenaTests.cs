using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Tests.Runtime.Memory;

public sealed class ParameterArenaTests
{
    private static readonly ArenaTransfer[] WeightsInPlace = [ArenaTransfer.Within(ArenaBuffer.Weights)];

    [Fact]
    public void A_view_has_the_declared_shape_and_is_made_once()
    {
        using var arena = NewArena(2);
        TestModel.Number(arena, ArenaBuffer.Weights);

        var view = arena.View(ArenaBuffer.Weights, "g0.1.fc.weight");

        Assert.Same(view, arena.View(ArenaBuffer.Weights, "g0.1.fc.weight"));
        Assert.Equal([4, 5], view.GetTensorTypeAndShape().Shape);
        Assert.Equal(arena.Values(ArenaBuffer.Weights, "g0.1.fc.weight").ToArray(), view.GetTensorDataAsSpan<float>().ToArray());
    }

    public static TheoryData<int[]> Sources => new()
    {
        new[] { 0, 0, 1, 1, 2, 2 },     // Interpolation, 3 to 6
        new[] { 0, 1, 2, 0, 1, 2 },     // Stacking, 3 to 6
        new[] { 1, 3, 5 },              // extraction
        new[] { 5, 4, 3, 2, 1, 0 },     // three cycles of two
        new[] { 1, 2, 3, 4, 5, 0 },     // one cycle
        new[] { 1, 2, 0, 0, 1, 5 },     // a cycle that others read from
        new[] { 0, 1, 2, 3, 4, 5 },     // nothing
        new[] { 4, 4, 4, 4, 4, 4 },
        Array.Empty<int>(),
    };

    [Theory]
    [MemberData(nameof(Sources))]
    public void Blocks_are_rearranged_as_if_all_were_read_before_any_is_written(int[] sources)
    {
        using var arena = NewArena(6);
        TestModel.Number(arena, ArenaBuffer.Weights);
        var old = Snapshot(arena, ArenaBuffer.Weights);

        arena.Rearrange(0, sources, WeightsInPlace);

        foreach (var slot in arena.Layout.Slots)
        {
            var source = slot.Parameter.Block is { } block && block.Index < sources.Length
                ? slot.Name.Replace($"g0.{block.Index}", $"g0.{sources[block.Index]}", StringComparison.Ordinal)
                : slot.Name;
            Assert.Equal(old[source], arena.Values(ArenaBuffer.Weights, slot.Name).ToArray());
        }
    }

    [Fact]
    public void Weights_may_be_read_from_a_momentum_network()
    {
        using var arena = NewArena(2);
        TestModel.Number(arena, ArenaBuffer.Weights);
        TestModel.Number(arena, ArenaBuffer.Ema(0), from: 1000);
        var old = Snapshot(arena, ArenaBuffer.Ema(0));

        arena.CopyBetween(block: null, new(ArenaBuffer.Ema(0), ArenaBuffer.Weights));
        arena.Rearrange(0, [0, 0], [new(ArenaBuffer.Ema(0), ArenaBuffer.Weights), ArenaTransfer.Within(ArenaBuffer.Ema(0))]);

        Assert.Equal(old["head.weight"], arena.Values(ArenaBuffer.Weights, "head.weight").ToArray());
        Assert.Equal(old["g0.0.fc.weight"], arena.Values(ArenaBuffer.Weights, "g0.1.fc.weight").ToArray());
        Assert.Equal(old["g0.0.fc.weight"], arena.Values(ArenaBuffer.Ema(0), "g0.1.fc.weight").ToArray());
    }

    [Fact]
    public void A_transfer_from_an_overwritten_buffer_is_refused_before_anything_moves()
    {
        using var arena = NewArena(2);
        TestModel.Number(arena, ArenaBuffer.Weights);
        var old = Snapshot(arena, ArenaBuffer.Weights);

        var error = Assert.Throws<ArgumentException>(() =>
            arena.Rearrange(0, [1, 0], [ArenaTransfer.Within(ArenaBuffer.Ema(0)), new(ArenaBuffer.Ema(0), ArenaBuffer.Weights)]));

        Assert.StartsWith("The transfer from 'ema.0' to 'weights' comes after one that has overwritten its source or target; put it before.", error.Message, StringComparison.Ordinal);
        Assert.Equal(old["g0.0.fc.weight"], arena.Values(ArenaBuffer.Weights, "g0.0.fc.weight").ToArray());
    }

    [Fact]
    public void Step_counts_go_where_the_first_moment_goes()
    {
        using var arena = NewArena(3);
        arena.Steps.Advance(arena.Layout.Select(TestModel.Addresses(0, 0)));
        arena.Steps.Advance(arena.Layout.Select(TestModel.Addresses(0, 0, 1)));
        Assert.Equal([2, 2, 1, 0], Counts(arena));

        arena.Rearrange(0, [1, 2, 0], WeightsInPlace);
        Assert.Equal([2, 2, 1, 0], Counts(arena));

        arena.Rearrange(0, [1, 2, 0], [ArenaTransfer.Within(ArenaBuffer.Moment(0)), ArenaTransfer.Within(ArenaBuffer.Moment(1))]);
        Assert.Equal([2, 1, 0, 2], Counts(arena));

        arena.CopyBlock(new(0, 2), new(0, 1), [ArenaTransfer.Within(ArenaBuffer.Moment(0))]);
        Assert.Equal([2, 1, 2, 2], Counts(arena));

        arena.Zero(new(0, 2), [ArenaBuffer.Moment(0)]);
        Assert.Equal([2, 1, 2, 0], Counts(arena));

        arena.ResetMoments();
        Assert.Equal([0, 0, 0, 0], Counts(arena));

        static long[] Counts(ParameterArena arena) => [arena.Steps["head.bias"], arena.Steps["g0.0.fc.weight"], arena.Steps["g0.1.fc.bias"], arena.Steps["g0.2.fc.weight"]];
    }

    [Fact]
    public void Blocks_of_another_form_are_not_copied()
    {
        using var arena = new ParameterArena(TestModel.Blocks(1, 1), new ArenaOptions());

        var error = Assert.Throws<ArgumentException>(() => arena.CopyBlock(new(0, 0), new(1, 0), WeightsInPlace));

        Assert.StartsWith("Block 0 of group 0 cannot become block 0 of group 1: their parameters differ in shape, weight decay or momentum.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Zeroing_a_block_leaves_the_others()
    {
        using var arena = NewArena(2);
        TestModel.Number(arena, ArenaBuffer.Weights, from: 1);

        arena.Zero(new(0, 1), [ArenaBuffer.Weights]);

        Assert.All(arena.Layout.Slots, slot =>
            Assert.Equal(slot.Parameter.Block?.Index == 1, arena.Values(ArenaBuffer.Weights, slot.Name).IndexOfAnyExcept(0f) < 0));
    }

    [Fact]
    public void Tensors_written_out_load_into_another_arena()
    {
        using var arena = NewArena(2);
        using var other = NewArena(2);
        TestModel.Number(arena, ArenaBuffer.Ema(0));
        var file = arena.Tensors(ArenaBuffer.Ema(0)).Where(tensor => tensor.Name != "head.bias").ToDictionary(tensor => tensor.Name, tensor => tensor.Values.ToArray());

        var missing = other.Load(ArenaBuffer.Ema(0), (name, _, destination) =>
        {
            if (!file.TryGetValue(name, out var values))
                return false;

            values.CopyTo(destination);
            return true;
        });

        Assert.Equal(["head.bias"], missing);
        Assert.All(file, tensor => Assert.Equal(tensor.Value, other.Values(ArenaBuffer.Ema(0), tensor.Key).ToArray()));
    }

    [Fact]
    public void A_tensor_of_another_shape_is_refused()
    {
        using var arena = NewArena(1);

        var error = Assert.Throws<ArgumentException>(() => arena.Set(ArenaBuffer.Weights, "head.weight", [5, 3], new float[15]));

        Assert.StartsWith("'head.weight' has shape [5, 3], but the model declares [3, 5].", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_buffer_that_is_not_kept_is_named()
    {
        using var arena = new ParameterArena(TestModel.Blocks(1), ArenaOptions.WeightsOnly with { EmaDecays = [0.998] });

        var error = Assert.Throws<ArgumentException>(() => arena[ArenaBuffer.Ema(1)]);

        Assert.StartsWith("The arena keeps no buffer 'ema.1', only weights, ema.0; ask for it in ArenaOptions.", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(double.NaN)]
    public void A_decay_outside_0_to_1_is_refused(double decay)
    {
        var error = Assert.Throws<ArgumentException>(() => new ParameterArena(TestModel.Blocks(1), new ArenaOptions { EmaDecays = [decay] }));

        Assert.StartsWith($"EMA decay {decay} is outside (0, 1)", error.Message, StringComparison.Ordinal);
    }

    private static ParameterArena NewArena(int depth) => new(TestModel.Blocks(depth), new ArenaOptions { MomentCount = 2, EmaDecays = [0.998] });

    private static Dictionary<string, float[]> Snapshot(ParameterArena arena, ArenaBuffer buffer) =>
        arena.Tensors(buffer).ToDictionary(tensor => tensor.Name, tensor => tensor.Values.ToArray());
}
