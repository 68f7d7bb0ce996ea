using AutoProg.Graphs.Import;

namespace AutoProg.Graphs.Tests.Import;

public sealed class ShapeArithmeticTests
{
    [Fact]
    public void What_depends_on_shapes_alone_is_known_at_once()
    {
        var b = new GraphBuilder(CanonicalOperators.ComputableElements);
        var x = b.Input("x", ElementType.Float, [4, 6, 5]);
        var size = b.Gather(Node(b, "Shape", 13, x), b.Longs(1));
        var half = b.Cast(b.Floor(b.Div(b.Cast(size, ElementType.Float), b.Scalar(2))), ElementType.Int64);
        var shape = b.Concat(0, b.Longs(-1), half, b.Reshape(b.ReduceProd(b.Slice(Node(b, "Shape", 13, x), 0, 1, 3), []), [1]));
        var wanted = b.Where(b.Equal(shape, b.Mul(Node(b, "ConstantOfShape", 13, b.Longs(3), One), b.Longs(-1))), b.Longs(4), shape);

        Assert.Equal([4, 3, 30], wanted.Constant!.Longs());
        Assert.Equal([4, 3, 30], b.Expand(b.Scalar(1), Shape.Of(wanted.Constant.Longs())).Shape);
        Assert.Empty(b.Nodes);
    }

    [Fact]
    public void What_depends_on_data_stays()
    {
        var b = new GraphBuilder(CanonicalOperators.ComputableElements);
        Assert.Null(b.Exp(b.Input("x", ElementType.Float, [2])).Constant);
    }

    [Fact]
    public void No_more_is_computed_than_allowed()
    {
        var b = new GraphBuilder(computable: 100);
        Assert.NotNull(b.Expand(b.Scalar(1), [9, 9]).Constant); // reads 1 and 2 elements, and makes 81
        Assert.Null(b.Expand(b.Scalar(1), [5, 4]).Constant);
        Assert.NotNull(b.Expand(b.Scalar(1), [2]).Constant);
        Assert.Null(new GraphBuilder(CanonicalOperators.ComputableElements) is var other ? other.Expand(other.Scalar(1), [2000, 2000]).Constant : null);
    }

    [Theory]
    [InlineData("Range", "from 0 to 1E+18 by 1 are 1E+18 numbers; at most 16777216 are supported.")]
    [InlineData("NonZero", "input 0 ('x') is computed from the data; shapes are static, so it must be known while the graph is built.")]
    [InlineData("OneHot", "an axis of 1000000000000 is larger than what is supported, 16777216.")]
    [InlineData("Dropout", "dropout in training mode draws random numbers, which graphs here do not; export the model in evaluation mode (batch normalisation may stay in training mode).")]
    [InlineData("Pad", "mode 'mirror' is unknown; constant, reflect, edge and wrap are known.")]
    [InlineData("Resize", "antialias, exclude_outside and keep_aspect_ratio_policy are not supported.")]
    [InlineData("Einsum", "equation 'ii->i' is not supported: the term 'ii' does not name each of 2 axes once.")]
    [InlineData("Relu", "attribute 'consumed_inputs' is not supported; the operator has none.")]
    [InlineData("Elu", "attribute 'beta' is not supported; alpha are known.")]
    [InlineData("Conv", "kernel_shape is [3, 3], the kernel has [2, 2].")]
    [InlineData("AveragePool", "dilations other than 1 are not supported.")]
    [InlineData("Cast", "element type 8 is not supported; Float, UInt8, Int8, Int32, Int64, Bool, Float16, Double, BFloat16 are known.")]
    [InlineData("Split", "1000000000000 parts of an axis of 2 with 1 outputs are not possible.")]
    [InlineData("Scan", "'Scan' is not supported.")]
    public void What_is_not_supported_is_named(string op, string message)
    {
        var b = new GraphBuilder(CanonicalOperators.ComputableElements);
        var x = b.Input("x", ElementType.Float, [2, 2]);
        var image = b.Input("image", ElementType.Float, [1, 2, 4, 4]);
        Value Long(long number) => b.Constant(Tensor.FromLongs(Shape.Scalar, [number]));
        var (inputs, attributes) = op switch
        {
            "Range" => ((Value?[])[Long(0), Long(1_000_000_000_000_000_000), Long(1)], new Attributes()),
            "OneHot" => ([b.Longs(1), Long(1_000_000_000_000), b.Floats([2], [0, 1])], []),
            "Dropout" => ([x, null, b.Constant(Tensor.FromBools(Shape.Scalar, [true]))], []),
            "Pad" => ([x, b.Longs(0, 0, 1, 1)], new() { { "mode", "mirror" } }),
            "Resize" => ([image, null, b.Floats([4], [1, 1, 2, 2])], new() { { "antialias", 1L } }),
            "Einsum" => ([x], new() { { "equation", "ii->i" } }),
            "Relu" => ([x], new() { { "consumed_inputs", 1L } }),
            "Elu" => ([x], new() { { "beta", 1f } }),
            "Conv" => ([image, b.Parameter("w", [1, 2, 2, 2])], new() { { "kernel_shape", new long[] { 3, 3 } } }),
            "AveragePool" => ([image], new() { { "kernel_shape", new long[] { 2, 2 } }, { "dilations", new long[] { 2, 1 } } }),
            "Cast" => ([x], new() { { "to", 8L } }),
            "Split" => ([x], new() { { "num_outputs", 1_000_000_000_000L } }),
            _ => ((Value?[])[x], []),
        };
        Assert.Equal(message, Assert.Throws<GraphException>(() => CanonicalOperators.Add(b, new ForeignNode("node", op, "", 18, inputs, attributes, 1))).Message);
    }

    private static Attributes One => new() { { "value", Tensor.FromLongs([1], [1]) } };

    private static Value Node(GraphBuilder b, string op, long opset, Value input, Attributes? attributes = null) =>
        CanonicalOperators.Add(b, new ForeignNode("node", op, "", opset, [input], attributes ?? [], 1))[0];
}
