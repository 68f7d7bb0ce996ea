using AutoProg.Graphs.Gradients.Convolutions;

namespace AutoProg.Graphs.Gradients;

/// <summary>
/// The gradient of one operator: from the gradients of a node's outputs to those of its inputs, built as further nodes.
/// An entry per input; null says that the derivative is zero everywhere or that the input is no number.
/// The walk sums over broadcast axes, accumulates, and drops what nobody needs.
/// </summary>
/// <param name="b">Where nodes are added.</param>
/// <param name="node">The operator.</param>
/// <param name="dy">Gradients of its outputs.</param>
internal delegate Value?[] GradientRule(GraphBuilder b, Node node, OutputGradients dy);

/// <summary>The gradient rules of all operators, joined from the families.</summary>
internal static class GradientRules
{
    private static readonly Dictionary<string, GradientRule> Rules = Join(
        ElementwiseGradients.Rules,
        ActivationGradients.Rules,
        MatMulGradients.Rules,
        LayoutGradients.Rules,
        IndexingGradients.Rules,
        ReductionGradients.Rules,
        NormalizationGradients.Rules,
        BatchNormalizationGradients.Rules,
        ConvGradients.Rules,
        PoolGradients.Rules);

    /// <summary>Operators with a gradient rule.</summary>
    public static IReadOnlyCollection<string> Known => Rules.Keys;

    /// <summary>The rule of an operator, or null.</summary>
    public static GradientRule? Find(string op) => Rules.GetValueOrDefault(op);

    /// <summary>Stated, not forgotten: piecewise constant, or not a number.</summary>
    public static Value?[] NoGradient(GraphBuilder _1, Node node, OutputGradients _2) => new Value?[node.Inputs.Count];

    private static Dictionary<string, GradientRule> Join(params IReadOnlyDictionary<string, GradientRule>[] families) =>
        families.SelectMany(f => f).ToDictionary(r => r.Key, r => r.Value, StringComparer.Ordinal);
}

/// <summary>Gradients of a node's outputs; an output that nothing uses has gradient zero, which is built only when it is asked for.</summary>
internal sealed class OutputGradients(GraphBuilder builder, Node node, IReadOnlyList<Value?> gradients)
{
    /// <summary>Gradient of an output.</summary>
    public Value this[int output] => gradients[output] ?? builder.Full(node.Outputs[output], node.Outputs[output].Shape, 0);

    /// <summary>True if the output influences the loss.</summary>
    public bool Has(int output) => gradients[output] is not null;
}
