namespace AutoProg.Graphs;

/// <content>One method per operator, by family; each is ONNX's operator of that name, whose definition is not repeated here.</content>
public sealed partial class GraphBuilder
{
    // Elementwise, with broadcasting.
    public Value Add(Value a, Value b) => Single("Add", [a, b]);

    public Value Sub(Value a, Value b) => Single("Sub", [a, b]);

    public Value Mul(Value a, Value b) => Single("Mul", [a, b]);

    public Value Div(Value a, Value b) => Single("Div", [a, b]);

    public Value Pow(Value a, Value b) => Single("Pow", [a, b]);

    /// <summary>The remainder of a / b; of the sign of b for integers, of a for numbers, as in C.</summary>
    public Value Mod(Value a, Value b)
    {
        ArgumentNullException.ThrowIfNull(a);
        return Single("Mod", [a, b], new Attributes { { "fmod", a.Type.IsFloatingPoint() } });
    }

    public Value Max(params Value[] values) => Single("Max", values);

    public Value Min(params Value[] values) => Single("Min", values);

    public Value Scale(Value x, double factor) => Mul(x, ScalarLike(x, factor));

    // Elementwise, one operand.
    public Value Neg(Value x) => Single("Neg", [x]);

    public Value Abs(Value x) => Single("Abs", [x]);

    public Value Sign(Value x) => Single("Sign", [x]);

    public Value Floor(Value x) => Single("Floor", [x]);

    public Value Ceil(Value x) => Single("Ceil", [x]);

    public Value Round(Value x) => Single("Round", [x]);

    public Value Sqrt(Value x) => Single("Sqrt", [x]);

    public Value Reciprocal(Value x) => Single("Reciprocal", [x]);

    public Value Exp(Value x) => Single("Exp", [x]);

    public Value Log(Value x) => Single("Log", [x]);

    public Value Sin(Value x) => Single("Sin", [x]);

    public Value Cos(Value x) => Single("Cos", [x]);

    public Value Tan(Value x) => Single("Tan", [x]);

    public Value Asin(Value x) => Single("Asin", [x]);

    public Value Acos(Value x) => Single("Acos", [x]);

    public Value Atan(Value x) => Single("Atan", [x]);

    public Value Sinh(Value x) => Single("Sinh", [x]);

    public Value Cosh(Value x) => Single("Cosh", [x]);

    public Value Asinh(Value x) => Single("Asinh", [x]);

    public Value Acosh(Value x) => Single("Acosh", [x]);

    public Value Atanh(Value x) => Single("Atanh", [x]);

    public Value Erf(Value x) => Single("Erf", [x]);

    public Value Tanh(Value x) => Single("Tanh", [x]);

    public Value Sigmoid(Value x) => Single("Sigmoid", [x]);

    public Value Softplus(Value x) => Single("Softplus", [x]);

    public Value Softsign(Value x) => Single("Softsign", [x]);

    public Value Relu(Value x) => Single("Relu", [x]);

    /// <summary>x Phi(x) with the exact normal distribution function (the <c>erf</c> form).</summary>
    public Value Gelu(Value x) => Single("Gelu", [x], domain: MicrosoftDomain);

    /// <summary>x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): the <c>tanh</c> form.</summary>
    public Value FastGelu(Value x) => Single("FastGelu", [x], domain: MicrosoftDomain);

    /// <summary>x sigmoid(alpha x); SiLU for alpha 1.</summary>
    public Value QuickGelu(Value x, float alpha = 1.702f) => Single("QuickGelu", [x], new Attributes { { "alpha", alpha } }, MicrosoftDomain);

    public Value LeakyRelu(Value x, float alpha = 0.01f) => Single("LeakyRelu", [x], new Attributes { { "alpha", alpha } });

    /// <summary>x where x > 0, slope x elsewhere; the slope broadcasts to x.</summary>
    public Value PRelu(Value x, Value slope) => Single("PRelu", [x, slope]);

    public Value ThresholdedRelu(Value x, float alpha = 1) => Single("ThresholdedRelu", [x], new Attributes { { "alpha", alpha } });

    public Value Selu(Value x) => Single("Selu", [x]);

    public Value Elu(Value x, float alpha = 1) => Single("Elu", [x], new Attributes { { "alpha", alpha } });

    public Value HardSigmoid(Value x, float alpha = 0.2f, float beta = 0.5f) => Single("HardSigmoid", [x], new Attributes { { "alpha", alpha }, { "beta", beta } });

    public Value HardSwish(Value x) => Single("HardSwish", [x]);

    public Value Identity(Value x) => Single("Identity", [x]);

    public Value Not(Value x) => Single("Not", [x]);

    public Value Clip(Value x, Value? low, Value? high) => Single("Clip", [x, low, high]);

    public Value IsNaN(Value x) => Single("IsNaN", [x]);

    public Value IsInf(Value x) => Single("IsInf", [x]);

    public Value Cast(Value x, ElementType to) => Single("Cast", [x], new Attributes { { "to", (long)to } });

    // Comparison and choice.
    public Value Equal(Value a, Value b) => Single("Equal", [a, b]);

    public Value Less(Value a, Value b) => Single("Less", [a, b]);

    public Value LessOrEqual(Value a, Value b) => Single("LessOrEqual", [a, b]);

    public Value Greater(Value a, Value b) => Single("Greater", [a, b]);

    public Value GreaterOrEqual(Value a, Value b) => Single("GreaterOrEqual", [a, b]);

    public Value And(Value a, Value b) => Single("And", [a, b]);

    public Value Or(Value a, Value b) => Single("Or", [a, b]);

    public Value Xor(Value a, Value b) => Single("Xor", [a, b]);

    public Value Where(Value condition, Value whenTrue, Value whenFalse) => Single("Where", [condition, whenTrue, whenFalse]);

    // Matrix products.
    public Value MatMul(Value a, Value b) => Single("MatMul", [a, b]);

    /// <summary>alpha op(a) op(b), where op transposes the last two axes if asked to.</summary>
    public Value FusedMatMul(Value a, Value b, bool transA = false, bool transB = false, float alpha = 1)
    {
        var attributes = new Attributes { { "alpha", alpha }, { "transA", transA }, { "transB", transB } };
        return Single("FusedMatMul", [a, b], attributes, MicrosoftDomain);
    }

    /// <summary>alpha op(a) op(b) + beta c on matrices; c broadcasts.</summary>
    public Value Gemm(Value a, Value b, Value? c = null, bool transA = false, bool transB = false, float alpha = 1, float beta = 1)
    {
        var attributes = new Attributes { { "alpha", alpha }, { "beta", beta }, { "transA", transA }, { "transB", transB } };
        return Single("Gemm", c is null ? [a, b] : [a, b, c], attributes);
    }

    // Layout.
    public Value Reshape(Value x, Shape shape) => x.Shape.Equals(shape) ? x : Single("Reshape", [x, Longs(shape.ToArray())]);

    public Value Transpose(Value x, params long[] permutation) => Single("Transpose", [x], new Attributes { { "perm", permutation } });

    public Value Concat(int axis, params Value[] parts) => Single("Concat", parts, new Attributes { { "axis", axis } });

    public IReadOnlyList<Value> Split(Value x, int axis, params long[] sizes) =>
        Add("Split", [x, Longs(sizes)], new Attributes { { "axis", axis } }, sizes.Length);

    /// <summary>Elements start..end-1 of one axis.</summary>
    public Value Slice(Value x, int axis, long start, long end, long step = 1) =>
        Single("Slice", step == 1 ? [x, Longs(start), Longs(end), Longs(axis)] : [x, Longs(start), Longs(end), Longs(axis), Longs(step)]);

    public Value Gather(Value x, Value indices, int axis = 0) => Single("Gather", [x, indices], new Attributes { { "axis", axis } });

    public Value GatherElements(Value x, Value indices, int axis) => Single("GatherElements", [x, indices], new Attributes { { "axis", axis } });

    public Value GatherND(Value x, Value indices) => Single("GatherND", [x, indices]);

    public Value ScatterElements(Value x, Value indices, Value updates, int axis, string reduction = "none") =>
        Single("ScatterElements", [x, indices, updates], new Attributes { { "axis", axis }, { "reduction", reduction } });

    public Value ScatterND(Value x, Value indices, Value updates, string reduction = "none") =>
        Single("ScatterND", [x, indices, updates], new Attributes { { "reduction", reduction } });

    public Value Expand(Value x, Shape shape) => Single("Expand", [x, Longs(shape.ToArray())]);

    public Value Tile(Value x, params long[] repeats) => Single("Tile", [x, Longs(repeats)]);

    /// <summary>Zero padding; amounts are given for the beginnings of all axes, then for their ends.</summary>
    public Value Pad(Value x, params long[] pads) => Single("Pad", [x, Longs(pads)]);

    /// <summary>The upper or lower triangle of the matrices of the last two axes; the diagonal counts from the main one, upwards.</summary>
    public Value Trilu(Value x, bool upper = true, long diagonal = 0) =>
        Single("Trilu", [x, Constant(Tensor.FromLongs(Shape.Scalar, [diagonal]))], new Attributes { { "upper", upper } });

    public Value Squeeze(Value x, params long[] axes) => Single("Squeeze", [x, Longs(axes)]);

    public Value Unsqueeze(Value x, params long[] axes) => Single("Unsqueeze", [x, Longs(axes)]);

    // Reductions.
    public Value ReduceSum(Value x, long[] axes, bool keepDims = false) => Reduce("ReduceSum", x, axes, keepDims);

    public Value ReduceMean(Value x, long[] axes, bool keepDims = false) => Reduce("ReduceMean", x, axes, keepDims);

    public Value ReduceMax(Value x, long[] axes, bool keepDims = false) => Reduce("ReduceMax", x, axes, keepDims);

    public Value ReduceMin(Value x, long[] axes, bool keepDims = false) => Reduce("ReduceMin", x, axes, keepDims);

    public Value ReduceSumSquare(Value x, long[] axes, bool keepDims = false) => Reduce("ReduceSumSquare", x, axes, keepDims);

    public Value ReduceProd(Value x, long[] axes, bool keepDims = false) => Reduce("ReduceProd", x, axes, keepDims);

    public Value ReduceL2(Value x, long[] axes, bool keepDims = false) => Reduce("ReduceL2", x, axes, keepDims);

    public Value ReduceLogSumExp(Value x, long[] axes, bool keepDims = false) => Reduce("ReduceLogSumExp", x, axes, keepDims);

    /// <summary>Sums of all elements up to each, or of those before it; or of all from each on, or of those behind it.</summary>
    public Value CumSum(Value x, int axis, bool exclusive = false, bool reverse = false) =>
        Single("CumSum", [x, Constant(Tensor.FromLongs(Shape.Scalar, [axis]))], new Attributes { { "exclusive", exclusive }, { "reverse", reverse } });

    public Value ArgMax(Value x, int axis, bool keepDims = false) => Single("ArgMax", [x], new Attributes { { "axis", axis }, { "keepdims", keepDims } });

    public Value ArgMin(Value x, int axis, bool keepDims = false) => Single("ArgMin", [x], new Attributes { { "axis", axis }, { "keepdims", keepDims } });

    /// <summary>The k largest or smallest elements along an axis in their order, and their places.</summary>
    public (Value Values, Value Indices) TopK(Value x, long k, int axis = -1, bool largest = true)
    {
        var results = Add("TopK", [x, Longs(k)], new Attributes { { "axis", axis }, { "largest", largest }, { "sorted", true } }, outputCount: 2);
        return (results[0], results[1]);
    }

    // Normalisation.
    public Value Softmax(Value x, int axis = -1) => Single("Softmax", [x], new Attributes { { "axis", axis } });

    public Value LogSoftmax(Value x, int axis = -1) => Single("LogSoftmax", [x], new Attributes { { "axis", axis } });

    /// <summary>Over the last axis. Mean and inverse standard deviation are outputs too, for the gradient.</summary>
    public Value LayerNormalization(Value x, Value scale, Value? bias, float epsilon) =>
        Add("LayerNormalization", bias is null ? [x, scale] : [x, scale, bias], new Attributes { { "axis", -1L }, { "epsilon", epsilon } }, outputCount: 3)[0];

    /// <summary>scale (x - mean) / sqrt(variance + epsilon) + bias with numbers per channel (axis 1): batch normalisation by statistics that are given.</summary>
    public Value BatchNormalization(Value x, Value scale, Value bias, Value mean, Value variance, float epsilon = 1e-5f) =>
        Single("BatchNormalization", [x, scale, bias, mean, variance], new Attributes { { "epsilon", epsilon } });

    /// <summary>
    /// Batch normalisation by the batch's own mean and variance per channel, through which gradients flow. It is ONNX's operator in training mode with momentum 0, whose
    /// "running" results are the statistics of this batch; in a file it stands in operators that every provider has.
    /// </summary>
    /// <param name="x">[batch, channels, ...].</param>
    /// <param name="scale">[channels].</param>
    /// <param name="bias">[channels].</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <returns>The result; the batch's mean and (population) variance, [channels].</returns>
    public (Value Result, Value Mean, Value Variance) BatchNormalizationInTraining(Value x, Value scale, Value bias, float epsilon = 1e-5f)
    {
        ArgumentNullException.ThrowIfNull(scale);
        var unused = Constant(Tensor.FromDoubles(scale.Type, scale.Shape, new double[scale.Shape.ElementCount]));
        var attributes = new Attributes { { "epsilon", epsilon }, { "momentum", 0f }, { "training_mode", true } };
        var results = Add("BatchNormalization", [x, scale, bias, unused, unused], attributes, outputCount: 3);
        return (results[0], results[1], results[2]);
    }

    private Value Reduce(string op, Value x, long[] axes, bool keepDims) => Single(op, [x, Longs(axes)], new Attributes { { "keepdims", keepDims } });
}
