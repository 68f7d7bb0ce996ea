using AutoProg.Graphs;
using AutoProg.Graphs.Passes;

namespace AutoProg.Models.Tests;

public sealed class DeiTTests
{
    [Theory]
    [InlineData("deit_tiny", 5_717_416)]
    [InlineData("deit_small", 22_050_664)]
    [InlineData("deit_base", 86_567_656)]
    public void The_published_sizes_have_the_published_number_of_parameters(string name, long expected) =>
        Assert.Equal(expected, ModelCatalog.Create(name, new ModelSizes()).Parameters.Sum(p => p.Shape.ElementCount));

    [Fact]
    public void Parameters_have_the_names_and_layouts_of_timm()
    {
        var parameters = Micro().Parameters;
        string[] block = ["norm1.weight", "norm1.bias", "attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight", "attn.proj.bias",
            "norm2.weight", "norm2.bias", "mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias"];
        Assert.Equal(
            ["cls_token", "pos_embed", "patch_embed.proj.weight", "patch_embed.proj.bias", .. block.Select(p => $"blocks.0.{p}"), .. block.Select(p => $"blocks.1.{p}"), "norm.weight", "norm.bias", "head.weight", "head.bias"],
            parameters.Select(p => p.Name));
        Assert.Equal([1, 17, 8], parameters.Single(p => p.Name == "pos_embed").Shape);
        Assert.Equal([24, 8], parameters.Single(p => p.Name == "blocks.1.attn.qkv.weight").Shape);
        Assert.Equal([8, 3, 4, 4], parameters.Single(p => p.Name == "patch_embed.proj.weight").Shape);
    }

    [Fact]
    public void Only_matrices_and_kernels_decay() =>
        Assert.All(Micro().Parameters, p => Assert.Equal(p.Name.EndsWith(".weight", StringComparison.Ordinal) && p.Shape.Rank > 1, p.WeightDecay));

    [Fact]
    public void Parameters_know_their_block() =>
        Assert.All(Micro().Parameters, p => Assert.Equal(p.Name.StartsWith("blocks.", StringComparison.Ordinal) ? new BlockAddress(0, p.Name[7] - '0') : null, p.Block));

    [Theory]
    [InlineData(8)]
    [InlineData(12)]
    [InlineData(24)]
    public void Any_multiple_of_the_patch_is_a_resolution_and_the_parameters_stay(int resolution)
    {
        var model = Micro();
        var graph = model.Build(resolution, 2, 3, ModelGraphOptions.Inference);
        Assert.Equal([3, 3, resolution, resolution], graph.Input.Shape);
        Assert.Equal([3, 10], graph.Output.Shape);
        Assert.Equal([3, 8], graph.Features!.Shape);
        Assert.Equal(model.Parameters, graph.Parameters);
    }

    [Fact]
    public void A_resolution_that_is_no_multiple_of_the_patch_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => Micro().Build(18, 1, 1, ModelGraphOptions.Inference));
        Assert.StartsWith("Resolution 18 is not a positive multiple of patch size 4.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shallower_network_is_a_prefix_of_the_complete_one()
    {
        var model = Micro();
        var shallow = model.Build(16, 1, 1, ModelGraphOptions.Inference).Parameters;
        Assert.Equal(model.Parameters.Where(p => p.Block is not { Index: > 0 }), shallow);
    }

    [Fact]
    public void Drop_path_is_an_input_with_a_factor_per_branch_and_image()
    {
        var graph = Micro().Build(16, 2, 5, new ModelGraphOptions(DropPath: true)).Builder.Build();
        Assert.Equal([2, 2, 5], graph.Inputs.Single(i => i.Name == ModelGraph.DropPathInput).Shape);
        Assert.DoesNotContain(Micro().Build(16, 2, 5, ModelGraphOptions.Inference).Builder.Build().Inputs, i => i.Name == ModelGraph.DropPathInput);
    }

    [Fact]
    public void Branch_scales_are_declared_only_where_they_are_asked_for()
    {
        Assert.DoesNotContain(Micro().Parameters, p => p.Name.Contains(BranchScale.ParameterName, StringComparison.Ordinal));
        var gated = ModelCatalog.Create("deit_micro", new ModelSizes { Depth = 2, BranchScale = true });
        Assert.Equal(4, gated.Parameters.Count(p => p.Name.Contains(BranchScale.ParameterName, StringComparison.Ordinal)));
    }

    [Fact]
    public void Patches_cost_one_convolution_and_one_transposition()
    {
        var graph = Micro().Build(16, 1, 2, ModelGraphOptions.Inference);
        graph.Builder.Output("logits", graph.Output);
        var nodes = Pass.Standard(graph.Builder.Build()).Nodes;
        Assert.Single(nodes, n => n.Operator == "Conv");
        Assert.Equal(3, nodes.Count(n => n.Operator == "Transpose")); // patches in, attention heads apart and together
    }

    [Theory]
    [InlineData(4, 2)]
    [InlineData(4, 3)]
    [InlineData(3, 5)]
    public void Resampled_positions_are_averages(int from, int to)
    {
        var b = new GraphBuilder();
        PositionEmbedding.Resample(b, b.Parameter("table", [from * from, 2]), from, to);
        var matrix = b.Nodes.Single().Input(0).Constant!.Doubles();
        Assert.All(matrix.Chunk(from * from), row => Assert.Equal(1, row.Sum(), 5));
    }

    [Fact]
    public void Positions_of_the_complete_grid_are_the_table_itself()
    {
        var b = new GraphBuilder();
        var table = b.Parameter("table", [9, 2]);
        Assert.Same(table, PositionEmbedding.Resample(b, table, 3, 3));
    }

    [Fact]
    public void An_unknown_name_is_refused_with_the_known_ones()
    {
        var error = Assert.Throws<ArgumentException>(() => ModelCatalog.Create("deit_smal", new ModelSizes()));
        Assert.StartsWith("There is no model 'deit_smal'; known are deit_tiny, deit_small, deit_base, deit_micro, volo_d1, volo_d2, volo_d3, volo_micro, dit_s_2, dit_s_4, dit_s_8, dit_b_2, dit_b_4, dit_b_8, dit_l_2, dit_l_4, dit_l_8, dit_xl_2, dit_xl_4, dit_xl_8, dit_micro, vae_micro.", error.Message, StringComparison.Ordinal);
    }

    private static IElasticModel Micro() => ModelCatalog.Create("deit_micro", new ModelSizes { ImgSize = 16, PatchSize = 4, EmbedDim = 8, NumHeads = 2, Depth = 2 });
}
