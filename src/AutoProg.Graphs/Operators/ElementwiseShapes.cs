using static AutoProg.Graphs.Operators.OperatorShapes;

namespace AutoProg.Graphs.Operators;

internal static class ElementwiseShapes
{
    /// <summary>Operators that compute on two or more operands element by element.</summary>
    public static IReadOnlyList<string> BroadcastingOperators { get; } = ["Add", "Sub", "Mul", "Div", "Pow", "Mod", "Max", "Min", "PRelu"];

    /// <summary>Operators whose results are truth values.</summary>
    public static IReadOnlyList<string> ComparingOperators { get; } = ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor"];

    /// <summary>Operators that compute on one operand element by element.</summary>
    public static IReadOnlyList<string> UnaryOperators { get; } =
    [
        "Neg", "Abs", "Sign", "Floor", "Ceil", "Round", "Sqrt", "Reciprocal", "Exp", "Log", "Erf", "Sigmoid", "Softplus", "Softsign",
        "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Tanh", "Asinh", "Acosh", "Atanh",
        "Relu", "LeakyRelu", "ThresholdedRelu", "Elu", "Selu", "HardSigmoid", "HardSwish", "Gelu", "FastGelu", "QuickGelu", "Clip", "Identity", "Not",
    ];

    public static IReadOnlyDictionary<string, ShapeRule> Rules { get; } = new Dictionary<string, ShapeRule>(
        [
            .. BroadcastingOperators.Select(op => KeyValuePair.Create(op, (ShapeRule)Broadcasting)),
            .. ComparingOperators.Select(op => KeyValuePair.Create(op, (ShapeRule)Comparing)),
            .. UnaryOperators.Select(op => KeyValuePair.Create(op, (ShapeRule)SameAsInput)),
        ],
        StringComparer.Ordinal)
    {
        ["Cast"] = static (n, _) => [new((ElementType)n.Attributes.Int("to", 0), n.Input(0).Shape)],
        ["IsNaN"] = static (n, _) => [new(ElementType.Bool, n.Input(0).Shape)],
        ["IsInf"] = static (n, _) => [new(ElementType.Bool, n.Input(0).Shape)],
        ["Where"] = static (n, _) =>
        [
            new(SameType(n.Input(1), n.Input(2)), Broadcast(n.Input(0).Shape, Broadcast(n.Input(1).Shape, n.Input(2).Shape))),
        ],
    };

    private static OutputType[] SameAsInput(Node node, int outputs) => [new(node.Input(0).Type, node.Input(0).Shape)];

    private static OutputType[] Broadcasting(Node node, int outputs)
    {
        var shape = node.Input(0).Shape;
        for (var i = 1; i < node.Inputs.Count; i++)
        {
            SameType(node.Input(0), node.Input(i));
            shape = Broadcast(shape, node.Input(i).Shape);
        }

        return [new(node.Input(0).Type, shape)];
    }

    private static OutputType[] Comparing(Node node, int outputs)
    {
        SameType(node.Input(0), node.Input(1));
        return [new(ElementType.Bool, Broadcast(node.Input(0).Shape, node.Input(1).Shape))];
    }

    private static ElementType SameType(Value a, Value b) =>
        a.Type == b.Type ? a.Type : throw new GraphException($"element types differ: {a} and {b}.");
}
