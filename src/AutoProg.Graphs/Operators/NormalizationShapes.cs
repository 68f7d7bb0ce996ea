namespace AutoProg.Graphs.Operators;

internal static class NormalizationShapes
{
    public static IReadOnlyDictionary<string, ShapeRule> Rules { get; } = new Dictionary<string, ShapeRule>(StringComparer.Ordinal)
    {
        ["Softmax"] = AlongAxis,
        ["LogSoftmax"] = AlongAxis,
        ["LayerNormalization"] = LayerNormalization,
    };

    private static OutputType[] AlongAxis(Node node, int outputs)
    {
        var input = node.Input(0);
        _ = input.Shape.Axis(node.Attributes.Int("axis", -1)); // throws if it is outside
        return [new(input.Type, input.Shape)];
    }

    private static OutputType[] LayerNormalization(Node node, int outputs)
    {
        var input = node.Input(0);
        var axis = input.Shape.Axis(node.Attributes.Int("axis", -1));
        var statistics = Shape.Of([.. input.Shape.Select((dim, i) => i < axis ? dim : 1)]);
        OutputType[] all = [new(input.Type, input.Shape), new(input.Type, statistics), new(input.Type, statistics)];
        return all[..outputs];
    }
}
