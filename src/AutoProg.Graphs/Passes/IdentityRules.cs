namespace AutoProg.Graphs.Passes;

/// <summary>Operators that give back what they got.</summary>
internal static class IdentityRules
{
    public static IReadOnlyList<RewriteRule> All { get; } =
    [
        new("Identity(x) = x", static (n, _) => n.Operator == "Identity" ? n.Input(0) : null),
        new("x * 1 = x", static (n, _) => n.Operator == "Mul" ? Other(n, 1) : null),
        new("x / 1 = x", static (n, _) => n.Operator == "Div" ? First(n, 1) : null),
        new("x + 0 = x", static (n, _) => n.Operator == "Add" ? Other(n, 0) : null),
        new("x - 0 = x", static (n, _) => n.Operator == "Sub" ? First(n, 0) : null),
        new("-(-x) = x", static (n, _) => n.Operator == "Neg" && n.Input(0).Producer is { Operator: "Neg" } inner ? inner.Input(0) : null),
        new("x + (-y) = x - y", Subtraction),
        new("Cast(x) = x for the type it has", static (n, _) => n.Operator == "Cast" && n.Input(0).Type == n.Output.Type ? n.Input(0) : null),
    ];

    private static Value? Other(Node n, double neutral) => First(n, neutral) ?? (Is(n.Input(0), neutral) ? Unbroadcast(n, 1) : null);

    private static Value? First(Node n, double neutral) => Is(n.Input(1), neutral) ? Unbroadcast(n, 0) : null;

    /// <summary>The neutral operand may broadcast the other one to a larger shape; then the operator has an effect.</summary>
    private static Value? Unbroadcast(Node n, int input) => n.Input(input).Shape.Equals(n.Output.Shape) ? n.Input(input) : null;

    /// <summary>-0 + x is x for every x, 0 + x turns -0 into 0; nothing here tells the zeros apart.</summary>
    private static bool Is(Value value, double number) => value.Constant?.Uniform() == number;

    private static Value? Subtraction(Node n, Rewriting graph)
    {
        if (n.Operator != "Add")
        {
            return null;
        }

        var (x, y) = (n.Input(0), n.Input(1));
        return y.Producer is { Operator: "Neg" } right ? graph.Add("Sub", n, [x, right.Input(0)])
            : x.Producer is { Operator: "Neg" } left ? graph.Add("Sub", n, [y, left.Input(0)])
            : null;
    }
}
