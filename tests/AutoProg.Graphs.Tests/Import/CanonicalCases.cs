namespace AutoProg.Graphs.Tests.Import;

/// <summary>The table of what becomes of nodes in model files: every form in which opsets 13 to 23 write an operator.</summary>
internal static class CanonicalCases
{
    private static readonly CanonicalCase[] Constants =
    [
        new("Constant", 13) { Attributes = new() { { "value", Floats([2], 1, 2) } } },
        new("Constant", 13) { Attributes = new() { { "value_float", 1.5f } }, Note = "number" },
        new("Constant", 13) { Attributes = new() { { "value_floats", new[] { 1f, 2f } } }, Note = "numbers" },
        new("Constant", 13) { Attributes = new() { { "value_int", 3L } }, Note = "integer" },
        new("Constant", 13) { Attributes = new() { { "value_ints", new long[] { 3, 4 } } }, Note = "integers" },
        new("ConstantOfShape", 13, Longs(2, 3)),
        new("ConstantOfShape", 20, Longs(2, 3)) { Attributes = new() { { "value", Tensor.FromLongs([1], [7]) } }, Note = "of integers" },
        new("Shape", 13, Of(2, 3, 4)),
        new("Shape", 15, Of(2, 3, 4)) { Attributes = new() { { "start", 1L } }, Note = "from an axis on" },
        new("Shape", 21, Of(2, 3, 4)) { Attributes = new() { { "start", -5L }, { "end", -1L } }, Note = "up to an axis" },
        new("Size", 13, Of(2, 3, 4)),
        new("Range", 13, Scalar(5), Scalar(-4), Scalar(-2)),
        new("Range", 13, Tensor.Scalar(ElementType.Float, 1), Tensor.Scalar(ElementType.Float, 2), Tensor.Scalar(ElementType.Float, 0.3)) { Note = "of numbers" },
        new("Range", 13, Scalar(3), Scalar(3), Scalar(1)) { Note = "of nothing" },
        new("NonZero", 13, Floats([2, 3], 0, 1, 0, 2, 3, 0)),
        new("EyeLike", 13, Of(3, 4)) { Attributes = new() { { "k", 1L } } },
        new("EyeLike", 13, Of(3, 2)) { Attributes = new() { { "dtype", (long)ElementType.Int64 } }, Note = "of integers" },
        new("OneHot", 13, Longs(1, -1, 3, 9), Scalar(4), Floats([2], 0.5f, 2)),
        new("OneHot", 13, Tensor.FromLongs([2, 2], [1, 0, 2, 1]), Longs(3), Tensor.FromLongs([2], [0, 1])) { Attributes = new() { { "axis", 1L } }, Note = "in the middle" },
    ];

    private static readonly CanonicalCase[] Microsoft =
    [
        new("FusedMatMul", 17, Of(2, 3, 4), Of(2, 5, 4)) { Attributes = new() { { "transB", 1L }, { "alpha", 0.5f } } },
        new("FusedMatMul", 17, Of(4, 3), Of(4, 5)) { Attributes = new() { { "transA", 1L } }, Note = "of matrices" },
        new("Gelu", 17, Of(2, 3)),
        new("FastGelu", 17, Of(2, 3)),
        new("FastGelu", 17, Of(2, 3), Of(3)) { Note = "with a bias" },
        new("QuickGelu", 17, Of(2, 3)) { Attributes = new() { { "alpha", 1.5f } } },
    ];

    private static readonly CanonicalCase[] Elementwise =
    [
        new("Sum", 13, Of(2, 3), Of(3), Of(2, 1)),
        new("Sum", 13, Of(2, 3)) { Note = "of one" },
        new("Mean", 13, Of(2, 3), Of(3), Of(2, 1)),
        new("Pow", 13, Of(2, 3), Tensor.FromLongs(Shape.Scalar, [2])),
        new("Gelu", 20, Of(2, 3)),
        new("Gelu", 20, Of(2, 3)) { Attributes = new() { { "approximate", "tanh" } }, Note = "tanh" },
        new("Celu", 13, Of(2, 3)) { Attributes = new() { { "alpha", 0.7f } } },
        new("Mish", 18, Of(2, 3)),
        new("Cast", 13, Of(2, 3)) { Attributes = new() { { "to", (long)ElementType.Int64 } } },
        new("Cast", 19, Of(2, 3)) { Attributes = new() { { "to", (long)ElementType.Bool }, { "saturate", 1L } }, Note = "saturating" },
        new("CastLike", 15, Longs(1, 2), Of(1)),
        new("Dropout", 13, Of(2, 3)) { Outputs = 2, Compared = 2 },
        new("Dropout", 22, Of(2, 3), Tensor.Scalar(ElementType.Float, 0.5), Tensor.FromBools(Shape.Scalar, [false])) { Note = "told not to train" },
        new("Dropout", 13, Of(2, 3), Tensor.Scalar(ElementType.Float, 0), Tensor.FromBools(Shape.Scalar, [true])) { Note = "of nothing" },
    ];

    private static readonly CanonicalCase[] Layout =
    [
        new("Flatten", 13, Of(2, 3, 4)),
        new("Flatten", 21, Of(2, 3, 4)) { Attributes = new() { { "axis", -1L } }, Note = "from behind" },
        new("Flatten", 13, Of(2, 3, 4)) { Attributes = new() { { "axis", 0L } }, Note = "to a row" },
        new("Flatten", 13, Of(2, 3, 4)) { Attributes = new() { { "axis", 3L } }, Note = "to a column" },
        new("Split", 13, Of(2, 6)) { Attributes = new() { { "axis", 1L } }, Outputs = 3, Compared = 3 },
        new("Split", 13, Of(2, 6), Longs(1, 5)) { Attributes = new() { { "axis", -1L } }, Outputs = 2, Compared = 2, Note = "to sizes" },
        new("Split", 18, Of(7, 2)) { Attributes = new() { { "num_outputs", 3L } }, Outputs = 3, Compared = 3, Note = "to a number" },
        new("Split", 13, Longs(1, 2, 3, 4)) { Outputs = 2, Compared = 2, Note = "of a constant" },
        new("Pad", 13, Of(2, 3), Longs(0, 1, 2, 0), Tensor.Scalar(ElementType.Float, 3)),
        new("Pad", 18, Of(2, 3), Longs(1, -1), null, Longs(-1)) { Note = "of one axis" },
        new("Pad", 13, Of(2, 3, 5), Longs(0, 2, 4, 0, 1, 3)) { Attributes = new() { { "mode", "reflect" } }, Note = "reflect" },
        new("Pad", 13, Of(2, 3), Longs(0, 5, 2, 1)) { Attributes = new() { { "mode", "edge" } }, Note = "edge" },
        new("Pad", 19, Of(2, 3), Longs(0, 2, 1, 3)) { Attributes = new() { { "mode", "wrap" } }, Note = "wrap" },
        new("DepthToSpace", 13, Of(2, 12, 2, 3)) { Attributes = new() { { "blocksize", 2L } } },
        new("DepthToSpace", 13, Of(2, 12, 2, 3)) { Attributes = new() { { "blocksize", 2L }, { "mode", "CRD" } }, Note = "channels first" },
        new("SpaceToDepth", 13, Of(2, 3, 4, 6)) { Attributes = new() { { "blocksize", 2L } } },
    ];

    private static readonly CanonicalCase[] Reductions =
    [
        .. new[] { "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSumSquare", "ReduceL1", "ReduceL2", "ReduceLogSumExp" }.SelectMany(op => (CanonicalCase[])
        [
            new(op, 13, Of(2, 3, 4)) { Attributes = new() { { "axes", new long[] { -1, 0 } }, { "keepdims", 0L } }, Note = "with an attribute" },
            new(op, 18, Of(2, 3, 4), Longs(1)) { Note = "with an input" },
            new(op, 13, Of(2, 3, 4)) { Note = "of everything" },
        ]),
        new("ReduceLogSum", 18, Floats([2, 2], 1, 2, 3, 4), Longs(1)),
        new("ReduceSum", 13, Of(2, 3, 4), Longs(1, 2)) { Attributes = new() { { "keepdims", 0L } } },
        new("ReduceSum", 13, Of(2, 3, 4), Longs()) { Attributes = new() { { "noop_with_empty_axes", 1L } }, Note = "of nothing" },
        new("LpNormalization", 13, Of(2, 3)),
        new("LpNormalization", 22, Of(2, 3)) { Attributes = new() { { "axis", 0L }, { "p", 1L } }, Note = "of absolute values" },
        new("LpNormalization", 13, Floats([2, 2], 0, 0, 3, 4)) { Note = "of zeros" },
        new("TopK", 13, Of(2, 5), Longs(2)) { Outputs = 2, Compared = 2 },
        new("TopK", 13, Of(5, 2), Longs(3)) { Attributes = new() { { "axis", 0L }, { "largest", 0L } }, Outputs = 2, Compared = 1, Note = "smallest" },
    ];

    private static readonly CanonicalCase[] Normalizations =
    [
        new("LayerNormalization", 17, Of(2, 3, 4), Of(4), Of(4)) { Outputs = 3, Compared = 3 },
        new("LayerNormalization", 17, Of(2, 3, 4), Of(3, 4)) { Attributes = new() { { "axis", 1L }, { "epsilon", 1e-3f } }, Outputs = 2, Compared = 2, Note = "of two axes" },
        new("InstanceNormalization", 13, Of(2, 3, 4, 5), Of(3), Of(3)) { Attributes = new() { { "epsilon", 1e-3f } } },
        new("InstanceNormalization", 22, Of(2, 3, 4), Of(3), Of(3)) { Note = "of one axis" },
        new("GroupNormalization", 18, Of(2, 6, 4, 5), Of(3), Of(3)) { Attributes = new() { { "num_groups", 3L } } },
        new("GroupNormalization", 21, Of(2, 6, 4), Of(6), Of(6)) { Attributes = new() { { "num_groups", 3L }, { "epsilon", 1e-3f } }, Note = "with numbers per channel" },
        new("RMSNormalization", 23, Of(2, 3, 4), Of(4)),
        new("RMSNormalization", 23, Of(2, 3, 4), Of(3, 4)) { Attributes = new() { { "axis", 1L }, { "epsilon", 1e-3f } }, Note = "of two axes" },
    ];

    private static readonly CanonicalCase[] Windows =
    [
        new("Conv", 13, Of(2, 4, 5, 6), Of(6, 2, 3, 2), Of(6)) { Attributes = Sliding(("group", [2]), ("pads", [1, 0, 1, 2]), ("strides", [2, 1]), ("dilations", [1, 2])) },
        new("Conv", 22, Of(2, 3, 4, 6), Of(5, 3, 2, 2)) { Attributes = Sliding(("strides", [2, 2])), Note = "of patches" },
        new("Conv", 13, Of(2, 3, 5), Of(4, 3, 3)) { Attributes = new() { { "auto_pad", "SAME_UPPER" }, { "strides", new long[] { 2 } } }, Note = "of the same size" },
        new("Conv", 13, Of(2, 3, 5), Of(4, 3, 3)) { Attributes = new() { { "auto_pad", "VALID" }, { "kernel_shape", new long[] { 3 } } }, Note = "VALID" },
        new("ConvTranspose", 13, Of(2, 4, 3, 4), Of(4, 2, 3, 2), Of(4)) { Attributes = Sliding(("group", [2]), ("pads", [1, 0, 1, 0]), ("strides", [2, 2]), ("output_padding", [1, 0])) },
        new("ConvTranspose", 22, Of(2, 3, 4, 4), Of(3, 2, 3, 3)) { Attributes = Sliding(("strides", [2, 2]), ("output_shape", [8, 9])), Note = "to a shape" },
        new("ConvTranspose", 13, Of(2, 3, 4), Of(3, 2, 3)) { Attributes = new() { { "auto_pad", "SAME_UPPER" }, { "strides", new long[] { 2 } } }, Note = "SAME_UPPER" },
        new("ConvTranspose", 13, Of(2, 3, 4), Of(3, 2, 3)) { Attributes = new() { { "auto_pad", "SAME_LOWER" }, { "strides", new long[] { 2 } } }, Note = "SAME_LOWER" },
        new("MaxPool", 13, Of(2, 3, 7, 8)) { Attributes = Sliding(("kernel_shape", [3, 2]), ("pads", [1, 0, 1, 1]), ("strides", [2, 2]), ("ceil_mode", [1])), Outputs = 2, Compared = 2 },
        new("MaxPool", 22, Of(2, 3, 7, 8)) { Attributes = Sliding(("kernel_shape", [2, 2]), ("dilations", [2, 3])), Note = "dilated" },
        new("MaxPool", 13, Of(2, 3, 7)) { Attributes = new() { { "kernel_shape", new long[] { 2 } }, { "strides", new long[] { 2 } }, { "auto_pad", "SAME_UPPER" } }, Note = "SAME_UPPER" },
        new("AveragePool", 13, Of(2, 3, 7, 8)) { Attributes = Sliding(("kernel_shape", [3, 2]), ("pads", [1, 0, 1, 1]), ("strides", [2, 2]), ("count_include_pad", [1])) },
        new("AveragePool", 19, Of(2, 3, 7, 8)) { Attributes = Sliding(("kernel_shape", [3, 3]), ("pads", [1, 1, 1, 1]), ("strides", [2, 2]), ("ceil_mode", [1]), ("dilations", [1, 1])), Note = "ceiling" },
        new("AveragePool", 22, Of(2, 3, 6, 8)) { Attributes = Sliding(("kernel_shape", [3, 3]), ("pads", [1, 1, 1, 1]), ("strides", [2, 2]), ("ceil_mode", [1]), ("count_include_pad", [1])), Note = "ceiling, pads counted" },
        new("GlobalMaxPool", 13, Of(2, 3, 4, 5)),
        new("GlobalMaxPool", 22, Of(2, 3, 4)) { Note = "of one axis" },
    ];

    private static readonly CanonicalCase[] Sampling =
    [
        .. from mode in (string[])["nearest", "linear", "cubic"]
           from coordinates in (string[])["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]
           from scales in (float[][])[[2, 3], [0.6f, 1.7f]]
           select new CanonicalCase("Resize", 13, Of(2, 1, 5, 4), null, Floats([4], 1, 1, scales[0], scales[1]))
           {
               Attributes = new() { { "mode", mode }, { "coordinate_transformation_mode", coordinates }, { "nearest_mode", "floor" } },
               Note = $"{mode} {coordinates} {scales[0]} {scales[1]}",
           },
        .. from rounding in (string[])["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]
           select new CanonicalCase("Resize", 18, Of(2, 1, 5, 4), null, null, Longs(2, 1, 8, 6)) { Attributes = new() { { "nearest_mode", rounding } }, Note = $"to sizes, {rounding}" },
        new("Resize", 19, Of(2, 1, 5, 4), null, Floats([4], 1, 1, 1.5f, 0.7f)) { Attributes = new() { { "mode", "linear" }, { "coordinate_transformation_mode", "half_pixel_symmetric" } }, Note = "half_pixel_symmetric" },
        new("Resize", 18, Of(2, 3, 4, 2), null, null, Longs(7, 6)) { Attributes = new() { { "axes", new long[] { 1, 2 } }, { "mode", "linear" } }, Note = "of two axes" },
        new("Resize", 13, Of(1, 1, 4, 4), Floats([0]), Floats([0]), Longs(1, 1, 7, 9)) { Attributes = new() { { "mode", "cubic" }, { "cubic_coeff_a", -0.5f } }, Note = "with another cubic" },
    ];

    private static readonly CanonicalCase[] Products =
    [
        Einsum("ij,jk->ik", Of(2, 3), Of(3, 4)),
        Einsum("bhid,bhjd->bhij", Of(2, 3, 4, 5), Of(2, 3, 6, 5)),
        Einsum("bijc, bijkc -> bijk", Of(2, 3, 2, 5), Of(2, 3, 2, 4, 5)),
        Einsum("...ij,...jk->...ik", Of(2, 3, 4), Of(2, 4, 5)),
        Einsum("b...d,de->...be", Of(2, 3, 4), Of(4, 5)),
        Einsum("ij,kj", Of(2, 3), Of(4, 3)),
        Einsum("ij->ji", Of(2, 3)),
        Einsum("ijk->j", Of(2, 3, 4)),
        Einsum("i,j->ij", Of(2), Of(3)),
        Einsum("i,i->", Of(3), Of(3)),
        Einsum("ij,jk,kl->il", Of(2, 3), Of(3, 4), Of(4, 5)),
        Einsum("bn,bnc->bc", Of(2, 3), Of(2, 3, 4)),
        Einsum("ij,ij->ij", Of(2, 3), Of(2, 3)),
    ];

    public static IReadOnlyDictionary<string, CanonicalCase> All { get; } =
        new IEnumerable<CanonicalCase>[] { Constants, Microsoft.Select(static c => c with { Domain = GraphBuilder.MicrosoftDomain }), Elementwise, Layout, Reductions, Normalizations, Windows, Sampling, Products }.SelectMany(c => c).ToDictionary(c => c.Name, StringComparer.Ordinal);

    private static CanonicalCase Einsum(string equation, params Shape[] operands) =>
        new("Einsum", 13, [.. operands]) { Attributes = new() { { "equation", equation } }, Note = equation };

    private static Attributes Sliding(params (string Name, long[] Values)[] settings)
    {
        var attributes = new Attributes();
        foreach (var (name, values) in settings)
        {
            if (name is "group" or "ceil_mode" or "count_include_pad")
            {
                attributes.Add(name, values[0]);
            }
            else
            {
                attributes.Add(name, values);
            }
        }

        return attributes;
    }

    private static Shape Of(params long[] dims) => Shape.Of(dims);

    private static Tensor Longs(params long[] values) => Tensor.FromLongs([values.Length], values);

    private static Tensor Scalar(long value) => Tensor.FromLongs(Shape.Scalar, [value]);

    private static Tensor Floats(Shape shape, params float[] values) => Tensor.FromFloats(shape, values);
}
