using AutoProg.Graphs.Operators;

namespace AutoProg.Graphs.Passes;

/// <summary>Elements that are repeated although the reader would repeat them itself.</summary>
internal static class BroadcastRules
{
    private static readonly HashSet<string> Broadcasting = new(StringComparer.Ordinal)
    {
        "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "Where", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor",
    };

    public static IReadOnlyList<RewriteRule> All { get; } =
    [
        new("Expand(x) = x for the shape it has", static (n, _) => n.Operator == "Expand" && n.Input(0).Shape.Equals(n.Output.Shape) ? n.Input(0) : null),
        new("Expand(Expand(x)) = Expand(x)", static (n, g) =>
            n.Operator == "Expand" && n.Input(0).Producer is { Operator: "Expand" } inner ? g.Add("Expand", n, [inner.Input(0), n.Input(1)]) : null),
        new("f(Expand(x), y) = f(x, y)", static (n, g) => WithInput(n, g, x => x.Producer is { Operator: "Expand" } expand ? expand.Input(0) : null)),
        new("f(full(v), y) = f(v, y)", static (n, g) => WithInput(n, g, x =>
            x.Shape.Rank > 0 && x.Constant?.Repeated() is { } v ? g.Constant(v) : null)),
    ];

    /// <summary>The node reading something smaller, as long as the other operands alone give the result its shape.</summary>
    private static Value? WithInput(Node n, Rewriting graph, Func<Value, Value?> smaller)
    {
        if (!Broadcasting.Contains(n.Operator))
        {
            return null;
        }

        for (var i = 0; i < n.Inputs.Count; i++)
        {
            if (smaller(n.Input(i)) is not { } replacement)
            {
                continue;
            }

            Value?[] inputs = [.. n.Inputs];
            inputs[i] = replacement;
            if (inputs.Select(x => x!.Shape).Aggregate(OperatorShapes.Broadcast).Equals(n.Output.Shape))
            {
                return graph.Add(n.Operator, n, inputs, n.Attributes, n.Domain);
            }

            graph.No(n, $"operand {i} alone gives the result its shape {n.Output.Shape}.");
        }

        return null;
    }
}
