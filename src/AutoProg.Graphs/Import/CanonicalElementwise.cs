namespace AutoProg.Graphs.Import;

/// <summary>Elementwise operators that other ones make up, or that changed.</summary>
internal static class CanonicalElementwise
{
    public static IReadOnlyDictionary<string, CanonicalRule> Rules { get; } = new Dictionary<string, CanonicalRule>(StringComparer.Ordinal)
    {
        ["Sum"] = static (b, n) => [Sum(b, n)],
        ["Mean"] = static (b, n) => [b.Scale(Sum(b, n), 1.0 / n.Inputs.Count)],
        ["Pow"] = static (b, n) => [b.Pow(n.Input(0), OfType(b, n.Input(1), n.Input(0).Type))], // exponents may be integers
        ["Gelu"] = Gelu,
        ["Celu"] = Celu,
        ["Mish"] = static (b, n) => [b.Mul(n.Input(0), b.Tanh(b.Softplus(n.Input(0))))],
        ["Cast"] = static (b, n) => [OfType(b, n.Input(0), Target(n))],
        ["CastLike"] = static (b, n) => [OfType(b, n.Input(0), n.Input(1).Type)],
        ["Dropout"] = Dropout,
    };

    private static Value Sum(GraphBuilder b, ForeignNode n) => Enumerable.Range(0, n.Inputs.Count).Select(n.Input).Aggregate(b.Add);

    private static Value OfType(GraphBuilder b, Value x, ElementType type) => x.Type == type ? x : b.Cast(x, type);

    private static ElementType Target(ForeignNode n) => (ElementType)n.Attributes.Int("to", 0) is var type && Enum.IsDefined(type)
        ? type
        : throw new GraphException($"element type {n.Attributes.Int("to", 0)} is not supported; {string.Join(", ", Enum.GetNames<ElementType>())} are known.");

    private static Value[] Gelu(GraphBuilder b, ForeignNode n) => n.Attributes.Text("approximate", "none") switch
    {
        "none" => [b.Gelu(n.Input(0))],
        "tanh" => [b.FastGelu(n.Input(0))],
        var other => throw new GraphException($"approximate '{UntrustedText.Shown(other)}' is unknown; none and tanh are known."),
    };

    /// <summary>max(0, x) + min(0, alpha (exp(x / alpha) - 1)) = alpha Elu(x / alpha).</summary>
    private static Value[] Celu(GraphBuilder b, ForeignNode n)
    {
        var alpha = n.Attributes.Float("alpha", 1);
        return [b.Scale(b.Elu(b.Scale(n.Input(0), 1 / (double)alpha)), alpha)];
    }

    /// <summary>In evaluation it gives back what it got. Random numbers come into a graph as inputs, never from an operator.</summary>
    private static Value[] Dropout(GraphBuilder b, ForeignNode n)
    {
        var drops = n.OptionalInput(2) is not null && n.KnownInput(2).Doubles()[0] != 0 && (n.OptionalInput(1) is null || n.KnownInput(1).Doubles()[0] != 0);
        if (drops)
        {
            throw new GraphException("dropout in training mode draws random numbers, which graphs here do not; export the model in evaluation mode (batch normalisation may stay in training mode).");
        }

        return [n.Input(0), b.Expand(b.Constant(Tensor.FromBools(Shape.Scalar, [true])), n.Input(0).Shape)];
    }
}
