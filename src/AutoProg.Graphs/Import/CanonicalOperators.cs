using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Import;

/// <summary>Adds one node of a file to a graph, in the form that <see cref="GraphBuilder.Opset"/> and the gradient rules know.</summary>
/// <param name="b">The graph.</param>
/// <param name="node">The node.</param>
/// <returns>A value per output of the node.</returns>
internal delegate IReadOnlyList<Value> CanonicalRule(GraphBuilder b, ForeignNode node);

/// <summary>The rules by which operators of model files, opset 13 to 23, become operators of a graph.</summary>
internal static class CanonicalOperators
{
    private static readonly Dictionary<string, CanonicalRule> Rules = new(StringComparer.Ordinal)
    {
        ["Constant"] = Constant,
        ["Flatten"] = Flatten,
        ["ReduceMean"] = Reduce,
    };

    /// <summary>Whether nodes of an operator can be added.</summary>
    public static bool Knows(string domain, string op) => domain.Length == 0 && (Rules.ContainsKey(op) || OperatorShapes.Known.Contains(op));

    /// <summary>Adds a node whose operator is known.</summary>
    /// <exception cref="GraphException">Its operands or attributes do not fit.</exception>
    public static IReadOnlyList<Value> Add(GraphBuilder b, ForeignNode node) => Rules.TryGetValue(node.Operator, out var rule)
        ? rule(b, node)
        : b.Add(node.Operator, node.Inputs, node.Attributes, node.OutputCount);

    private static Value[] Constant(GraphBuilder b, ForeignNode node) =>
        [b.Constant(node.Attributes.Tensor("value") ?? throw new GraphException("a constant without a tensor in 'value' is not supported."))];

    private static Value[] Flatten(GraphBuilder b, ForeignNode node)
    {
        var x = node.Input(0);
        var axis = (int)node.Attributes.Int("axis", 1);
        var rows = x.Shape.Take(axis).Aggregate(1L, static (product, dim) => product * dim);
        return [b.Reshape(x, [rows, x.Shape.ElementCount / rows])];
    }

    private static IReadOnlyList<Value> Reduce(GraphBuilder b, ForeignNode node)
    {
        var axes = node.Ints(1, "axes") ?? [.. Enumerable.Range(0, node.Input(0).Shape.Rank).Select(static axis => (long)axis)];
        return b.Add(node.Operator, [node.Input(0), b.Longs(axes)], new Attributes { { "keepdims", node.Attributes.Int("keepdims", 1) } });
    }
}
