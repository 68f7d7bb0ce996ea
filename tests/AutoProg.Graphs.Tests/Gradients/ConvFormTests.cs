using AutoProg.Graphs.Gradients;
using AutoProg.Graphs.Passes;

namespace AutoProg.Graphs.Tests.Gradients;

/// <summary>Which operators a convolution's gradient is made of; the numbers are checked in the gradient table.</summary>
public sealed class ConvFormTests
{
    [Fact]
    public void The_image_gradient_at_stride_one_is_a_convolution()
    {
        var counts = Gradient("x", (b, x, w) => b.Conv(x, w, pads: [1, 1, 1, 1]), [4, 3, 3, 3]);
        Assert.Equal(1, counts["Conv"]);
        Assert.False(counts.ContainsKey("ConvTranspose"));
    }

    [Fact]
    public void The_image_gradient_at_stride_two_is_one_transposed_convolution()
    {
        var counts = Gradient("x", (b, x, w) => b.Conv(x, w, strides: [2, 2], pads: [1, 1, 1, 1]), [4, 3, 3, 3]);
        Assert.Equal(1, counts["ConvTranspose"]);
    }

    [Fact]
    public void Asymmetric_padding_is_cut_off_behind_the_transposed_convolution_which_CUDA_cannot_pad_asymmetrically()
    {
        var b = new GraphBuilder();
        var (x, w) = (b.Input("x", ElementType.Float, [2, 3, 8, 8]), b.Input("w", ElementType.Float, [4, 3, 3, 3]));
        var loss = b.ReduceSum(b.Conv(x, w, strides: [2, 2], pads: [0, 0, 1, 1]), []);
        Differentiator.AddGradients(b, loss, [x]);
        Assert.Equal([0, 0, 0, 0], b.Nodes.Single(n => n.Operator == "ConvTranspose").Attributes.Ints("pads")!);
    }

    [Fact]
    public void The_kernel_gradient_is_a_product_per_tap()
    {
        var counts = Gradient("w", (b, x, w) => b.Conv(x, w, pads: [1, 1, 1, 1]), [4, 3, 3, 3]);
        Assert.Equal(9, counts["Gemm"]);
        Assert.False(counts.ContainsKey("Conv"));
    }

    [Theory]
    [InlineData("x")]
    [InlineData("w")]
    public void A_patch_embedding_is_one_product_in_each_direction(string target)
    {
        var counts = Gradient(target, (b, x, w) => b.Conv(x, w, strides: [4, 4]), [5, 3, 4, 4]);
        Assert.Equal(1, counts["Gemm"]);
        Assert.DoesNotContain(counts.Keys, op => op.StartsWith("Conv", StringComparison.Ordinal));
    }

    /// <summary>Operators of one gradient, without the forward pass.</summary>
    private static IReadOnlyDictionary<string, int> Gradient(string target, Func<GraphBuilder, Value, Value, Value> build, Shape kernel)
    {
        var b = new GraphBuilder();
        var (x, w) = (b.Input("x", ElementType.Float, [2, 3, 8, 8]), b.Input("w", ElementType.Float, kernel));
        var loss = b.ReduceSum(build(b, x, w), []);
        b.Output("gradient", Differentiator.AddGradients(b, loss, [target == "x" ? x : w]).Values.Single());
        return DeadCode.Remove(b.Build()).OperatorCounts();
    }
}
