using AutoProg.Graphs.Artifacts.Protos;

namespace AutoProg.Graphs.Import;

/// <summary>What must hold for the names and counts in a file's graph before anything is made of it.</summary>
internal static class GraphStructure
{
    /// <summary>Checks a graph: every name is defined once, and nothing is read before it is there, so that there are no cycles.</summary>
    /// <returns>Stored tensors by name, with those that an <c>Identity</c> alone makes of another.</returns>
    /// <exception cref="GraphException">Something does not hold.</exception>
    public static Dictionary<string, TensorProto> Check(GraphProto graph)
    {
        Require(graph.Node.Count <= OnnxLimits.Nodes, $"has {graph.Node.Count} nodes, at most {OnnxLimits.Nodes} are read.");
        Require(graph.Output.Count > 0, "its graph returns nothing; one output is needed at least.");
        var stored = Stored(graph);
        RequireNamesOnce(graph.Input.Select(static i => i.Name), "input");
        RequireNamesOnce(graph.Output.Select(static o => o.Name), "output");
        RequireOrder(graph);
        return stored;
    }

    /// <summary>A node's name in messages and graphs: its own, or its operator and place.</summary>
    public static string NameOf(NodeProto node, int place) => node.Name.Length > 0 ? node.Name : $"{node.OpType}_{place}";

    private static Dictionary<string, TensorProto> Stored(GraphProto graph)
    {
        var stored = new Dictionary<string, TensorProto>(StringComparer.Ordinal);
        foreach (var tensor in graph.Initializer)
        {
            Require(tensor.Name.Length > 0, "has an initializer without a name.");
            Require(stored.TryAdd(tensor.Name, tensor), $"has two initializers named '{UntrustedText.Shown(tensor.Name)}'.");
        }

        foreach (var node in graph.Node)
        {
            if (IsCopy(node) && stored.TryGetValue(node.Input[0], out var original) && !stored.ContainsKey(node.Output[0]))
            {
                stored.Add(node.Output[0], original);
            }
        }

        var bytes = stored.Values.Aggregate((Int128)0, static (sum, tensor) => sum + BytesOf(tensor));
        Require(bytes <= OnnxLimits.InitializerBytes, $"its initializers take {bytes} bytes, at most {OnnxLimits.InitializerBytes} are read.");
        return stored;
    }

    private static long BytesOf(TensorProto tensor)
    {
        try
        {
            return ElementReader.ShapeOf(tensor).ElementCount * ElementReader.TypeOf(tensor.DataType).Size();
        }
        catch (GraphException error)
        {
            throw new GraphException($"initializer '{UntrustedText.Shown(tensor.Name)}': {error.Message}", error);
        }
    }

    /// <summary>Whether a node is ONNX's batch normalisation, and nobody else's.</summary>
    public static bool IsBatchNorm(NodeProto node) => node is { OpType: "BatchNormalization", Domain: "" or "ai.onnx" };

    /// <summary>Whether a node may be a second name of a stored tensor.</summary>
    public static bool IsCopy(NodeProto node) => node is { OpType: "Identity", Domain: "" or "ai.onnx", Input.Count: 1, Output.Count: 1 } && node.Output[0].Length > 0;

    private static void RequireOrder(GraphProto graph)
    {
        var defined = graph.Input.Select(static i => i.Name).Concat(graph.Initializer.Select(static i => i.Name)).ToHashSet(StringComparer.Ordinal);
        var later = graph.Node.SelectMany(static n => n.Output).ToHashSet(StringComparer.Ordinal);
        for (var place = 0; place < graph.Node.Count; place++)
        {
            var node = graph.Node[place];
            if (node.Input.FirstOrDefault(input => input.Length > 0 && !defined.Contains(input)) is { } missing)
            {
                throw new GraphException($"{Describe(node, place)} reads '{UntrustedText.Shown(missing)}', which {(later.Contains(missing) ? "is computed from it or behind it: the nodes are out of order or form a cycle" : "nothing defines")}.");
            }

            foreach (var output in node.Output.Where(static o => o.Length > 0))
            {
                Require(defined.Add(output), $"{Describe(node, place)} computes '{UntrustedText.Shown(output)}', a name that is defined already.");
            }
        }

        if (graph.Output.FirstOrDefault(o => !defined.Contains(o.Name)) is { } unknown)
        {
            throw new GraphException($"returns '{UntrustedText.Shown(unknown.Name)}', which nothing computes.");
        }
    }

    private static string Describe(NodeProto node, int place) => $"node '{UntrustedText.Shown(NameOf(node, place))}' ({UntrustedText.Shown(node.OpType)})";

    private static void RequireNamesOnce(IEnumerable<string> names, string what)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            Require(name.Length > 0, $"has an {what} without a name.");
            Require(seen.Add(name), $"has two {what}s named '{UntrustedText.Shown(name)}'.");
        }
    }

    private static void Require(bool holds, string problem)
    {
        if (!holds)
        {
            throw new GraphException(problem);
        }
    }
}
