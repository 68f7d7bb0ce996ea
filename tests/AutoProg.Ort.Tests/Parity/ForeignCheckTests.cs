using AutoProg.Ort.Parity;

namespace AutoProg.Ort.Tests.Parity;

public sealed class ForeignCheckTests : InGoldenFolder
{
    [Theory]
    [InlineData("vit", 2 + 44)]
    [InlineData("convnext", 2 + 48)]
    [InlineData("mobilenetv3", 2 + 43)]
    [InlineData("resnet_train", 2 + 35 + 22 + 11)]
    [InlineData("swin_window", 2 + 32)]
    [InlineData("text", 2 + 38)]
    public void The_goldens_are_met_tensor_by_tensor(string fixture, int count)
    {
        var result = FixtureChecks.All.Check(Golden($"foreign/{fixture}"));
        Assert.DoesNotContain(result.Cases, static c => !c.Passed);
        Assert.True(result.Passed);
        Assert.Equal(count, result.Cases.Count);
    }

    [Fact]
    public void A_golden_gradient_that_is_off_by_one_percent_is_named()
    {
        Copy("foreign/swin_window");
        Change("expected.safetensors", "grad.blocks.1.qkv.weight", static elements =>
        {
            foreach (ref var element in elements)
            {
                element *= 1.01f;
            }
        });
        var result = FixtureChecks.All.Check(Folder);
        Assert.Equal((false, "grad.blocks.1.qkv.weight"), (result.Passed, result.WorstTensor));
    }

    [Fact]
    public void A_running_statistic_that_is_off_by_a_thousandth_is_named()
    {
        Copy("foreign/resnet_train");
        Change("expected.safetensors", "buffer_population.layer2.1.bn2.running_var", static elements => elements[0] *= 1.001f);
        var result = FixtureChecks.All.Check(Folder);
        Assert.Equal((false, "buffer_population.layer2.1.bn2.running_var"), (result.Passed, result.WorstTensor));
    }

    [Theory]
    [InlineData("\"embed.weight\"", "\"embed.wait\"", "trainable is embed.wait, expected names of stored Float tensors that the output depends on, without running statistics.")]
    [InlineData("\"trainable\": [", "\"trainable\": [],\n \"learns\": [", "trainable is empty, expected at least one name.")]
    [InlineData("\"loss\": \"cross-entropy", "\"loss\": \"focal", "loss is focal, mean over the batch, expected cross-entropy.")]
    public void A_malformed_model_is_named_by_file_and_place(string text, string changed, string finding)
    {
        Copy("foreign/swin_window");
        Replace("model.json", text, changed);
        var error = Assert.Throws<FixtureException>(() => FixtureChecks.All.Check(Folder));
        Assert.Equal($"{At("model.json")}: {finding}", error.Message);
    }

    [Fact]
    public void Inputs_of_another_shape_than_the_models_are_refused()
    {
        Copy("foreign/swin_window");
        File.Copy(Path.Combine(Golden("foreign/vit"), "inputs.safetensors"), At("inputs.safetensors"), overwrite: true);
        var error = Assert.Throws<FixtureException>(() => FixtureChecks.All.Check(Folder));
        Assert.Equal($"{At("inputs.safetensors")}: tensor 'input' has shape [3, 3, 32, 32], expected [2, 3, 16, 16].", error.Message);
    }
}
