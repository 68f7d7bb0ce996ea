using AutoProg.Graphs;

namespace AutoProg.Models.Tests;

public sealed class VoloTests
{
    [Theory]
    [InlineData("volo_d1", 26_632_040)]
    [InlineData("volo_d2", 58_678_336)]
    [InlineData("volo_d3", 86_325_072)]
    public void The_published_sizes_have_the_published_number_of_parameters(string name, long expected) =>
        Assert.Equal(expected, ModelCatalog.Create(name, new ModelSizes()).Parameters.Where(p => !p.IsBuffer).Sum(p => p.Shape.ElementCount));

    [Fact]
    public void Parameters_have_the_names_and_layouts_of_the_reference()
    {
        var parameters = Nano().Parameters;
        string[] names = [.. parameters.Select(p => p.Name)];
        string[] outlooker = ["norm1.weight", "norm1.bias", "attn.v.weight", "attn.attn.weight", "attn.attn.bias", "attn.proj.weight", "attn.proj.bias", "norm2.weight", "norm2.bias", .. Mlp];
        string[] transformer = ["norm1.weight", "norm1.bias", "attn.qkv.weight", "attn.proj.weight", "attn.proj.bias", "norm2.weight", "norm2.bias", .. Mlp];
        string[] reader = ["norm1.weight", "norm1.bias", "attn.kv.weight", "attn.q.weight", "attn.proj.weight", "attn.proj.bias", "norm2.weight", "norm2.bias", .. Mlp];
        string[] stem = [.. new[] { 0, 3, 6 }.SelectMany(i => new[] { $"conv.{i}.weight", $"conv.{i + 1}.weight", $"conv.{i + 1}.bias", $"conv.{i + 1}.running_mean", $"conv.{i + 1}.running_var" }), "proj.weight", "proj.bias"];
        string[] expected =
        [
            .. stem.Select(n => $"patch_embed.{n}"), .. outlooker.Select(n => $"network.0.0.{n}"), .. outlooker.Select(n => $"network.0.1.{n}"), "network.1.proj.weight", "network.1.proj.bias",
            "pos_embed", .. transformer.Select(n => $"network.2.0.{n}"), .. transformer.Select(n => $"network.2.1.{n}"), "cls_token",
            .. reader.Select(n => $"post_network.0.{n}"), .. reader.Select(n => $"post_network.1.{n}"),
            "norm.weight", "norm.bias", "head.weight", "head.bias", "aux_head.weight", "aux_head.bias",
        ];
        Assert.Equal(expected.Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));
        Assert.Equal([162, 12], Shape("network.0.1.attn.attn.weight"));
        Assert.Equal([24, 12, 2, 2], Shape("network.1.proj.weight"));
        Assert.Equal([1, 4, 4, 24], Shape("pos_embed"));
        Assert.Equal([48, 24], Shape("post_network.1.attn.kv.weight"));

        Shape Shape(string name) => parameters.Single(p => p.Name == name).Shape;
    }

    [Fact]
    public void Only_matrices_and_kernels_decay() => Assert.All(
        Nano().Parameters, p => Assert.Equal(p.Name.EndsWith(".weight", StringComparison.Ordinal) && p.Shape.Rank > 1, p.WeightDecay));

    [Theory]
    [InlineData(2, 1, 1)]
    [InlineData(3, 2, 1)]
    [InlineData(9, 2, 7)]
    [InlineData(10, 4, 6)]
    [InlineData(18, 4, 14)]
    [InlineData(24, 6, 18)]
    [InlineData(36, 8, 28)]
    public void Outlookers_are_an_even_share_of_the_blocks(int depth, int outlookers, int transformer) => Assert.Equal([outlookers, transformer], Volo.SplitOf(depth));

    [Fact]
    public void Parameters_know_their_block_and_group()
    {
        var model = Nano();
        Assert.All(model.Parameters.Where(p => p.Block is not null), p => Assert.StartsWith(model.BlockPrefix(p.Block!.Value), p.Name, StringComparison.Ordinal));
        Assert.Equal(
            [new(0, 0), new(0, 1), new(1, 0), new(1, 1)],
            model.Parameters.Select(p => p.Block).OfType<BlockAddress>().Distinct().OrderBy(b => (b.Group, b.Index)));
    }

    [Theory]
    [InlineData(8, 1)]
    [InlineData(16, 2)]
    [InlineData(40, 5)]
    public void Any_multiple_of_twice_the_patch_is_a_resolution_and_the_parameters_stay(int resolution, int grid)
    {
        var model = Nano();
        var inference = (VoloGraph)model.Build(resolution, 4, 3, ModelGraphOptions.Inference);
        Assert.Equal([3, 10], inference.Output.Shape);
        Assert.Equal([3, 24], inference.Features!.Shape);
        Assert.Null(inference.TokenLogits);
        Assert.Equal(model.Parameters, inference.Parameters);

        var training = (VoloGraph)model.Build(resolution, 4, 3, new ModelGraphOptions(Training: true));
        Assert.Equal([3, 10], training.Output.Shape);
        Assert.Equal([3, grid * grid, 10], training.TokenLogits!.Shape);
        Assert.Equal([grid, grid], training.MixMask!.Shape);
        Assert.Equal(model.Parameters, training.Parameters);
        Assert.Equal(6, training.Statistics.Count);
    }

    [Fact]
    public void A_resolution_that_is_no_multiple_of_twice_the_patch_is_refused()
    {
        var error = Assert.Throws<ArgumentException>(() => Nano().Build(20, 2, 1, ModelGraphOptions.Inference));
        Assert.StartsWith("Resolution 20 is not a positive multiple of 8, twice patch size 4.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Outlookers_and_class_blocks_never_drop()
    {
        var graph = Nano().Build(16, 4, 5, new ModelGraphOptions(DropPath: true, Training: true)).Builder.Build();
        var dropPath = graph.Inputs.Single(i => i.Name == ModelGraph.DropPathInput);
        Assert.Equal([4, 2, 5], dropPath.Shape);
        var slice = Assert.Single(graph.Nodes, n => n.Inputs.Contains(dropPath));
        Assert.Equal(("Slice", 2L), (slice.Operator, slice.ConstantInts(1)![0]));
        Assert.Equal(4, graph.Nodes.Count(n => n.Operator == "Mul" && n.Inputs.Any(i => i!.Producer is { Operator: "Reshape" } r && r.Inputs[0]!.Producer is { Operator: "Split" } s && s.Inputs[0]!.Producer!.Inputs[0]!.Producer == slice)));
    }

    [Theory]
    [InlineData(nameof(ModelSizes.EmbedDim), "needs an even embed_dim and num_heads, since its outlookers have half of both, not 25 and 4")]
    [InlineData(nameof(ModelSizes.ImgSize), "img_size 36 is not a multiple of 8, twice the patch size.")]
    [InlineData(nameof(ModelSizes.PatchSize), "patch_size 3 is not a multiple of the stem's stride 2.")]
    public void Sizes_that_do_not_fit_are_refused(string size, string message)
    {
        var sizes = size switch
        {
            nameof(ModelSizes.EmbedDim) => Sizes with { EmbedDim = 25 },
            nameof(ModelSizes.ImgSize) => Sizes with { ImgSize = 36 },
            _ => Sizes with { PatchSize = 3 },
        };
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => ModelCatalog.Create("volo_micro", sizes)).Message, StringComparison.Ordinal);
    }

    private static string[] Mlp => ["mlp.fc1.weight", "mlp.fc1.bias", "mlp.fc2.weight", "mlp.fc2.bias"];

    private static ModelSizes Sizes => new() { ImgSize = 32, EmbedDim = 24, NumHeads = 4, Depth = 4 };

    private static IElasticModel Nano() => ModelCatalog.Create("volo_micro", Sizes);
}
