using AutoProg.Models;
using AutoProg.Ort.Progressive;
using AutoProg.Ort.Recipes;
using AutoProg.Ort.Runtime;

namespace AutoProg.Ort.Tests.Progressive;

/// <summary>Growth of an architecture whose blocks stand in two groups.</summary>
public sealed class TwoGroupGrowthTests : IDisposable
{
    private readonly IElasticModel model = ModelCatalog.Create("volo_micro", new ModelSizes { EmbedDim = 8, NumHeads = 2, Depth = 18 });
    private readonly ParameterArena arena;
    private readonly GrowingNetwork network;

    public TwoGroupGrowthTests()
    {
        arena = new ParameterArena(model.Parameters, new ArenaOptions { EmaDecays = [0.9] });
        network = new GrowingNetwork(model, arena);
        ParameterInitialization.Fill(arena, seed: 3);
        arena.ResetEma();
    }

    [Fact]
    public void Each_group_grows_by_its_own_map()
    {
        network.Use([2, 7]);
        Mark();
        network.Grow([4, 8], new GrowthStep(GrowthOperatorKind.Interpolation, 0, OptimizerStateKind.Reset, Seed: 1, Stage: 1));
        Assert.Equal([4, 8], network.Split);
        Assert.Equal([0f, 0, 1, 1], Enumerable.Range(0, 4).Select(i => Block(Volo.Outlookers, i)));
        Assert.Equal(LayerMap.Interpolation(7, 8).Source.Select(static s => 100f + s!.Value), Enumerable.Range(0, 8).Select(i => Block(Volo.Transformer, i)));
    }

    [Fact]
    public void The_winner_of_a_search_keeps_its_blocks_of_both_groups()
    {
        var supernet = new ElasticSupernet([2, 7], [9, 12, 18], model.SplitDepth);
        network.Use(supernet.Split(18));
        Mark();
        network.Extract(supernet.Active(12), OptimizerStateKind.Reset);
        Assert.Equal([4, 8], network.Split);
        Assert.Equal(supernet.Active(12)[0].Select(static i => (float)i), Enumerable.Range(0, 4).Select(i => Block(Volo.Outlookers, i)));
        Assert.Equal(supernet.Active(12)[1].Select(static i => 100f + i), Enumerable.Range(0, 8).Select(i => Block(Volo.Transformer, i)));
    }

    [Fact]
    public void A_graphs_blocks_are_found_in_both_groups()
    {
        network.Use([4, 14]);
        var names = network.ParameterNames([[0, 2], [0, 5, 13]]);
        Assert.Equal("network.0.2.attn.attn.weight", names("network.0.1.attn.attn.weight"));
        Assert.Equal("network.2.13.norm1.bias", names("network.2.2.norm1.bias"));
        Assert.Equal("network.1.proj.weight", names("network.1.proj.weight"));
    }

    public void Dispose() => arena.Dispose();

    /// <summary>Writes each block's number into it; those of the transformer count from 100.</summary>
    private void Mark()
    {
        foreach (var slot in arena.Layout.Slots)
        {
            if (slot.Parameter.Block is { } block)
            {
                arena.Values(ArenaBuffer.Weights, slot.Name).Fill((100 * block.Group) + block.Index);
            }
        }
    }

    private float Block(int group, int index) =>
        arena.Values(ArenaBuffer.Weights, model.BlockPrefix(new(group, index)) + "norm1.weight").ToArray().Distinct().Single();
}
