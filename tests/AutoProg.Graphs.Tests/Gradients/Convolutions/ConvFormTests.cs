using AutoProg.Graphs.Gradients;
using AutoProg.Graphs.Passes;

namespace AutoProg.Graphs.Tests.Gradients.Convolutions;

/// <summary>Which operators a convolution's gradient is made of; the numbers are checked in the gradient table and, form by form, in <see cref="KernelFormTests"/>.</summary>
public sealed class ConvFormTests
{
    [Fact]
    public void The_image_gradient_at_stride_one_is_a_convolution()
    {
        var counts = Gradient("x", (b, x, w) => b.Conv(x, w, pads: [1, 1, 1, 1]), [4, 3, 3, 3]);
        Assert.Equal(Counts(("Conv", 1), ("MatMul", 1), ("Reshape", 3), ("Transpose", 1)), counts);
    }

    [Fact]
    public void The_image_gradient_of_a_large_kernel_is_turned_by_a_slice_and_not_by_a_large_matrix()
    {
        var counts = Gradient("x", (b, x, w) => b.Conv(x, w, pads: [4, 4, 4, 4]), [4, 3, 9, 9]);
        Assert.Equal(1, counts["Slice"]);
        Assert.False(counts.ContainsKey("MatMul"));
    }

    [Fact]
    public void The_image_gradient_at_stride_two_is_one_transposed_convolution() =>
        Assert.Equal(Counts(("ConvTranspose", 1)), Gradient("x", (b, x, w) => b.Conv(x, w, strides: [2, 2], pads: [1, 1, 1, 1]), [4, 3, 3, 3]));

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
    public void The_kernel_gradient_is_a_convolution_of_a_copy_of_the_image_summed_over_the_images()
    {
        var counts = Gradient("w", (b, x, w) => b.Conv(x, w, strides: [2, 2], pads: [1, 1, 1, 1]), [4, 3, 3, 3]);
        Assert.Equal(Counts(("Conv", 1), ("Pad", 1), ("ReduceSum", 1), ("Reshape", 7), ("Transpose", 2)), counts);
    }

    [Fact]
    public void The_kernel_gradient_of_a_small_image_is_a_convolution_that_sums_over_the_images()
    {
        var counts = Gradient("w", (b, x, w) => b.Conv(x, w, pads: [1, 1, 1, 1]), [40, 3, 8, 8]);
        Assert.Equal(Counts(("Conv", 1), ("Pad", 1), ("Reshape", 7), ("Transpose", 3)), counts);
    }

    [Fact]
    public void The_kernel_gradient_of_a_convolution_of_each_channel_takes_a_convolution_for_each_column_of_taps()
    {
        var counts = Gradient("w", (b, x, w) => b.Conv(x, w, pads: [1, 1, 1, 1], groups: 3), [3, 1, 3, 3]);
        Assert.Equal(3, counts["Conv"]);
        Assert.Equal(3, counts["Pad"]);
        Assert.False(counts.ContainsKey("Transpose"));
    }

    [Theory]
    [InlineData(16, 2)]
    [InlineData(12, 2)]
    [InlineData(7, 1)]
    [InlineData(11, 11)] // no divisor but 1
    public void The_kernel_gradient_of_each_channel_at_a_stride_takes_up_to_eight_channels_together(int channels, int groups)
    {
        var b = new GraphBuilder();
        var (x, w) = (b.Input("x", ElementType.Float, [1, channels, 8, 8]), b.Input("w", ElementType.Float, [channels, 1, 3, 3]));
        Differentiator.AddGradients(b, b.ReduceSum(b.Conv(x, w, strides: [2, 2], pads: [1, 1, 1, 1], groups: channels), []), [w]);
        Assert.Equal(groups, b.Nodes.Last(static n => n.Operator == "Conv").Attributes.Int("group", 0));
    }

    [Fact]
    public void The_kernel_gradient_of_dilated_columns_takes_a_convolution_for_each_of_them() =>
        Assert.Equal(3, Gradient("w", (b, x, w) => b.Conv(x, w, dilations: [1, 2]), [4, 3, 3, 3])["Conv"]);

    [Fact]
    public void The_kernel_gradient_of_a_1x1_kernel_copies_nothing() =>
        Assert.Equal(Counts(("FusedMatMul", 1), ("ReduceSum", 1), ("Reshape", 3)), Gradient("w", (b, x, w) => b.Conv(x, w), [4, 3, 1, 1]));

    [Fact]
    public void The_kernel_gradient_of_a_1x1_kernel_larger_than_the_images_is_one_product() =>
        Assert.Equal(
            Counts(("FusedMatMul", 1), ("Reshape", 5), ("Transpose", 2)),
            Gradient("w", (b, x, w) => b.Conv(x, w), [90, 30, 1, 1], image: [2, 30, 2, 2]));

    [Fact]
    public void A_patch_embedding_is_a_convolution_whose_gradients_are_convolutions()
    {
        Assert.Equal(Counts(("ConvTranspose", 1)), Gradient("x", (b, x, w) => b.Conv(x, w, strides: [4, 4]), [5, 3, 4, 4]));
        Assert.Equal(1, Gradient("w", (b, x, w) => b.Conv(x, w, strides: [4, 4]), [5, 3, 4, 4])["Conv"]);
    }

    private static Dictionary<string, int> Counts(params (string Operator, int Count)[] counts) => counts.ToDictionary(c => c.Operator, c => c.Count, StringComparer.Ordinal);

    /// <summary>Operators of one gradient, without the forward pass and what a Reshape can do without.</summary>
    private static IReadOnlyDictionary<string, int> Gradient(string target, Func<GraphBuilder, Value, Value, Value> build, Shape kernel, Shape? image = null)
    {
        var b = new GraphBuilder();
        var (x, w) = (b.Input("x", ElementType.Float, image ?? [2, 3, 8, 8]), b.Input("w", ElementType.Float, kernel));
        var y = build(b, x, w);
        var dy = b.Input("dy", ElementType.Float, y.Shape);
        b.Output("gradient", Differentiator.AddGradients(b, b.ReduceSum(b.Mul(y, dy), []), [target == "x" ? x : w]).Values.Single());
        return Pass.Standard(b.Build()).OperatorCounts();
    }
}
