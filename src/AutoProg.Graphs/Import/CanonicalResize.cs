namespace AutoProg.Graphs.Import;

/// <summary>Resampling: a product with a matrix of weights along each axis that changes, or a repetition of pixels.</summary>
internal static class CanonicalResize
{
    public static IReadOnlyDictionary<string, CanonicalRule> Rules { get; } = new Dictionary<string, CanonicalRule>(StringComparer.Ordinal)
    {
        ["Resize"] = static (b, n) => [Resize(b, n)],
    };

    private static Value Resize(GraphBuilder b, ForeignNode n)
    {
        var x = n.Input(0);
        RequireSupported(n);
        var sampling = Sampling(n);
        long[] axes = n.Attributes.Ints("axes") ?? [.. Enumerable.Range(0, x.Shape.Rank).Select(static axis => (long)axis)];
        var (scales, sizes) = (Known(n, 2)?.Doubles(), Known(n, 3)?.Longs());
        if ((scales ?? [.. (sizes ?? []).Select(static s => (double)s)]).Length != axes.Length)
        {
            throw new GraphException($"scales or sizes of {axes.Length} axes are needed.");
        }

        for (var i = 0; i < axes.Length; i++)
        {
            var axis = x.Shape.Axis(axes[i]);
            var size = sizes is null ? (long)Math.Floor(x.Shape[axis] * scales![i]) : sizes[i];
            x = size == x.Shape[axis] && scales?[i] is null or 1 ? x : Along(b, x, axis, size, sampling, scales?[i]);
        }

        return x;
    }

    private static Tensor? Known(ForeignNode n, int input) => n.OptionalInput(input) is { Shape.ElementCount: > 0 } ? n.KnownInput(input) : null;

    private static void RequireSupported(ForeignNode n)
    {
        if (n.Attributes.Flag("antialias") || n.Attributes.Flag("exclude_outside") || n.Attributes.Text("keep_aspect_ratio_policy", "stretch") != "stretch")
        {
            throw new GraphException("antialias, exclude_outside and keep_aspect_ratio_policy are not supported.");
        }

        if (!n.Input(0).Type.IsFloatingPoint())
        {
            throw new GraphException($"{n.Input(0).Type} images are not supported; cast them to Float.");
        }
    }

    private static ResizeSampling Sampling(ForeignNode n) => new(n.Attributes.Text("mode", "nearest") switch
    {
        "nearest" => ResizeMode.Nearest,
        "linear" => ResizeMode.Linear,
        "cubic" => ResizeMode.Cubic,
        var other => throw new GraphException($"mode '{UntrustedText.Shown(other)}' is unknown; nearest, linear and cubic are known."),
    })
    {
        Coordinates = n.Attributes.Text("coordinate_transformation_mode", "half_pixel") switch
        {
            "half_pixel" => ResizeCoordinates.HalfPixel,
            "half_pixel_symmetric" => ResizeCoordinates.HalfPixelSymmetric,
            "pytorch_half_pixel" => ResizeCoordinates.PytorchHalfPixel,
            "align_corners" => ResizeCoordinates.AlignCorners,
            "asymmetric" => ResizeCoordinates.Asymmetric,
            var other => throw new GraphException($"coordinate_transformation_mode '{UntrustedText.Shown(other)}' is not supported."),
        },
        Rounding = n.Attributes.Text("nearest_mode", "round_prefer_floor") switch
        {
            "round_prefer_floor" => ResizeRounding.PreferFloor,
            "round_prefer_ceil" => ResizeRounding.PreferCeiling,
            "floor" => ResizeRounding.Floor,
            "ceil" => ResizeRounding.Ceiling,
            var other => throw new GraphException($"nearest_mode '{UntrustedText.Shown(other)}' is unknown."),
        },
        Cubic = n.Attributes.Float("cubic_coeff_a", -0.75f),
    };

    private static Value Along(GraphBuilder b, Value x, int axis, long size, ResizeSampling sampling, double? scale)
    {
        var old = x.Shape[axis];
        if (old < 1 || size < 1 || size > CanonicalOperators.MostElements / old)
        {
            throw new GraphException($"an axis of {old} cannot be resized to {size}.");
        }

        var shape = x.Shape.With(axis, size);
        var (outer, inner) = (x.Shape.Take(axis).Aggregate(1L, static (a, d) => a * d), x.Shape.Skip(axis + 1).Aggregate(1L, static (a, d) => a * d));
        if (IsRepetition(sampling, old, size, scale))
        {
            return b.Reshape(b.Expand(b.Reshape(x, [outer, old, 1, inner]), [outer, old, size / old, inner]), shape);
        }

        var weights = b.Constant(Tensor.FromDoubles(x.Type, [size, old], ResizeMatrix.Of(old, size, sampling, scale)));
        return b.Reshape(inner == 1 ? b.FusedMatMul(b.Reshape(x, [outer, old]), weights, transB: true) : b.MatMul(weights, b.Reshape(x, [outer, old, inner])), shape);
    }

    /// <summary>Whether each pixel is repeated the same number of times.</summary>
    private static bool IsRepetition(ResizeSampling sampling, long old, long size, double? scale) => sampling.Mode == ResizeMode.Nearest && size % old == 0
        && Enumerable.Range(0, (int)size).All(i => Math.Clamp(sampling.Read(i, old, size, scale ?? (double)size / old).Single().Place, 0, old - 1) == i / (size / old));
}
