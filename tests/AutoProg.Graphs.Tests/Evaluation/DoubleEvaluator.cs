namespace AutoProg.Graphs.Tests.Evaluation;

/// <summary>Outputs of a node from its inputs; an input that was left out is null.</summary>
internal delegate DoubleTensor[] Formula(Node node, DoubleTensor?[] inputs);

/// <summary>
/// Runs graphs in double precision, whatever their element types say. ONNX Runtime's CPU kernels are float32 only for several operators,
/// too coarse for finite differences; this is slow, and independent of every rule under test but the shapes.
/// </summary>
internal static class DoubleEvaluator
{
    private static readonly Dictionary<string, Formula> Formulas = new IReadOnlyDictionary<string, Formula>[]
    {
        ElementwiseFormulas.All,
        LayoutFormulas.All,
        ProductFormulas.All,
        ReductionFormulas.All,
        WindowFormulas.All,
    }.SelectMany(f => f).ToDictionary(f => f.Key, f => f.Value, StringComparer.Ordinal);

    public static IReadOnlyCollection<string> Known => Formulas.Keys;

    /// <summary>The graph's outputs by name. Feeds are inputs and parameters by name.</summary>
    public static IReadOnlyDictionary<string, DoubleTensor> Run(Graph graph, IReadOnlyDictionary<string, DoubleTensor> feeds)
    {
        var values = graph.Inputs.Concat(graph.Parameters).ToDictionary(v => v, v => feeds[v.Name]);
        foreach (var constant in graph.Constants)
        {
            values.Add(constant, new DoubleTensor(constant.Shape, constant.Constant!.Doubles()));
        }

        foreach (var node in graph.Nodes)
        {
            var results = Formulas[node.Operator](node, [.. node.Inputs.Select(i => i is null ? null : values[i])]);
            foreach (var (output, result) in node.Outputs.Zip(results))
            {
                Assert.Equal(output.Shape, result.Shape);
                values.Add(output, result);
            }
        }

        return graph.Outputs.ToDictionary(o => o.Name, o => values[o.Value], StringComparer.Ordinal);
    }
}
