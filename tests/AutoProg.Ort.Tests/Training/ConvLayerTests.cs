using AutoProg.Ort.Runtime;
using AutoProg.Ort.Training;

namespace AutoProg.Ort.Tests.Training;

public sealed class ConvLayerTests
{
    [Theory]
    [InlineData("8x64x112x112,64x64x3x3")]
    [InlineData("2x6x9x8,12x3x3x2,s2,p1,d3,g2")]
    public void A_layer_is_written_as_it_is_read(string text) => Assert.Equal(text, ConvLayer.Parse(text).ToString());

    [Fact]
    public void A_layer_is_read_in_any_order_and_spacing() =>
        Assert.Equal(new ConvLayer([2, 6, 9, 8], [12, 3, 3, 2], Stride: 2, Groups: 2), ConvLayer.Parse(" 2x6x9x8, 12x3x3x2, g2, s2, p0"));

    [Theory]
    [InlineData("")]
    [InlineData("8x3x4x4")]
    [InlineData("8x3x4,4x3x3x3")]
    [InlineData("8x0x4x4,4x3x3x3")]
    [InlineData("8x3x4x4,4x3x3x3,")]
    [InlineData("8x3x4x4,4x3x3x3,q1")]
    [InlineData("8x3x4x4,4x3x3x3,s0")]
    [InlineData("8x3x4x4,4x3x3x3,p-1")]
    [InlineData("8x3x4x4,4x3x3x3,p65536")]
    [InlineData("60000x60000x60000x60000,1x1x1x1")]
    public void What_is_no_convolution_is_refused(string text) =>
        Assert.StartsWith(
            $"'{text}' is no convolution; expected image and kernel of at most 536870912 elements, then perhaps stride, padding, dilation and groups, e.g. 8x64x112x112,64x64x3x3,s2,p1",
            Assert.Throws<ArgumentException>(() => ConvLayer.Parse(text)).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("8x3x4x4,4x2x3x3", "kernel [4, 2, 3, 3] in 1 groups does not fit 3 channels")]
    [InlineData("8x3x4x4,4x3x5x5", "a window of 5 does not fit 4 pixels padded by 0 and 0")]
    [InlineData("1024x1x1x1,65535x1x1x1,p100", "has a result of [1024, 65535, 201, 201]; expected at most 536870912 elements")]
    public void What_does_not_fit_image_or_memory_is_refused(string text, string reason) =>
        Assert.Contains(reason, Assert.Throws<ArgumentException>(() => ConvLayer.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Every_layer_is_measured_in_the_order_asked_for()
    {
        using var device = Device.Open("cpu", 1);
        ConvLayer[] layers = [ConvLayer.Parse("2x4x9x9,6x4x3x3,s2"), ConvLayer.Parse("2x4x5x5,4x1x3x3,g4")];

        var report = ConvLayerBenchmark.Run(layers, device, new BenchmarkOptions { Steps = 3, WarmupSteps = 1 });

        Assert.Equal(layers.Select(static l => l.ToString()), report.Layers.Select(static l => l.Layer));
        Assert.All(report.Layers, static l =>
        {
            Assert.True(l is { ForwardMs: > 0, ImageGradientMs: > 0, KernelGradientMs: > 0 });
            Assert.Equal(1 + ((l.ImageGradientMs + l.KernelGradientMs) / l.ForwardMs), l.Ratio, 1e-9);
        });
    }
}
