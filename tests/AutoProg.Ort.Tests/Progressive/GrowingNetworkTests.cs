using AutoProg.Models;
using AutoProg.Ort.Objectives;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Tests.Progressive;

public sealed class GrowingNetworkTests : IDisposable
{
    private const int Resolution = 16;
    private readonly IElasticModel model;
    private readonly ParameterArena arena;
    private readonly GrowingNetwork network;

    public GrowingNetworkTests()
        : this(gates: false)
    {
    }

    private GrowingNetworkTests(bool gates)
    {
        model = ModelCatalog.Create("deit_micro", new ModelSizes { ImgSize = Resolution, PatchSize = 4, EmbedDim = 8, NumHeads = 2, Depth = 8, BranchScale = gates });
        arena = new ParameterArena(model.Parameters, new ArenaOptions { MomentCount = 2, EmaDecays = [0.9, 0.99] });
        network = new GrowingNetwork(model, arena);
        ParameterInitialization.Fill(arena, seed: 3);
        arena.ResetEma();
    }

    public static TheoryData<GrowthOperatorKind> Operators => [.. Enum.GetValues<GrowthOperatorKind>()];

    [Theory]
    [MemberData(nameof(Operators))]
    public void Growth_fills_every_new_block_from_its_source_in_all_networks(GrowthOperatorKind growth)
    {
        network.Use([3]);
        Mark();
        var map = growth.Map(3, 5);
        network.Grow([5], Step(growth));

        Assert.Equal(5, network.Depth);
        for (var i = 0; i < 5; i++)
        {
            if (map.Source[i] is { } source)
            {
                Assert.Equal(growth == GrowthOperatorKind.MoGrow ? 2000 + source : source, Block(ArenaBuffer.Weights, i));
                Assert.Equal(1000 + source, Block(ArenaBuffer.Ema(0), i));
                Assert.Equal(2000 + source, Block(ArenaBuffer.Ema(1), i));
            }
            else
            {
                Assert.True(Math.Abs(Block(ArenaBuffer.Weights, i)) < 0.1, "A fresh block is drawn.");
                Assert.Equal(Block(ArenaBuffer.Weights, i), Block(ArenaBuffer.Ema(0), i));
            }
        }
    }

    [Theory]
    [InlineData(OptimizerStateKind.Reset)]
    [InlineData(OptimizerStateKind.Carry)]
    public void Moments_start_afresh_or_grow_like_the_weights(OptimizerStateKind kind)
    {
        network.Use([2]);
        Mark();
        network.Grow([4], Step(GrowthOperatorKind.Interpolation) with { OptimizerState = kind });
        float[] expected = kind == OptimizerStateKind.Carry ? [3000, 3000, 3001, 3001] : [0, 0, 0, 0];
        Assert.Equal(expected, Enumerable.Range(0, 4).Select(i => Block(ArenaBuffer.Moment(0), i)));
    }

    [Fact]
    public void MoGrow_takes_the_momentum_network_even_if_only_the_resolution_grows()
    {
        network.Use([2]);
        Mark();
        network.Grow([2], Step(GrowthOperatorKind.MoGrow));
        Assert.Equal(2001, Block(ArenaBuffer.Weights, 1));
        Assert.Equal(2900, arena.Values(ArenaBuffer.Weights, "head.weight")[0]);
    }

    [Fact]
    public void Identity_growth_leaves_the_function_unchanged_and_the_others_do_not()
    {
        using var gated = new GrowingNetworkTests(gates: true);
        gated.network.Use([3]);
        var before = gated.Logits(gated.network.Blocks);
        gated.network.Grow([6], Step(GrowthOperatorKind.Identity));
        Assert.Equal(before, gated.Logits(gated.network.Blocks));

        network.Use([3]);
        before = Logits(network.Blocks);
        network.Grow([6], Step(GrowthOperatorKind.Interpolation));
        Assert.NotEqual(before, Logits(network.Blocks));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(8)]
    public void The_extracted_network_is_the_searched_one(int depth)
    {
        network.Use([4]);
        var supernet = new ElasticSupernet([4], [4, 5, 8]);
        network.Grow([8], Step(GrowthOperatorKind.Interpolation));
        Distinguish();
        var searched = Logits(supernet.Active(depth));
        network.Extract(supernet.Active(depth), OptimizerStateKind.Reset);

        Assert.Equal(depth, network.Depth);
        Assert.Equal(searched, Logits(network.Blocks));
    }

    [Fact]
    public void A_split_that_the_model_does_not_have_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => network.Use([9]));
        Assert.StartsWith("Blocks [9] do not fit the complete model's [8].", error.Message, StringComparison.Ordinal);
    }

    public void Dispose() => arena.Dispose();

    private static GrowthStep Step(GrowthOperatorKind growth) => new(growth, MomentumNetwork: 1, OptimizerStateKind.Carry, Seed: 3, Stage: 1);

    /// <summary>Fills each block with its number, plus 1000 in the first momentum network, 2000 in the second, 3000 in the moments; 900 outside the blocks.</summary>
    private void Mark()
    {
        foreach (var buffer in arena.Buffers)
        {
            var offset = buffer.Role switch { ArenaRole.Weights => 0, ArenaRole.Ema => 1000 * (buffer.Index + 1), _ => 3000 };
            foreach (var slot in arena.Layout.Slots)
            {
                arena.Values(buffer, slot.Name).Fill(offset + (slot.Parameter.Block?.Index ?? 900));
            }
        }
    }

    /// <summary>Makes equal blocks different, so that a wrong block shows.</summary>
    private void Distinguish()
    {
        foreach (var slot in arena.Layout.Slots.Where(s => s.Parameter.Block is not null))
        {
            foreach (ref var value in arena.Values(ArenaBuffer.Weights, slot.Name))
            {
                value *= 1 + (0.1f * slot.Parameter.Block!.Value.Index);
            }
        }
    }

    private float Block(ArenaBuffer buffer, int index) => arena.Values(buffer, $"blocks.{index}.attn.qkv.weight")[5];

    private float[] Logits(IReadOnlyList<IReadOnlyList<int>> active)
    {
        using var sessions = new SubNetworkSessions(new SubNetworkGraphs(LearningTask.Classify(model)), Device.Open("cpu", 1));
        var session = sessions.Evaluation(new SubNetwork(Resolution, active[0].Count), 2);
        var names = network.ParameterNames(active);
        session.Bind(name => arena.View(ArenaBuffer.Weights, names(name)));
        var image = session.Tensor(ModelGraph.ImageInput);
        for (var i = 0; i < image.Length; i++)
        {
            image[i] = MathF.Sin(i);
        }

        session.Run();
        return session.Tensor(ModelGraph.LogitsOutput).ToArray();
    }
}
