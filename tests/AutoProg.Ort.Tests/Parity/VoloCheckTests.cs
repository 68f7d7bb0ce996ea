using AutoProg.Ort.Parity;

namespace AutoProg.Ort.Tests.Parity;

public sealed class VoloCheckTests : InGoldenFolder
{
    private const string Training = "volo_a2_mixtoken";
    private const string Evaluation = "volo_a4_eval";
    private const string Weights = "weights.safetensors";

    // Losses and outputs of both heads; gradients; running statistics.
    [Fact]
    public void A_training_step_with_mixed_tokens_meets_the_goldens()
    {
        var result = FixtureChecks.All.Check(Golden(Training));
        Assert.DoesNotContain(result.Cases, static c => !c.Passed);
        Assert.Equal(5 + 93 + 6, result.Cases.Count);
    }

    [Fact]
    public void Evaluation_by_running_statistics_meets_the_goldens()
    {
        CopyEvaluation();
        var result = FixtureChecks.All.Check(Folder);
        Assert.True(result.Passed);
        Assert.Equal("output", Assert.Single(result.Cases).Name);
    }

    [Theory]
    [InlineData("patch_embed.conv.0.weight")]
    [InlineData("patch_embed.conv.4.bias")]
    [InlineData("network.0.1.attn.attn.weight")]
    [InlineData("network.0.0.attn.v.weight")]
    [InlineData("pos_embed")]
    [InlineData("network.2.1.attn.qkv.weight")]
    [InlineData("post_network.0.attn.q.weight")]
    [InlineData("aux_head.bias")]
    public void A_weight_that_is_off_by_one_percent_fails(string tensor)
    {
        Copy(Training);
        Change(Weights, tensor, Grow);
        Assert.False(FixtureChecks.All.Check(Folder).Passed);
    }

    [Theory]
    [InlineData("patch_embed.conv.1.running_mean")]
    [InlineData("patch_embed.conv.7.running_var")]
    public void Running_statistics_matter_in_evaluation_and_are_compared_after_training(string buffer)
    {
        CopyEvaluation();
        Change(Weights, buffer, Grow);
        Assert.False(FixtureChecks.All.Check(Folder).Passed);

        File.Delete(At(Weights));
        File.Delete(At("model.json"));
        File.Delete(At("inputs.safetensors"));
        File.Delete(At("expected.safetensors"));
        Copy(Training);
        Change(Weights, buffer, Grow);
        var result = FixtureChecks.All.Check(Folder);
        Assert.Equal((false, $"buffer.{buffer}"), (result.Passed, result.WorstTensor));
    }

    [Theory]
    [InlineData("grad.network.0.0.attn.attn.weight")]
    [InlineData("loss.aux")]
    [InlineData("output.aux")]
    [InlineData("buffer.patch_embed.conv.4.running_var")]
    public void A_golden_that_is_off_is_named(string tensor)
    {
        Copy(Training);
        Change("expected.safetensors", tensor, static elements => elements[0] += 0.01f * (elements[0] + 1) * elements.Length);
        Assert.Contains(FixtureChecks.All.Check(Folder).Cases, c => c.Name == tensor && !c.Passed);
    }

    [Theory]
    [InlineData("\"out_stride\": 2", "\"out_stride\": 1", "config.out_kernel, out_stride, out_padding, pooling_scale is 3, 1, 1, 2, expected 3, 2, 1, 2.")]
    [InlineData("\"qkv_bias\": false", "\"qkv_bias\": true", "config.qkv_bias, config.qk_scale is True, , expected false, null.")]
    [InlineData("\"norm_eps\": 1e-05", "\"norm_eps\": 1e-06", "config.norm_eps, config.bn_eps is 1E-06, 1E-05, expected 1e-5, 1e-5.")]
    [InlineData("\"stem_stride\": 2", "\"stem_stride\": 3", "config: patch_size 8 is not a multiple of the stem's stride 3.")]
    [InlineData("\"num_classes\": 10", "\"num_classes\": 2000000000", "config.num_classes is 2000000000, expected 1 to 16384.")]
    [InlineData("\"input_size\": 64", "\"input_size\": 72", "input_size is 72, expected a multiple of 16 up to 128.")]
    [InlineData("\"mode\": \"train\"", "\"mode\": \"dream\"", "mode is dream, expected train or eval.")]
    [InlineData("\"layers\": [\n   2,\n   2,", "\"layers\": [\n   1,\n   3,", "config.layers is 1, 3, 0, 0, expected the split of its depth by VOLO's rule.")]
    public void A_malformed_model_is_named_by_file_and_place(string text, string changed, string finding)
    {
        Copy(Training);
        Replace("model.json", text, changed);
        var error = Assert.Throws<FixtureException>(() => FixtureChecks.All.Check(Folder));
        Assert.StartsWith($"{At("model.json")}: {finding}", error.Message, StringComparison.Ordinal);
    }

    private static void Grow(Span<float> elements)
    {
        foreach (ref var element in elements)
        {
            element *= 1.01f;
        }
    }

    /// <summary>Both folders are of the same weights, which are stored once.</summary>
    private void CopyEvaluation()
    {
        Copy(Evaluation);
        File.Copy(Path.Combine(Golden(Training), Weights), At(Weights));
    }
}
