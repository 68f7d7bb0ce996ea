namespace AutoProg.Graphs.Import;

/// <summary>ONNX Runtime's own operators: it writes them into models that it has optimised, and this engine into those that it exports.</summary>
internal static class CanonicalMicrosoft
{
    public static IReadOnlyDictionary<string, CanonicalRule> Rules { get; } = new Dictionary<string, CanonicalRule>(StringComparer.Ordinal)
    {
        ["FusedMatMul"] = FusedMatMul,
        ["Gelu"] = static (b, n) => [b.Gelu(n.Input(0))],
        ["FastGelu"] = static (b, n) => [b.FastGelu(n.OptionalInput(1) is { } bias ? b.Add(n.Input(0), bias) : n.Input(0))],
        ["QuickGelu"] = static (b, n) => [b.QuickGelu(n.Input(0), n.Attributes.Float("alpha", 1.702f))],
    };

    private static Value[] FusedMatMul(GraphBuilder b, ForeignNode n) => n.Attributes.Flag("transBatchA") || n.Attributes.Flag("transBatchB")
        ? throw new GraphException("a product of matrices whose batch axes are transposed (transBatchA, transBatchB) is not supported.")
        : [b.FusedMatMul(n.Input(0), n.Input(1), n.Attributes.Flag("transA"), n.Attributes.Flag("transB"), n.Attributes.Float("alpha", 1))];
}
