namespace AutoProg.Graphs;

/// <content>Convolutions, pools and resampling of images [batch, channels, height, width] (one spatial axis, or more than two, where ONNX allows it).</content>
public sealed partial class GraphBuilder
{
    /// <summary>Convolution.</summary>
    /// <param name="x">[N, C, size].</param>
    /// <param name="w">[M, C / groups, kernel].</param>
    /// <param name="bias">[M].</param>
    /// <param name="strides">Per spatial axis; 1 if left out.</param>
    /// <param name="pads">Zeros before each spatial axis, then after each; 0 if left out.</param>
    /// <param name="dilations">Per spatial axis; 1 if left out.</param>
    /// <param name="groups">Groups of channels.</param>
    /// <returns>[N, M, windows].</returns>
    /// <exception cref="GraphException">The shapes do not fit.</exception>
    public Value Conv(Value x, Value w, Value? bias = null, long[]? strides = null, long[]? pads = null, long[]? dilations = null, int groups = 1)
    {
        ArgumentNullException.ThrowIfNull(w);
        return Single("Conv", bias is null ? [x, w] : [x, w, bias], Sliding([.. w.Shape.Skip(2)], strides, pads, dilations, groups));
    }

    /// <summary>The adjoint of <see cref="Conv"/> with respect to its image, for a kernel [C, M / groups, kernel].</summary>
    /// <returns>[N, M, stride (size - 1) + outputPadding + dilation (kernel - 1) + 1 - pads].</returns>
    /// <exception cref="GraphException">The shapes do not fit.</exception>
    public Value ConvTranspose(
        Value x, Value w, Value? bias = null, long[]? strides = null, long[]? pads = null, long[]? dilations = null, long[]? outputPadding = null, int groups = 1)
    {
        ArgumentNullException.ThrowIfNull(w);
        var attributes = Sliding([.. w.Shape.Skip(2)], strides, pads, dilations, groups);
        if (outputPadding is not null)
        {
            attributes.Add("output_padding", outputPadding);
        }

        return Single("ConvTranspose", bias is null ? [x, w] : [x, w, bias], attributes);
    }

    /// <summary>Means of windows.</summary>
    /// <param name="x">[N, C, size].</param>
    /// <param name="kernel">Per spatial axis.</param>
    /// <param name="strides">Per spatial axis; 1 if left out, as ONNX has it (PyTorch: the kernel).</param>
    /// <param name="pads">Before each spatial axis, then after each; 0 if left out.</param>
    /// <param name="countPadding">Whether padding counts as zeros that are averaged.</param>
    /// <param name="ceiling">Whether a last window may hang over the end.</param>
    /// <exception cref="GraphException">The shapes do not fit.</exception>
    public Value AveragePool(Value x, long[] kernel, long[]? strides = null, long[]? pads = null, bool countPadding = false, bool ceiling = false)
    {
        var attributes = Pooling(kernel, strides, pads, ceiling);
        attributes.Add("count_include_pad", countPadding);
        return Single("AveragePool", [x], attributes);
    }

    /// <summary>Maxima of windows; parameters as in <see cref="AveragePool"/>. The places of the maxima are an output too, for the gradient.</summary>
    /// <exception cref="GraphException">The shapes do not fit.</exception>
    public Value MaxPool(Value x, long[] kernel, long[]? strides = null, long[]? pads = null, bool ceiling = false) =>
        Add("MaxPool", [x], Pooling(kernel, strides, pads, ceiling), outputCount: 2)[0];

    /// <summary>Mean over all spatial axes, which stay with size 1.</summary>
    public Value GlobalAveragePool(Value x) => Single("GlobalAveragePool", [x]);

    /// <summary>Resamples images by a matrix product along each spatial axis: see <see cref="ResizeMatrix"/>.</summary>
    /// <param name="x">[N, C, H, W].</param>
    /// <param name="height">New height.</param>
    /// <param name="width">New width.</param>
    /// <param name="mode">Interpolation.</param>
    /// <param name="scaleHeight">Ratio of new to old coordinates; height / H if left out.</param>
    /// <param name="scaleWidth">Ratio of new to old coordinates; width / W if left out.</param>
    /// <returns>[N, C, height, width].</returns>
    /// <exception cref="GraphException">The input is not of rank 4.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A size or ratio is not positive.</exception>
    public Value Resize2D(Value x, long height, long width, ResizeMode mode, double? scaleHeight = null, double? scaleWidth = null)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.Shape.Rank != 4)
        {
            throw new GraphException($"'{x.Name}' has shape {x.Shape}; [batch, channels, height, width] is needed to resize.");
        }

        var rows = Constant(Tensor.FromDoubles(x.Type, [height, x.Shape[2]], ResizeMatrix.Of(x.Shape[2], height, mode, scaleHeight)));
        var columns = Constant(Tensor.FromDoubles(x.Type, [width, x.Shape[3]], ResizeMatrix.Of(x.Shape[3], width, mode, scaleWidth)));
        return MatMul(rows, FusedMatMul(x, columns, transB: true));
    }

    private static Attributes Sliding(long[] kernel, long[]? strides, long[]? pads, long[]? dilations, int groups) => new()
    {
        { "dilations", dilations ?? Ones(kernel) },
        { "group", groups },
        { "kernel_shape", kernel },
        { "pads", pads ?? new long[2 * kernel.Length] },
        { "strides", strides ?? Ones(kernel) },
    };

    private static Attributes Pooling(long[] kernel, long[]? strides, long[]? pads, bool ceiling)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        return new()
        {
            { "ceil_mode", ceiling },
            { "kernel_shape", kernel },
            { "pads", pads ?? new long[2 * kernel.Length] },
            { "strides", strides ?? Ones(kernel) },
        };
    }

    private static long[] Ones(long[] kernel) => [.. kernel.Select(_ => 1L)];
}
