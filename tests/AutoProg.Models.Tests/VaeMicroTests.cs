namespace AutoProg.Models.Tests;

public sealed class VaeMicroTests
{
    [Fact]
    public void Encoder_and_decoder_share_out_the_parameters_of_the_training_graph()
    {
        var model = new VaeMicro(VaeMicroConfig.Default);
        var names = model.Parameters.Select(static p => p.Name).ToList();

        Assert.Equal(names.Where(static name => name.StartsWith("encoder.", StringComparison.Ordinal)), model.Encoder(32, 2).Parameters.Select(static p => p.Name));
        Assert.Equal(names.Where(static name => name.StartsWith("decoder.", StringComparison.Ordinal)), model.Decoder(32, 2).Parameters.Select(static p => p.Name));
        Assert.Equal(names, model.Build(32, 1, 2, ModelGraphOptions.Inference).Parameters.Select(static p => p.Name));
        Assert.Contains("encoder.down_blocks.1.resnets.0.conv2.weight", names);
        Assert.All(model.Parameters, static p => Assert.Equal(p.Name.EndsWith(".weight", StringComparison.Ordinal), p.WeightDecay));
    }

    [Theory]
    [InlineData(32)]
    [InlineData(20)]
    public void The_latent_is_a_quarter_as_large(int resolution)
    {
        var model = new VaeMicro(VaeMicroConfig.Default with { LatentChannels = 3 });
        var encoder = model.Encoder(resolution, 2);
        var decoder = model.Decoder(resolution, 2);

        Assert.Equal([2, 6, resolution / 4, resolution / 4], encoder.Outputs.Single(static o => o.Name == VaeMicro.Moments).Value.Shape);
        Assert.Equal([2, 3, resolution / 4, resolution / 4], decoder.Inputs.Single().Shape);
        Assert.Equal([2, 3, resolution, resolution], decoder.Outputs.Single(static o => o.Name == VaeMicro.Image).Value.Shape);
    }

    [Fact]
    public void Sizes_that_cannot_be_are_refused()
    {
        var model = new VaeMicro(VaeMicroConfig.Default);
        Assert.StartsWith("Resolution 30 is not a positive multiple of 4.", Assert.Throws<ArgumentException>(() => model.Encoder(30, 1)).Message, StringComparison.Ordinal);
        Assert.StartsWith("block_out_channels has 2 entries; three are needed", Assert.Throws<ArgumentException>(() => new VaeMicro(new VaeMicroConfig(32, [8, 16]))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new VaeMicro(new VaeMicroConfig(32, [8, 16, 0])));
    }
}
