using AutoProg.Graphs.Passes;

namespace AutoProg.Models.Tests;

public sealed class DiTTests
{
    [Theory]
    [InlineData("dit_s_2", 32_865_056)]
    [InlineData("dit_s_4", 32_920_448)]
    [InlineData("dit_s_8", 33_142_016)]
    [InlineData("dit_b_2", 130_315_808)]
    [InlineData("dit_b_4", 130_426_496)]
    [InlineData("dit_b_8", 130_869_248)]
    [InlineData("dit_l_2", 457_840_672)]
    [InlineData("dit_l_4", 457_988_224)]
    [InlineData("dit_l_8", 458_578_432)]
    [InlineData("dit_xl_2", 674_834_720)]
    [InlineData("dit_xl_4", 675_000_704)]
    [InlineData("dit_xl_8", 675_664_640)]
    public void The_published_sizes_have_the_published_number_of_parameters(string name, long expected) =>
        Assert.Equal(expected, Count(ModelCatalog.Create(name, new ModelSizes())));

    [Fact]
    public void Four_stages_add_a_table_of_five_rows() =>
        Assert.Equal(5 * 1152, Count(ModelCatalog.Create("dit_xl_2", new ModelSizes { NumStages = 4 })) - Count(ModelCatalog.Create("dit_xl_2", new ModelSizes())));

    [Fact]
    public void Parameters_have_the_names_and_layouts_of_the_reference()
    {
        var parameters = Tiny(stages: 4).Parameters;
        string[] block = ["adaLN_modulation.1", "attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"];
        string[] layers = ["t_embedder.mlp.0", "t_embedder.mlp.2", "y_embedder.embedding_table", "s_embedder.embedding_table", .. block.Select(l => $"blocks.0.{l}"), .. block.Select(l => $"blocks.1.{l}"), "final_layer.adaLN_modulation.1", "final_layer.linear"];
        Assert.Equal(
            ["x_embedder.proj.weight", "x_embedder.proj.bias", .. layers.SelectMany(l => l.EndsWith("table", StringComparison.Ordinal) ? new[] { $"{l}.weight" } : [$"{l}.weight", $"{l}.bias"])],
            parameters.Select(p => p.Name));
        Assert.Equal([8, 3, 4, 4], Shape(parameters, "x_embedder.proj.weight"));
        Assert.Equal([11, 8], Shape(parameters, "y_embedder.embedding_table.weight"));
        Assert.Equal([5, 8], Shape(parameters, "s_embedder.embedding_table.weight"));
        Assert.Equal([48, 8], Shape(parameters, "blocks.1.adaLN_modulation.1.weight"));
        Assert.Equal([96, 8], Shape(parameters, "final_layer.linear.weight"));
    }

    [Theory]
    [InlineData("x_embedder.proj.weight", 0.3273268)] // sqrt(6 / (8 + 48))
    [InlineData("blocks.0.attn.qkv.weight", 0.4330127)] // sqrt(6 / (24 + 8))
    [InlineData("blocks.1.mlp.fc2.weight", 0.3872983)] // sqrt(6 / (8 + 32))
    public void Weights_are_drawn_uniformly_as_Glorot_has_it(string name, double bound) =>
        Assert.Equal(bound, Assert.IsType<Initializer.Uniform>(Drawn(name)).Bound, 6);

    [Theory]
    [InlineData("t_embedder.mlp.0.weight")]
    [InlineData("t_embedder.mlp.2.weight")]
    [InlineData("y_embedder.embedding_table.weight")]
    public void Embeddings_are_drawn_from_a_small_normal_distribution(string name) => Assert.Equal(new Initializer.Normal(0.02), Drawn(name));

    [Theory]
    [InlineData("blocks.0.adaLN_modulation.1.weight")]
    [InlineData("final_layer.adaLN_modulation.1.weight")]
    [InlineData("final_layer.linear.weight")]
    public void What_lets_a_block_or_the_output_in_starts_at_zero(string name) => Assert.Equal(Initializer.Zeros, Drawn(name));

    [Fact]
    public void Biases_start_at_zero_and_do_not_decay() =>
        Assert.All(Tiny().Parameters.Where(p => p.Name.EndsWith("bias", StringComparison.Ordinal)), p => Assert.Equal((Initializer.Zeros, false), (p.Initializer, p.WeightDecay)));

    [Fact]
    public void Parameters_know_their_block() =>
        Assert.All(Tiny().Parameters, p => Assert.Equal(p.Name.StartsWith("blocks.", StringComparison.Ordinal) ? new BlockAddress(0, p.Name[7] - '0') : null, p.Block));

    [Theory]
    [InlineData(0, new[] { "x", "t", "y" })]
    [InlineData(4, new[] { "x", "t", "y", "s" })]
    public void The_stage_is_an_input_of_models_with_stages_only(int stages, string[] inputs) =>
        Assert.Equal(inputs, Tiny(stages).Build(16, 2, 3, ModelGraphOptions.Inference).Builder.Inputs.Select(i => i.Name));

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(24)]
    public void Any_multiple_of_the_patch_is_a_resolution_and_the_parameters_stay(int resolution)
    {
        var graph = Tiny().Build(resolution, 2, 3, ModelGraphOptions.Inference);
        Assert.Equal([3, 3, resolution, resolution], graph.Input.Shape);
        Assert.Equal([3, 6, resolution, resolution], graph.Output.Shape);
        Assert.Equal(Tiny().Parameters, graph.Parameters);
    }

    [Fact]
    public void Without_a_learned_variance_the_output_is_the_noise_alone() =>
        Assert.Equal([1, 3, 16, 16], ModelCatalog.Create("dit_micro", new ModelSizes { ImgSize = 16, LearnSigma = false }).Build(16, 1, 1, ModelGraphOptions.Inference).Output.Shape);

    [Fact]
    public void A_shallower_network_is_a_prefix_of_the_complete_one() =>
        Assert.Equal(Tiny().Parameters.Where(p => p.Block is not { Index: > 0 }), Tiny().Build(16, 1, 1, ModelGraphOptions.Inference).Parameters);

    [Fact]
    public void Patches_cost_one_convolution_and_one_transposition_in_and_out()
    {
        var graph = Tiny().Build(16, 1, 2, ModelGraphOptions.Inference);
        graph.Builder.Output("output", graph.Output);
        var nodes = Pass.Standard(graph.Builder.Build()).Nodes;
        Assert.Single(nodes, n => n.Operator == "Conv");
        Assert.Equal(4, nodes.Count(n => n.Operator == "Transpose")); // patches in and out, attention heads apart and together
    }

    [Theory]
    [InlineData("dit_micro", true, 0, "dit_micro has no branch scales; leave that setting away, or choose another model.")]
    [InlineData("deit_micro", false, 4, "deit_micro has no stage table; leave that setting away, or choose another model.")]
    public void What_an_architecture_does_not_have_is_refused(string name, bool branchScale, int stages, string message) =>
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(() => ModelCatalog.Create(name, new ModelSizes { BranchScale = branchScale, NumStages = stages })).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(18, false, "Resolution 18 is not a positive multiple of patch size 4.")]
    [InlineData(16, true, "dit_micro has no stochastic depth; build it without.")]
    public void A_graph_that_cannot_be_built_is_refused(int resolution, bool dropPath, string message) =>
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(() => Tiny().Build(resolution, 1, 1, new ModelGraphOptions(dropPath))).Message, StringComparison.Ordinal);

    [Fact]
    public void Widths_that_do_not_fit_are_refused() =>
        Assert.StartsWith("hidden_size 6 is not a multiple of 4, which its positions need.", Assert.Throws<ArgumentException>(() => ModelCatalog.Create("dit_micro", new ModelSizes { EmbedDim = 6 })).Message, StringComparison.Ordinal);

    [Fact]
    public void Half_of_a_position_tells_the_column_and_half_the_row()
    {
        var table = SinCosPositions.OfGrid(8, 3, 3).Chunk(8).ToArray();
        Assert.Equal([0, 0, 1, 1, 0, 0, 1, 1], table[0]);
        Assert.Equal(table[1][..4], table[3][4..]);
        Assert.Equal([Math.Sin(2), Math.Sin(0.02), Math.Cos(2), Math.Cos(0.02)], table[2][..4], (e, a) => Math.Abs(e - a) < 1e-15);
        Assert.Equal(table[0][4..], table[2][4..]);
    }

    [Fact]
    public void A_timestep_has_cosines_first()
    {
        var table = SinCosPositions.OfTimesteps(4, 11).Chunk(4).ToArray();
        Assert.Equal([1, 1, 0, 0], table[0]);
        Assert.Equal([Math.Cos(10), Math.Cos(0.1), Math.Sin(10), Math.Sin(0.1)], table[10], (e, a) => Math.Abs(e - a) < 1e-15);
    }

    private static DiT Tiny(int stages = 0) => (DiT)ModelCatalog.Create("dit_micro", new ModelSizes { ImgSize = 16, EmbedDim = 8, NumHeads = 2, Depth = 2, NumStages = stages });

    private static long Count(IElasticModel model) => model.Parameters.Sum(p => p.Shape.ElementCount);

    private static Initializer Drawn(string name) => Tiny().Parameters.Single(p => p.Name == name).Initializer;

    private static Graphs.Shape Shape(IReadOnlyList<Parameter> parameters, string name) => parameters.Single(p => p.Name == name).Shape;
}
