using static AutoProg.Graphs.Gradients.ElementwiseGradients;

namespace AutoProg.Graphs.Gradients;

/// <summary>Activations with parameters; the plain ones are among <see cref="ElementwiseGradients"/>.</summary>
internal static class ActivationGradients
{
    public static IReadOnlyDictionary<string, GradientRule> Rules { get; } = new Dictionary<string, GradientRule>(StringComparer.Ordinal)
    {
        ["LeakyRelu"] = LeakyRelu,
        ["PRelu"] = PRelu,
        ["ThresholdedRelu"] = static (b, n, dy) =>
            [Masked(b, b.Greater(n.Input(0), b.ScalarLike(n.Output, n.Attributes.Float("alpha", 1))), dy[0])],
        ["Selu"] = Selu,
        ["Elu"] = Elu,
        ["HardSigmoid"] = HardSigmoid,
        ["HardSwish"] = HardSwish,
        ["FastGelu"] = FastGelu,
        ["QuickGelu"] = QuickGelu,
    };

    /// <summary>y = x where x > 0, alpha x elsewhere.</summary>
    private static Value?[] LeakyRelu(GraphBuilder b, Node n, OutputGradients dy) =>
        [b.Where(Positive(b, n.Input(0)), dy[0], b.Scale(dy[0], n.Attributes.Float("alpha", 0.01f)))];

    /// <summary>y = x where x > 0, slope x elsewhere.</summary>
    private static Value?[] PRelu(GraphBuilder b, Node n, OutputGradients dy)
    {
        var (x, slope, zero) = (n.Input(0), n.Input(1), b.ScalarLike(n.Output, 0));
        var positive = Positive(b, x);
        return [b.Where(positive, dy[0], b.Mul(dy[0], slope)), b.Where(positive, zero, b.Mul(dy[0], x))];
    }

    /// <summary>y = gamma x where x > 0, gamma alpha (exp x - 1) elsewhere, so that dy/dx = y + gamma alpha there.</summary>
    private static Value?[] Selu(GraphBuilder b, Node n, OutputGradients dy)
    {
        var gamma = n.Attributes.Float("gamma", 1.05070102f);
        var product = b.ScalarLike(n.Output, (double)gamma * n.Attributes.Float("alpha", 1.67326319f));
        return [b.Where(Positive(b, n.Input(0)), b.Scale(dy[0], gamma), b.Mul(dy[0], b.Add(n.Output, product)))];
    }

    /// <summary>y = x where x > 0, alpha (exp x - 1) elsewhere, so that dy/dx = y + alpha there.</summary>
    private static Value?[] Elu(GraphBuilder b, Node n, OutputGradients dy)
    {
        var alpha = b.ScalarLike(n.Output, n.Attributes.Float("alpha", 1));
        return [b.Where(Positive(b, n.Input(0)), dy[0], b.Mul(dy[0], b.Add(n.Output, alpha)))];
    }

    /// <summary>y = alpha x + beta, clipped to 0..1; flat where it is clipped.</summary>
    private static Value?[] HardSigmoid(GraphBuilder b, Node n, OutputGradients dy)
    {
        var (zero, one) = (b.ScalarLike(n.Output, 0), b.ScalarLike(n.Output, 1));
        var inside = b.And(b.Greater(n.Output, zero), b.Less(n.Output, one));
        return [Masked(b, inside, b.Scale(dy[0], n.Attributes.Float("alpha", 0.2f)))];
    }

    /// <summary>y = x s with s = clip(x / 6 + 1/2, 0, 1): dy/dx = s, and x / 6 more where s is not clipped.</summary>
    private static Value?[] HardSwish(GraphBuilder b, Node n, OutputGradients dy)
    {
        var x = n.Input(0);
        var s = b.HardSigmoid(x, alpha: 1f / 6, beta: 0.5f);
        return [b.Mul(dy[0], b.Add(s, Masked(b, b.LessOrEqual(b.Abs(x), b.ScalarLike(x, 3)), b.Scale(x, 1.0 / 6))))];
    }

    /// <summary>
    /// As (1 + tanh u) / 2 = sigmoid(2 u), y = x s with s = sigmoid(x (a + c x^2)), a = 2 sqrt(2/pi), c = 0.044715 a: dy/dx = s + y (1 - s) (a + 3 c x^2).
    /// </summary>
    private static Value?[] FastGelu(GraphBuilder b, Node n, OutputGradients dy)
    {
        var (x, a) = (n.Input(0), 2 * Math.Sqrt(2 / Math.PI));
        var (linear, cubic) = (b.ScalarLike(x, a), 0.044715 * a);
        var square = b.Mul(x, x);
        var s = b.Sigmoid(b.Mul(x, b.Add(b.Scale(square, cubic), linear)));
        var slope = b.Add(b.Scale(square, 3 * cubic), linear);
        return [b.Mul(dy[0], b.Add(s, b.Mul(b.Mul(n.Output, b.Sub(b.ScalarLike(s, 1), s)), slope)))];
    }

    /// <summary>y = x s with s = sigmoid(alpha x): dy/dx = s + alpha y (1 - s).</summary>
    private static Value?[] QuickGelu(GraphBuilder b, Node n, OutputGradients dy)
    {
        var alpha = n.Attributes.Float("alpha", 1.702f);
        var s = b.Sigmoid(b.Scale(n.Input(0), alpha));
        return [b.Mul(dy[0], b.Add(s, b.Scale(b.Sub(n.Output, b.Mul(n.Output, s)), alpha)))];
    }

    private static Value Positive(GraphBuilder b, Value x) => b.Greater(x, b.ScalarLike(x, 0));
}
