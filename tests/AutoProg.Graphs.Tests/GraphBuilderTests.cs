namespace AutoProg.Graphs.Tests;

public sealed class GraphBuilderTests
{
    private readonly GraphBuilder b = new();

    public static TheoryData<string, string> Mistakes => new()
    {
        { "broadcast", "node 'Add' (Add), inputs Float[2, 3], Float[2]: [2, 3] and [2] do not broadcast: 3 against 2." },
        { "types", "node 'Mul' (Mul), inputs Float[2, 3], Int64[1]: element types differ: x: Float[2, 3] and const: Int64[1]." },
        { "inner", "node 'MatMul' (MatMul), inputs Float[2, 3], Float[2, 3]: inner sizes differ: 3 and 2." },
        { "gemm rank", "node 'Gemm' (Gemm), inputs Float[2], Float[2, 3]: Gemm multiplies matrices; reshape to rank 2." },
        { "gemm bias", "node 'Gemm' (Gemm), inputs Float[2, 3], Float[2, 3], Float[2, 3]: C [2, 3] does not broadcast to [2, 2]." },
        { "reshape", "node 'Reshape' (Reshape), inputs Float[2, 3], Int64[1]: [2, 3] has 6 elements, [5] has 5." },
        { "permutation", "node 'Transpose' (Transpose), inputs Float[2, 3]: [0, 0] is no permutation of the axes of [2, 3]." },
        { "axis", "node 'Softmax' (Softmax), inputs Float[2, 3]: Axis 2 is outside shape [2, 3] of rank 2; use -2..1. (Parameter 'axis')\nActual value was 2." },
        { "shape", "node 'Reshape' (Reshape), inputs Float[2, 3], Int64[1]: node 'Reshape' (Reshape): input 1 ('shape') must be a constant, because shapes are static." },
        { "unknown", "No shape rule for 'Frobnicate' (node 'Frobnicate'). Add it to its family under Operators." },
        { "channels", "node 'Conv' (Conv), inputs Float[1, 3, 8, 8], Float[4, 2, 3, 3]: kernel [4, 2, 3, 3] in 1 groups does not fit 3 channels; [out, channels / groups, ...] is needed, out a multiple of groups." },
        { "window", "node 'AveragePool' (AveragePool), inputs Float[1, 3, 8, 8]: a window of 9 does not fit 8 pixels padded by 0 and 0." },
        { "concat", "node 'Concat' (Concat), inputs Float[2, 3], Float[2]: vector: Float[2] does not fit x: Float[2, 3] along axis 1." },
        { "split", "node 'Split' (Split), inputs Float[2, 3], Int64[2]: parts sum to 4, the axis has 3." },
        { "copied", "node 'Reshape' (Reshape), inputs Float[2, 3], Int64[3]: dimension 2 is to be copied from [2, 3], which has none." },
        { "unsqueeze", "node 'Unsqueeze' (Unsqueeze), inputs Float[2, 3], Int64[1]: axes [5] cannot be inserted into [2, 3]; 1 different ones in -3..2 are needed." },
        { "strides", "node 'MaxPool' (MaxPool), inputs Float[1, 3, 8, 8]: strides is [0, 2]; 2 entries of at least 1 are needed." },
        { "image rank", "node 'MaxPool' (MaxPool), inputs Float[2, 3]: a kernel of 2 axes does not fit an image of shape [2, 3]; [batch, channels, 2 axes] is needed." },
        { "resize", "'x' has shape [2, 3]; [batch, channels, height, width] is needed to resize." },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_reported_where_it_is_made(string mistake, string message)
    {
        var x = b.Input("x", ElementType.Float, [2, 3]);
        var vector = b.Input("vector", ElementType.Float, [2]);
        var image = b.Input("image", ElementType.Float, [1, 3, 8, 8]);
        Action make = mistake switch
        {
            "broadcast" => () => b.Add(x, vector),
            "types" => () => b.Mul(x, b.Longs(1)),
            "inner" => () => b.MatMul(x, x),
            "gemm rank" => () => b.Gemm(vector, x),
            "gemm bias" => () => b.Gemm(x, x, x, transB: true),
            "reshape" => () => b.Reshape(x, [5]),
            "permutation" => () => b.Transpose(x, 0, 0),
            "axis" => () => b.Softmax(x, 2),
            "shape" => () => b.Add("Reshape", [x, b.Input("shape", ElementType.Int64, [1])]),
            "unknown" => () => b.Add("Frobnicate", [x]),
            "channels" => () => b.Conv(image, b.Parameter("kernel", [4, 2, 3, 3])),
            "window" => () => b.AveragePool(image, [9, 9]),
            "concat" => () => b.Concat(1, x, vector),
            "copied" => () => b.Add("Reshape", [x, b.Longs(2, 3, 0)]),
            "unsqueeze" => () => b.Unsqueeze(x, 5),
            "strides" => () => b.MaxPool(image, [2, 2], [0, 2]),
            "image rank" => () => b.MaxPool(x, [2, 2]),
            "resize" => () => b.Resize2D(x, 2, 2, ResizeMode.Linear),
            "split" => () => b.Split(x, 1, 2, 2),
            _ => throw new ArgumentOutOfRangeException(nameof(mistake)),
        };
        Assert.Equal(message, Assert.Throws<GraphException>(make).Message.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void Names_carry_the_open_scopes()
    {
        var x = b.Input("x", ElementType.Float, [2]);
        using (b.Scope("blocks.0"))
        {
            using (b.Scope("mlp"))
            {
                Assert.Equal("blocks.0.mlp.weight", b.Parameter("weight", [2]).Name);
                Assert.Equal("blocks.0.mlp/Exp", b.Exp(x).Producer!.Name);
            }

            Assert.Equal("blocks.0/Exp", b.Exp(x).Producer!.Name);
        }

        Assert.Equal("Exp", b.Exp(x).Producer!.Name);
        Assert.Equal("Exp_2", b.Exp(x).Producer!.Name);
        Assert.Equal("Exp_3", b.Exp(x).Producer!.Name);
    }

    [Fact]
    public void A_name_is_given_once()
    {
        b.Input("x", ElementType.Float, [2]);
        Assert.Equal("The name 'x' is taken.", Assert.Throws<GraphException>(() => b.Parameter("x", [2])).Message);
        Assert.Equal("The output name 'x' is taken.", Assert.Throws<GraphException>(() => b.Output("x", b.Scalar(1))).Message);
    }

    [Fact]
    public void Equal_constants_are_one_value()
    {
        Assert.Same(b.Scalar(2), b.Scalar(2));
        Assert.NotSame(b.Scalar(0f), b.Scalar(-0f));
        Assert.NotSame(b.Longs(1), b.Constant(Tensor.FromLongs(Shape.Scalar, [1])));
    }

    [Fact]
    public void Graphs_print_as_text()
    {
        var x = b.Input("x", ElementType.Float, [2, 3]);
        var y = b.Gemm(x, b.Parameter("weight", [4, 3]), transB: true);
        var parts = b.Split(b.Scale(y, 0.5), 1, 1, 3);
        b.Output("first", parts[0]);
        Assert.Equal(
            """
            input x: Float[2, 3]
            parameter weight: Float[4, 3]
            Gemm = Gemm(x, weight) alpha=1 beta=1 transA=0 transB=1 : Float[2, 4]
            Mul = Mul(Gemm, 0.5) : Float[2, 4]
            Split:0, Split:1 = Split(Mul, {1, 3}) axis=1 : Float[2, 1], Float[2, 3]
            output first = Split:0

            """.ReplaceLineEndings("\n"),
            GraphText.Of(b.Build()));
    }
}
