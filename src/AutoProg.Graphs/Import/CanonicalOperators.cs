using AutoProg.Graphs.Gradients;

namespace AutoProg.Graphs.Import;

/// <summary>Adds one node of a file to a graph, in the form that <see cref="GraphBuilder.Opset"/> and the gradient rules know.</summary>
/// <param name="b">The graph.</param>
/// <param name="node">The node.</param>
/// <returns>A value per output of the node.</returns>
internal delegate IReadOnlyList<Value> CanonicalRule(GraphBuilder b, ForeignNode node);

/// <summary>
/// How operators of model files, opset 13 to 23, become operators of a graph. Most are the same there (<see cref="Unchanged"/>); those that changed between the
/// opsets, and those that other operators make up, have a rule in their family.
/// </summary>
internal static class CanonicalOperators
{
    /// <summary>Elements that shape arithmetic may come to while a file is read: for <see cref="GraphBuilder(long)"/>.</summary>
    public const long ComputableElements = 1 << 27;

    /// <summary>Elements of the largest table that a rule makes: weights of interpolation, places of padding, numbers of a Range.</summary>
    public const long MostElements = 1 << 24;

    private static readonly Dictionary<string, CanonicalRule> Rules = Join(
        CanonicalConstants.Rules,
        CanonicalElementwise.Rules,
        CanonicalLayout.Rules,
        CanonicalReductions.Rules,
        CanonicalNormalization.Rules,
        CanonicalWindows.Rules,
        CanonicalResize.Rules,
        CanonicalEinsum.Rules);

    /// <summary>Operators that mean the same in every opset, with the attributes that they have in the one that is written.</summary>
    private static readonly Dictionary<string, string[]> Unchanged = new(
        [
            .. new[]
            {
                "Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu", "Neg", "Abs", "Sign", "Floor", "Ceil", "Round", "Sqrt", "Reciprocal", "Exp", "Log", "Erf", "Sigmoid",
                "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Tanh", "Asinh", "Acosh", "Atanh", "Softplus", "Softsign", "Relu", "HardSwish", "Clip", "Identity",
                "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor", "Not", "IsNaN", "Where", "MatMul", "GlobalAveragePool",
                "Slice", "Expand", "Tile", "Squeeze", "Unsqueeze",
            }.Select(static op => KeyValuePair.Create(op, Array.Empty<string>())),
        ],
        StringComparer.Ordinal)
    {
        ["LeakyRelu"] = ["alpha"],
        ["ThresholdedRelu"] = ["alpha"],
        ["Elu"] = ["alpha"],
        ["Selu"] = ["alpha", "gamma"],
        ["HardSigmoid"] = ["alpha", "beta"],
        ["Mod"] = ["fmod"],
        ["IsInf"] = ["detect_negative", "detect_positive"],
        ["Gemm"] = ["alpha", "beta", "transA", "transB"],
        ["Reshape"] = ["allowzero"],
        ["Transpose"] = ["perm"],
        ["Concat"] = ["axis"],
        ["Gather"] = ["axis"],
        ["GatherElements"] = ["axis"],
        ["GatherND"] = ["batch_dims"],
        ["ScatterElements"] = ["axis", "reduction"],
        ["ScatterND"] = ["reduction"],
        ["Trilu"] = ["upper"],
        ["Softmax"] = ["axis"],
        ["LogSoftmax"] = ["axis"],
        ["CumSum"] = ["exclusive", "reverse"],
        ["ArgMax"] = ["axis", "keepdims", "select_last_index"],
        ["ArgMin"] = ["axis", "keepdims", "select_last_index"],
    };

    /// <summary>Operators with a rule.</summary>
    public static IEnumerable<string> Changed => Rules.Keys;

    /// <summary>Operators that can be added.</summary>
    public static IEnumerable<string> Known => Changed.Concat(Unchanged.Keys);

    /// <summary>Whether nodes of an operator can be added. Batch normalisation is not among them: its statistics are the importer's business.</summary>
    public static bool Knows(string domain, string op) => RuleOf(domain, op) is not null || (domain.Length == 0 && (Unchanged.ContainsKey(op) || op == "BatchNormalization"));

    /// <summary>Whether gradients pass through it: it has a gradient rule, or is built from operators that have.</summary>
    public static bool HasGradient(string op) => Rules.ContainsKey(op) || GradientRules.Find(op) is not null;

    /// <summary>Adds a node whose operator is known.</summary>
    /// <exception cref="GraphException">Its operands or attributes do not fit.</exception>
    public static IReadOnlyList<Value> Add(GraphBuilder b, ForeignNode node)
    {
        if (RuleOf(node.Domain, node.Operator) is { } rule)
        {
            return rule(b, node);
        }

        var known = Unchanged.TryGetValue(node.Operator, out var attributes) ? attributes : throw new GraphException($"'{node.Operator}' is not supported.");
        return node.Attributes.FirstOrDefault(a => !known.Contains(a.Key)) is { Key: { } other }
            ? throw new GraphException($"attribute '{UntrustedText.Shown(other)}' is not supported; {(known.Length == 0 ? "the operator has none" : string.Join(", ", known) + " are known")}.")
            : b.Add(node.Operator, node.Inputs, node.Attributes, node.OutputCount);
    }

    private static CanonicalRule? RuleOf(string domain, string op) => domain switch
    {
        "" => Rules.GetValueOrDefault(op),
        GraphBuilder.MicrosoftDomain => CanonicalMicrosoft.Rules.GetValueOrDefault(op),
        _ => null,
    };

    private static Dictionary<string, CanonicalRule> Join(params IReadOnlyDictionary<string, CanonicalRule>[] families) =>
        families.SelectMany(static f => f).ToDictionary(static r => r.Key, static r => r.Value, StringComparer.Ordinal);
}
