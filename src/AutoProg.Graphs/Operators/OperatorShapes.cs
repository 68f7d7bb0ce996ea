namespace AutoProg.Graphs.Operators;

/// <summary>Type and shape of an output.</summary>
internal readonly record struct OutputType(ElementType Type, Shape Shape);

/// <summary>Types and shapes of a node's outputs from its inputs and attributes.</summary>
/// <param name="node">The node; its outputs do not exist yet.</param>
/// <param name="outputCount">How many outputs are wanted.</param>
internal delegate OutputType[] ShapeRule(Node node, int outputCount);

/// <summary>The shape rules of all operators, joined from the families.</summary>
internal static class OperatorShapes
{
    private static readonly Dictionary<string, ShapeRule> Rules = Join(
        ElementwiseShapes.Rules,
        MatMulShapes.Rules,
        LayoutShapes.Rules,
        ReductionShapes.Rules,
        NormalizationShapes.Rules,
        WindowShapes.Rules);

    /// <summary>Operators with a shape rule.</summary>
    public static IReadOnlyCollection<string> Known => Rules.Keys;

    /// <summary>Infers the outputs of a node.</summary>
    /// <exception cref="GraphException">The operator is unknown, or its inputs do not fit.</exception>
    public static OutputType[] Infer(Node node, int outputCount)
    {
        if (!Rules.TryGetValue(node.Operator, out var rule))
        {
            throw new GraphException($"No shape rule for '{node.Operator}' (node '{node.Name}'). Add it to its family under Operators.");
        }

        try
        {
            return rule(node, outputCount);
        }
        catch (Exception error) when (error is GraphException or ArgumentException or OverflowException)
        {
            throw new GraphException($"{node}, inputs {Describe(node)}: {error.Message}", error);
        }
    }

    /// <summary>The shape that two operands broadcast to.</summary>
    /// <exception cref="GraphException">A pair of dimensions differs and neither is 1.</exception>
    public static Shape Broadcast(Shape a, Shape b)
    {
        var rank = Math.Max(a.Rank, b.Rank);
        var dims = new long[rank];
        for (var axis = 1; axis <= rank; axis++)
        {
            var left = axis <= a.Rank ? a[-axis] : 1;
            var right = axis <= b.Rank ? b[-axis] : 1;
            dims[rank - axis] = left == right || right == 1 ? left
                : left == 1 ? right
                : throw new GraphException($"{a} and {b} do not broadcast: {left} against {right}.");
        }

        return Shape.Of(dims);
    }

    private static string Describe(Node node) => string.Join(", ", node.Inputs.Select(i => i is null ? "-" : i.Type + i.Shape.ToString()));

    private static Dictionary<string, ShapeRule> Join(params IReadOnlyDictionary<string, ShapeRule>[] families) =>
        families.SelectMany(f => f).ToDictionary(r => r.Key, r => r.Value, StringComparer.Ordinal);
}
