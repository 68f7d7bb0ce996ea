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
}
