using AutoProg.Ort.Parity;

namespace AutoProg.Ort.Tests.Parity;

public sealed class ProxiesCheckTests : InGoldenFolder
{
    // Lists; Gram matrix and gradient norms by parameter; kernel, eigenvalues and condition number by level.
    private const int TangentKernel = 2 + (2 * 27) + (4 * 3);

    // Losses, stored gradients, the terms of these, deviating weights; terms by level and the scores.
    private const int ZiCo = 2 + (2 * 4) + 4 + 25 + (10 + 15 + 20 + 25) + 4;

    [Fact]
    public void The_goldens_are_met_one_by_one()
    {
        var result = FixtureChecks.All.Check(Golden("proxies_a1"));
        Assert.DoesNotContain(result.Cases, static c => !c.Passed);
        Assert.True(result.Passed);
        Assert.Equal(TangentKernel + ZiCo, result.Cases.Count);
    }

    [Theory]
    [InlineData("x_embedder.proj.weight")]
    [InlineData("y_embedder.embedding_table.weight")]
    [InlineData("t_embedder.mlp.0.bias")]
    [InlineData("blocks.3.attn.qkv.weight")]
    [InlineData("blocks.2.adaLN_modulation.1.weight")]
    public void A_weight_that_is_off_by_one_percent_fails(string tensor)
    {
        Copy("proxies_a1");
        Change("weights.safetensors", tensor, static elements =>
        {
            foreach (ref var element in elements)
            {
                element *= 1.01f;
            }
        });
        Assert.False(FixtureChecks.All.Check(Folder).Passed);
    }

    [Theory]
    [InlineData("gram.blocks.1.mlp.fc2.weight")]
    [InlineData("gram.s_embedder.embedding_table.weight")]
    [InlineData("ntk.output_sum_grad_norm.x_embedder.proj.weight")]
    [InlineData("ntk.gram.level3")]
    [InlineData("ntk.eig.level2")]
    [InlineData("ntk.cond.level1")]
    [InlineData("zico.1.loss")]
    [InlineData("zico.term.level2.blocks.1.attn.proj")]
    [InlineData("zico.level4")]
    [InlineData("zico.grad.1.final_layer.linear")]
    public void A_golden_that_is_off_by_one_percent_is_named(string tensor)
    {
        Copy("proxies_a1");
        Change("expected.safetensors", tensor, static elements =>
        {
            foreach (ref var element in elements)
            {
                element *= 1.01f;
            }
        });
        var result = FixtureChecks.All.Check(Folder);
        Assert.False(result.Passed);
        Assert.Contains(result.Cases, c => c.Name == tensor && !c.Passed);
    }

    [Fact]
    public void The_formula_of_a_term_is_held_to_rounding()
    {
        Copy("proxies_a1");
        Change("expected.safetensors", "zico.term_from_stored.x_embedder.proj", static elements => elements[0] *= 1 + 3e-6f);
        var result = FixtureChecks.All.Check(Folder);
        Assert.Equal("zico.term_from_stored.x_embedder.proj", Assert.Single(result.Cases, static c => !c.Passed).Name);
    }

    [Theory]
    [InlineData("model.json", "  \"y_embedder.embedding_table.weight\"\n", "  \"y_embedder.embedding_table\"\n", "ntk_parameters")]
    [InlineData("model.json", "  \"final_layer.adaLN_modulation.1\"\n", "  \"y_embedder.embedding_table\"\n", "zico_modules")]
    public void Another_choice_of_weights_is_named(string file, string text, string changed, string named)
    {
        Copy("proxies_a1");
        Replace(file, text, changed);
        var result = FixtureChecks.All.Check(Folder);
        Assert.Equal(named, Assert.Single(result.Cases, static c => !c.Passed).Name);
    }

    [Theory]
    [InlineData("model.json", "\"zico_modules\"", "\"zico_module\"", "model.json: ")]
    [InlineData("model.json", "\"1\": [", "\"5\": [", "unfreeze_levels.5 is not a level, expected 1 to 4.")]
    [InlineData("model.json", "\"loss\": \"ntk: sum of outputs", "\"loss\": \"ntk: mean of outputs", "loss is ntk: mean of outputs; zico: hybrid_mse_vb, expected ntk: sum of outputs; zico: hybrid_mse_vb.")]
    [InlineData("model.json", "\"depth\": 4", "\"depth\": 3", "weights.safetensors: tensor 'blocks.3.adaLN_modulation.1.bias' belongs to no DiT of this config.")]
    [InlineData("inputs.safetensors", "\"ntk.t\"", "\"ntk.u\"", "inputs.safetensors: holds no tensor 'ntk.t'.")]
    [InlineData("inputs.safetensors", "\"zico.1.x_start\"", "\"zico.2.x_start\"", "inputs.safetensors: holds 1 mini-batches (zico.0.x_start, zico.1.x_start, ...), expected two at least.")]
    [InlineData("expected.safetensors", "\"ntk.cond.level2\"", "\"ntk.cond.level7\"", "expected.safetensors: holds no tensor 'ntk.cond.level2'.")]
    [InlineData("expected.safetensors", "\"zico.sensitivity.blocks.0.attn.qkv\"", "\"zico.sensitivitx.blocks.0.attn.qkv\"", "expected.safetensors: tensor 'zico.sensitivitx.blocks.0.attn.qkv' is not known; expected gram., ntk. and zico. of the parameters, modules and levels in model.json.")]
    public void A_malformed_folder_is_named_by_file_and_place(string file, string text, string changed, string finding)
    {
        Copy("proxies_a1");
        Replace(file, text, changed);
        var error = Assert.Throws<FixtureException>(() => FixtureChecks.All.Check(Folder));
        Assert.StartsWith(Folder, error.Message, StringComparison.Ordinal);
        Assert.Contains(finding, error.Message, StringComparison.Ordinal);
    }
}
