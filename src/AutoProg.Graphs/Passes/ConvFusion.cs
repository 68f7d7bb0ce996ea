using AutoProg.Graphs.Gradients;

namespace AutoProg.Graphs.Passes;

/// <summary>
/// What follows a convolution, done by the convolution itself while its results are at hand: ONNX Runtime's FusedConv adds a tensor and applies an activation. A factor and a
/// shift per channel are such a convolution, too, depthwise with a kernel of one tap, so that a batch normalisation, the sum with a residual and an activation are two passes over
/// memory. For [8, 256, 56, 56] two cores take 1.7 ms for a factor, a shift and an activation, and 4.8 ms by three operators; with a residual 2.7 and 5.9.
/// </summary>
internal static class ConvFusion
{
    /// <summary>From so many elements per image and channel on: to start a convolution for fewer costs more than another pass.</summary>
    private const long LongRow = 128;

    private static readonly RewriteRule[] Rules =
    [
        new("x a + b = Conv(x, a, b) with a factor and a shift per channel", Affine),
        new("x a + b + y c = FusedConv(y, c, b, x a)", AffineSum),
        new("Conv(x, w, b) + z = FusedConv(x, w, b, z)", Sum),
        new("Relu(Conv(x, w, b)) = FusedConv(x, w, b) with Relu", Activation),
    ];

    /// <summary>The graph with everything fused that can be.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="log">Is told how often it was done, and where a check said no.</param>
    public static Graph Apply(Graph graph, RewriteLog log) => Rewriting.Exhaust(graph, Rules, log);

    private static Value? Affine(Node n, Rewriting g)
    {
        if (n.Operator != "Add" || Scaled(n.Input(0), g) is not var (x, factor) || !IsPerChannel(n.Input(1), x.Shape))
        {
            return null;
        }

        var rows = x.Shape[0] * x.Shape[1];
        return x.Shape.ElementCount < LongRow * rows
            ? g.No(n, $"the rows of {x.Shape} are short: to start a convolution for each costs more than another pass.")
            : g.Add("Conv", n, [x, Shaped(n, g, factor, KernelOf(x.Shape)), Shaped(n, g, n.Input(1), [x.Shape[1]])], Depthwise(x.Shape));
    }

    /// <summary>The result takes the place of x a, which nothing else reads; a residual that the backward pass still needs would have to be copied.</summary>
    private static Value? AffineSum(Node n, Rewriting g)
    {
        if (Sides(n, g) is not var (affine, z) || !IsAffine(affine))
        {
            return null;
        }

        var shape = affine.Output.Shape;
        var product = g.Add("Mul", affine, [affine.Input(0), Shaped(n, g, affine.Input(1), [.. Broadcasting.PerChannel([shape[1]], shape.Rank)])]);
        var (y, kernel) = Scaled(z, g) is var (scaled, factor) ? (scaled, Shaped(n, g, factor, KernelOf(shape))) : (z, Ones(g, z.Type, KernelOf(shape)));
        return g.Add("FusedConv", n, [y, kernel, affine.OptionalInput(2), product], Depthwise(shape), GraphBuilder.MicrosoftDomain);
    }

    private static Value? Sum(Node n, Rewriting g) => Sides(n, g) is var (conv, z)
        ? g.Add("FusedConv", n, [conv.Input(0), conv.Input(1), conv.OptionalInput(2), z], conv.Attributes, GraphBuilder.MicrosoftDomain)
        : null;

    private static Value? Activation(Node n, Rewriting g) =>
        n.Operator == "Relu" && n.Input(0).Producer is { Operator: "Conv" or "FusedConv" } conv && IsImage(conv.Output) && g.HasOneReader(conv.Output) && !conv.Attributes.Has("activation")
            ? g.Add("FusedConv", n, conv.Inputs, conv.Attributes.With("activation", "Relu"), GraphBuilder.MicrosoftDomain)
            : null;

    /// <summary>The convolution and the other operand of a sum, or null.</summary>
    private static (Node Conv, Value Other)? Sides(Node n, Rewriting g)
    {
        if (n.Operator == "Add" && n.Input(0).Shape.Equals(n.Input(1).Shape))
        {
            for (var i = 0; i < 2; i++)
            {
                if (n.Input(i).Producer is { Operator: "Conv" } conv && IsImage(conv.Output) && g.HasOneReader(conv.Output))
                {
                    return (conv, n.Input(1 - i));
                }
            }
        }

        return null;
    }

    /// <summary>x and the factors per channel of a product that only this reader reads, or null.</summary>
    private static (Value X, Value Factor)? Scaled(Value product, Rewriting g) =>
        product.Producer is { Operator: "Mul" } n && IsImage(n.Input(0)) && IsPerChannel(n.Input(1), n.Input(0).Shape) && g.HasOneReader(product) ? (n.Input(0), n.Input(1)) : null;

    /// <summary>FusedConv has kernels for float32 alone.</summary>
    private static bool IsImage(Value x) => x.Type == ElementType.Float && x.Shape.Rank is >= 3 and <= 5;

    private static bool IsPerChannel(Value x, Shape image) => x.Shape.Equals(Broadcasting.PerChannel([image[1]], image.Rank));

    /// <summary>True for what <see cref="Affine"/> makes.</summary>
    private static bool IsAffine(Node conv) =>
        conv.Attributes.Int("group", 1) == conv.Output.Shape[1] && conv.Input(0).Shape.Equals(conv.Output.Shape) && !conv.Attributes.Has("pads") && !conv.Attributes.Has("strides");

    private static Attributes Depthwise(Shape image) => new() { { "group", image[1] }, { "kernel_shape", [.. Enumerable.Repeat(1L, image.Rank - 2)] } };

    private static long[] KernelOf(Shape image) => [image[1], 1, .. Enumerable.Repeat(1L, image.Rank - 2)];

    private static Value Ones(Rewriting g, ElementType type, long[] shape) => g.Constant(Tensor.FromDoubles(type, Shape.Of(shape), [.. Enumerable.Repeat(1.0, (int)shape[0])]));

    /// <summary>Numbers per channel in another shape.</summary>
    private static Value Shaped(Node n, Rewriting g, Value x, long[] shape)
    {
        var flat = x.Producer is { Operator: "Reshape" } reshape ? reshape.Input(0) : x;
        return flat.Shape.SequenceEqual(shape) ? flat : g.Reshape(n, flat, Shape.Of(shape));
    }
}
