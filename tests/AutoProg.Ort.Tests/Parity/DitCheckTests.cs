using AutoProg.Ort.Parity;

namespace AutoProg.Ort.Tests.Parity;

public sealed class DitCheckTests : InGoldenFolder
{
    // Prediction, x_t and losses; gradients; positions and timestep embeddings; per level its rule, its size, and its gradients.
    private const int Levels = (4 * 2) + 22 + 32 + 42 + 52;

    [Theory]
    [InlineData("dit_a1", 8 + 52 + 2 + Levels)]
    [InlineData("dit_a2_lowres", 8 + 52 + 3 + Levels)]
    public void The_goldens_are_met_tensor_by_tensor(string fixture, int count)
    {
        var result = FixtureChecks.All.Check(Golden(fixture));
        Assert.DoesNotContain(result.Cases, static c => !c.Passed);
        Assert.True(result.Passed);
        Assert.Equal(count, result.Cases.Count);
    }

    [Theory]
    [InlineData("dit_a1", "x_embedder.proj.weight")]
    [InlineData("dit_a1", "t_embedder.mlp.2.bias")]
    [InlineData("dit_a1", "s_embedder.embedding_table.weight")]
    [InlineData("dit_a1", "blocks.2.adaLN_modulation.1.weight")]
    [InlineData("dit_a1", "blocks.1.mlp.fc1.weight")]
    [InlineData("dit_a2_lowres", "blocks.3.attn.qkv.weight")]
    [InlineData("dit_a2_lowres", "final_layer.linear.weight")]
    [InlineData("dit_a2_lowres", "pos_embed")]
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
    [InlineData("expected.safetensors", "grad.blocks.1.mlp.fc2.bias", "grad.blocks.1.mlp.fc2.bias")]
    [InlineData("expected.safetensors", "loss.vb", "loss.vb")]
    [InlineData("expected.safetensors", "x_t", "x_t")]
    [InlineData("expected.safetensors", "aux.t_embedding", "aux.t_embedding")]
    public void A_golden_that_is_off_by_one_percent_is_named(string file, string tensor, string named)
    {
        Copy("dit_a1");
        Change(file, tensor, static elements => elements[0] += 0.01f * (elements[0] + 1) * elements.Length);
        var result = FixtureChecks.All.Check(Folder);
        Assert.False(result.Passed);
        Assert.Contains(result.Cases, c => c.Name == named && !c.Passed);
    }

    [Fact]
    public void A_level_that_learns_something_else_is_named()
    {
        Copy("dit_a1");
        Replace("model.json", "   \"blocks.0.attn.qkv.weight\",\n", "");
        var result = FixtureChecks.All.Check(Folder);
        Assert.Equal((false, "unfreeze_levels.1"), (result.Passed, result.WorstTensor));
    }

    [Theory]
    [InlineData("model.json", "\"hidden_size\": 48", "\"hidden_size\": 50", "config: hidden_size 50 is not a multiple of num_heads 4.")]
    [InlineData("model.json", "\"hidden_size\": 48", "\"hidden_size\": 2000000000", "config.hidden_size is 2000000000, expected 1 to 16384.")]
    [InlineData("model.json", "\"depth\": 4", "\"depth\": 3", "weights.safetensors: tensor 'blocks.3.adaLN_modulation.1.bias' belongs to no DiT of this config.")]
    [InlineData("model.json", "\"num_stages\": 4", "\"num_stages\": 2000000000", "config.num_stages is 2000000000, expected 0 to 1000.")]
    [InlineData("model.json", "\"input_size\": 8,\n \"mode\"", "\"input_size\": 4000,\n \"mode\"", "input_size is 4000, expected a multiple of 2 up to 16.")]
    [InlineData("model.json", "\"gelu_tanh\"", "\"gelu_erf\"", "config.act is gelu_erf, expected gelu_tanh.")]
    [InlineData("model.json", "\"learned_range\"", "\"fixed_large\"", "diffusion is ")]
    [InlineData("model.json", "\"steps\": 1000", "\"steps\": 1001", "diffusion.steps is 1001, expected 2 to 1000.")]
    [InlineData("model.json", "\"1\": [", "\"5\": [", "unfreeze_levels.5 is not a level, expected 1 to 4.")]
    [InlineData("model.json", "\"family\": \"dit\"", "\"family\": \"dit\", \"kind\": \"dreams\"", "family 'dit' of kind 'dreams' is not known to this version.")]
    [InlineData("inputs.safetensors", "\"noise\"", "\"noisf\"", "inputs.safetensors: holds no tensor 'noise'.")]
    [InlineData("expected.safetensors", "\"loss.mse\"", "\"loss.msf\"", "expected.safetensors: holds no tensor 'loss.mse'.")]
    public void A_malformed_folder_is_named_by_file_and_place(string file, string text, string changed, string finding)
    {
        Copy("dit_a1");
        Replace(file, text, changed);
        var error = Assert.Throws<FixtureException>(() => FixtureChecks.All.Check(Folder));
        Assert.StartsWith(Folder, error.Message, StringComparison.Ordinal);
        Assert.Contains(finding, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_timestep_outside_the_schedule_is_named()
    {
        Copy("dit_a1");
        Change("inputs.safetensors", "t", static elements => elements[0] = BitConverter.Int32BitsToSingle(1000));
        Assert.Equal($"{At("inputs.safetensors")}: tensor 't' holds 1000, expected 0 to 999.", Assert.Throws<FixtureException>(() => FixtureChecks.All.Check(Folder)).Message);
    }
}
