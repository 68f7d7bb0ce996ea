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
    public void The_kernel_gradient_at_stride_one_is_one_product()
    {
        var counts = Gradient("w", (b, x, w) => b.Conv(x, w, pads: [1, 1, 1, 1]), [4, 3, 3, 3]);
        Assert.Equal(1, counts["FusedMatMul"]);
        Assert.False(counts.ContainsKey("Conv"));
    }

    [Fact]
    public void The_kernel_gradient_at_stride_two_is_a_product_per_class_of_rows()
    {
        var counts = Gradient("w", (b, x, w) => b.Conv(x, w, strides: [2, 2], pads: [1, 1, 1, 1]), [4, 3, 3, 3]);
        Assert.Equal(2, counts["FusedMatMul"]);
        Assert.False(counts.ContainsKey("Conv"));
    }

    [Fact]
    public void The_kernel_gradient_of_many_responses_to_few_channels_copies_the_image_alone()
    {
        var counts = Gradient("w", (b, x, w) => b.Conv(x, w, strides: [2, 2], pads: [1, 1, 1, 1]), [64, 3, 3, 3]);
        Assert.Equal(1, counts["FusedMatMul"]);
        Assert.Equal(9, counts["Slice"]);
    }

    [Fact]
    public void The_kernel_gradient_of_a_1x1_kernel_copies_nothing()
    {
        var counts = Gradient("w", (b, x, w) => b.Conv(x, w), [4, 3, 1, 1]);
        Assert.Equal(1, counts["FusedMatMul"]);
        Assert.DoesNotContain(counts.Keys, op => op is "Slice" or "Pad" or "Concat");
    }

    [Fact]
    public void A_kernel_of_three_axes_has_no_gradient_yet()
    {
        var b = new GraphBuilder();
        var (x, w) = (b.Input("x", ElementType.Float, [1, 2, 4, 4, 4]), b.Input("w", ElementType.Float, [3, 2, 2, 2, 2]));
        var error = Assert.Throws<GraphException>(() => Differentiator.AddGradients(b, b.ReduceSum(b.Conv(x, w), []), [w]));
        Assert.Equal("The gradient of a convolution's kernel is known for one and two spatial axes, not for the kernel [3, 2, 2, 2, 2].", error.Message);
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
