namespace AutoProg.Graphs.Import;

/// <summary>
/// Normalisations of layers, instances and groups: all are a layer normalisation of rows, for which ONNX Runtime has a kernel and the gradient is known.
/// </summary>
internal static class CanonicalNormalization
{
    public static IReadOnlyDictionary<string, CanonicalRule> Rules { get; } = new Dictionary<string, CanonicalRule>(StringComparer.Ordinal)
    {
        ["LayerNormalization"] = LayerNormalization,
        ["InstanceNormalization"] = static (b, n) => [PerChannel(b, Plain(b, n.Input(0), n.Input(0).Shape[1], Epsilon(n)), n.Input(1), n.Input(2))],
        ["GroupNormalization"] = GroupNormalization,
        ["RMSNormalization"] = static (b, n) => [RootMeanSquare(b, n)],
    };

    private static float Epsilon(ForeignNode n) => n.Attributes.Float("epsilon", 1e-5f);

    /// <summary>Over all axes from one on, which become one. Statistics are outputs, too.</summary>
    private static Value[] LayerNormalization(GraphBuilder b, ForeignNode n)
    {
        var x = n.Input(0);
        var axis = x.Shape.Axis(n.Attributes.Int("axis", -1));
        Shape inner = Shape.Of([.. x.Shape.Skip(axis)]);
        Value Row(Value v) => b.Reshape(v.Shape.ElementCount == inner.ElementCount ? v : b.Expand(v, inner), [inner.ElementCount]);
        var rows = b.Reshape(x, Shape.Of([.. x.Shape.Take(axis), inner.ElementCount]));
        var result = b.LayerNormalization(rows, Row(n.Input(1)), n.OptionalInput(2) is { } bias ? Row(bias) : null, Epsilon(n));
        var statistics = Shape.Of([.. x.Shape.Take(axis), .. inner.Select(static _ => 1L)]);
        return [b.Reshape(result, x.Shape), .. result.Producer!.Outputs.Skip(1).Select(s => b.Reshape(s, statistics))];
    }

    /// <summary>Scale and bias are numbers per group up to opset 20, per channel from 21 on.</summary>
    private static Value[] GroupNormalization(GraphBuilder b, ForeignNode n)
    {
        var (x, groups) = (n.Input(0), n.Attributes.Int("num_groups", 0));
        if (x.Shape.Rank < 3 || groups < 1 || x.Shape[1] % groups != 0)
        {
            throw new GraphException($"{groups} groups do not divide the channels of {x.Shape}.");
        }

        var channels = x.Shape[1];
        Value OfChannels(Value v) => v.Shape[0] == channels ? v : b.Reshape(b.Expand(b.Reshape(v, [groups, 1]), [groups, channels / groups]), [channels]);
        return [PerChannel(b, Plain(b, x, groups, Epsilon(n)), OfChannels(n.Input(1)), OfChannels(n.Input(2)))];
    }

    /// <summary>Each of some equal parts of every sample without mean and with variance 1.</summary>
    private static Value Plain(GraphBuilder b, Value x, long parts, float epsilon)
    {
        var size = x.Shape.ElementCount / Math.Max(x.Shape[0] * parts, 1);
        if (size is 0 or > CanonicalOperators.MostElements)
        {
            throw new GraphException($"{parts} parts of {x.Shape} with {size} elements each cannot be normalised; 1 to {CanonicalOperators.MostElements} are supported.");
        }

        var ones = b.Constant(Tensor.FromDoubles(x.Type, [size], [.. Enumerable.Repeat(1.0, (int)size)]));
        return b.Reshape(b.LayerNormalization(b.Reshape(x, [x.Shape[0], parts, size]), ones, null, epsilon), x.Shape);
    }

    private static Value PerChannel(GraphBuilder b, Value x, Value scale, Value bias)
    {
        var channels = Gradients.Broadcasting.PerChannel(scale.Shape, x.Shape.Rank);
        return b.Add(b.Mul(x, b.Reshape(scale, channels)), b.Reshape(bias, channels));
    }

    /// <summary>x / sqrt(mean(x^2) + epsilon) scale, the mean over all axes from one on.</summary>
    private static Value RootMeanSquare(GraphBuilder b, ForeignNode n)
    {
        var x = n.Input(0);
        long[] axes = [.. Enumerable.Range(0, x.Shape.Rank).Skip(x.Shape.Axis(n.Attributes.Int("axis", -1))).Select(static axis => (long)axis)];
        var mean = b.ReduceMean(b.Mul(x, x), axes, keepDims: true);
        return b.Mul(b.Div(x, b.Sqrt(b.Add(mean, b.ScalarLike(x, Epsilon(n))))), n.Input(1));
    }
}
