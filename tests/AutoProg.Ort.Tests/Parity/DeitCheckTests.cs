using AutoProg.Ort.Parity;

namespace AutoProg.Ort.Tests.Parity;

public sealed class DeitCheckTests : InGoldenFolder
{
    [Theory]
    [InlineData("deit_a1", 2 + 44)]
    [InlineData("deit_a2_droppath", 2 + 44)]
    [InlineData("deit_a3_tiny224", 2 + 152 + 102 + 50)]
    public void The_goldens_are_met_tensor_by_tensor(string fixture, int count)
    {
        var result = FixtureChecks.All.Check(Golden(fixture));
        Assert.DoesNotContain(result.Cases, static c => !c.Passed);
        Assert.True(result.Passed);
        Assert.Equal(count, result.Cases.Count);
    }

    [Theory]
    [InlineData("deit_a1", "head.weight")]
    [InlineData("deit_a1", "blocks.1.attn.qkv.weight")]
    [InlineData("deit_a1", "blocks.0.norm1.weight")]
    [InlineData("deit_a1", "cls_token")]
    [InlineData("deit_a2_droppath", "blocks.2.mlp.fc1.weight")]
    [InlineData("deit_a2_droppath", "pos_embed")]
    public void A_weight_that_is_off_by_one_percent_fails(string fixture, string tensor)
    {
        Copy(fixture);
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
    [InlineData("deit_a1", "head.weight")]
    [InlineData("deit_a1", "blocks.0.mlp.fc2.weight")]
    [InlineData("deit_a2_droppath", "blocks.1.norm2.weight")]
    public void A_single_element_of_a_weight_that_is_off_by_one_percent_fails(string fixture, string tensor)
    {
        Copy(fixture);
        Change("weights.safetensors", tensor, static elements => elements[7] *= 1.01f);
        Assert.False(FixtureChecks.All.Check(Folder).Passed);
    }

    [Fact]
    public void Without_the_reference_s_own_deviation_the_general_limit_holds()
    {
        Copy("deit_a1");
        File.WriteAllText(At("model.json"), File.ReadAllText(At("model.json")).Replace("float32_check", "other", StringComparison.Ordinal));
        Assert.Contains(FixtureChecks.All.Check(Folder).Cases, static c => c is { Name: "output", Limit: 1e-4 });
    }

    [Fact]
    public void A_single_golden_gradient_that_is_off_by_one_percent_is_named()
    {
        Copy("deit_a1");
        Change("expected.safetensors", "grad.blocks.1.mlp.fc2.bias", static elements => elements[0] += 0.01f * elements[0] * elements.Length);
        var result = FixtureChecks.All.Check(Folder);
        Assert.Equal((false, "grad.blocks.1.mlp.fc2.bias"), (result.Passed, result.WorstTensor));
    }

    [Fact]
    public void A_gradient_that_is_analytically_zero_is_held_to_the_size_of_the_whole_gradient()
    {
        Copy("deit_a2_droppath");
        Change("expected.safetensors", "grad.cls_token", static elements => elements.Clear());
        var result = FixtureChecks.All.Check(Folder);
        var worst = Assert.Single(result.Cases, static c => !c.Passed);
        Assert.Equal(("grad.cls_token", 1e-6), (worst.Name, worst.Limit));
    }

    [Theory]
    [InlineData("model.json", "\"embed_dim\": 48", "\"embed_dim\": 47", "config: embed_dim 47 is not a multiple of num_heads 3")]
    [InlineData("model.json", "\"embed_dim\": 48", "\"embed_dim\": 2000000000", "config.embed_dim is 2000000000, expected 1 to 16384.")]
    [InlineData("model.json", "\"depth\": 3", "\"depth\": 4", "weights.safetensors: holds no tensor 'blocks.3.attn.qkv.weight'")]
    [InlineData("model.json", "\"depth\": 3", "\"depth\": 2", "weights.safetensors: tensor 'blocks.2.attn.proj.bias' belongs to no DeiT of this config.")]
    [InlineData("model.json", "\"img_size\": 32", "\"img_size\": 40", "weights.safetensors: tensor 'pos_embed' has shape [1, 17, 48], expected [1, 26, 48].")]
    [InlineData("model.json", "\"gelu_erf\"", "\"gelu_tanh\"", "config.act is gelu_tanh, expected gelu_erf.")]
    [InlineData("model.json", "\"batch\": 4", "\"batch\": 5", "inputs.safetensors: tensor 'image' has shape [4, 3, 32, 32], expected [5, 3, 32, 32].")]
    [InlineData("model.json", "\"deit\"", "\"resnet\"", "model.json: family 'resnet' is not known to this version.")]
    [InlineData("model.json", "{", "", "model.json: ")]
    [InlineData("expected.safetensors", "\"grad.cls_token\"", "\"grad.cls_tokem\"", "expected.safetensors: holds neither 'grad.cls_token' nor 'grad_norm.cls_token'")]
    [InlineData("expected.safetensors", "\"output\"", "\"outpux\"", "expected.safetensors: holds no tensor 'output'.")]
    public void A_malformed_folder_is_named_by_file_and_place(string file, string text, string changed, string finding)
    {
        Copy("deit_a1");
        Replace(file, text, changed);
        var error = Assert.Throws<FixtureException>(() => FixtureChecks.All.Check(Folder));
        Assert.StartsWith(Folder, error.Message, StringComparison.Ordinal);
        Assert.Contains(finding, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_cut_short_or_missing_is_named()
    {
        Copy("deit_a1");
        File.WriteAllBytes(At("inputs.safetensors"), File.ReadAllBytes(At("inputs.safetensors"))[..1000]);
        Assert.StartsWith(At("inputs.safetensors") + ": ", Assert.Throws<FixtureException>(() => FixtureChecks.All.Check(Folder)).Message, StringComparison.Ordinal);
        File.Delete(At("inputs.safetensors"));
        Assert.StartsWith(At("inputs.safetensors") + ": ", Assert.Throws<FixtureException>(() => FixtureChecks.All.Check(Folder)).Message, StringComparison.Ordinal);
    }
}
