namespace AutoProg.Graphs.Operators;

internal static class NormalizationShapes
{
    public static IReadOnlyDictionary<string, ShapeRule> Rules { get; } = new Dictionary<string, ShapeRule>(StringComparer.Ordinal)
    {
        ["Softmax"] = AlongAxis,
        ["LogSoftmax"] = AlongAxis,
        ["LayerNormalization"] = LayerNormalization,
        ["BatchNormalization"] = BatchNormalization,
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

    private static OutputType[] BatchNormalization(Node node, int outputs)
    {
        var input = node.Input(0);
        if (outputs > 1 && !node.Attributes.Flag("training_mode"))
        {
            throw new GraphException($"it has {outputs} outputs, but normalises by statistics that are given (training_mode 0), which has one.");
        }

        for (var i = 1; i < 5; i++)
        {
            if (input.Shape.Rank < 2 || !node.Input(i).Shape.Equals([input.Shape[1]]))
            {
                throw new GraphException($"input {i} has shape {node.Input(i).Shape}; a number per channel of an image [batch, channels, ...] is needed.");
            }
        }

        OutputType[] all = [new(input.Type, input.Shape), new(node.Input(3).Type, node.Input(3).Shape), new(node.Input(4).Type, node.Input(4).Shape)];
        return all[..outputs];
    }
}
