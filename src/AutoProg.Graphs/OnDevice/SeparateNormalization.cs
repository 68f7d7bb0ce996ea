using AutoProg.Graphs.Passes;

namespace AutoProg.Graphs.OnDevice;

/// <summary>
/// Keeps a sum and the normalisation behind it two operators. ONNX Runtime, unless it is told to optimise less, joins an Add that nothing else reads and a LayerNormalization into
/// SkipLayerNormalization, whose CPU kernel leaves mean and deviation empty; the gradient reads both. It looks for a three-dimensional sum, so the normalisation gets its rows
/// as a matrix, which costs nothing.
/// </summary>
internal static class SeparateNormalization
{
    /// <summary>The graph with such normalisations over matrices.</summary>
    public static Graph Apply(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        return Pass.Standard(Rewriting.Expand(graph, static (n, g) => WouldBeJoined(n, g) ? OverRows(n, g) : null));
    }

    private static bool WouldBeJoined(Node n, Rewriting g) =>
        n.Operator == "LayerNormalization" && n.Outputs.Count > 1 && n.Input(0) is { Shape.Rank: > 2, Producer.Operator: "Add" } sum && g.HasOneReader(sum);

    private static Value[] OverRows(Node n, Rewriting g)
    {
        var x = n.Input(0);
        var rows = Reshaped(n, g, x, [x.Shape.ElementCount / x.Shape[-1], x.Shape[-1]]);
        var attributes = new Attributes { { "axis", -1L }, { "epsilon", n.Attributes.Float("epsilon", 1e-5f) } };
        var results = g.Add("LayerNormalization", n, [rows, .. n.Inputs.Skip(1)], n.Outputs.Count, attributes);
        return [.. results.Zip(n.Outputs, (result, original) => Reshaped(n, g, result, original.Shape))];
    }

    private static Value Reshaped(Node n, Rewriting g, Value x, Shape shape) => g.Add("Reshape", n, [x, g.Constant(Tensor.FromLongs([shape.Rank], shape.ToArray()))]);
}
